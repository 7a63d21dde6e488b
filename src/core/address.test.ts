import assert from "node:assert/strict";
import { BlockList, isIP } from "node:net";
import { describe, it } from "node:test";

import fc from "fast-check";

import {
  addressKind,
  hostOf,
  isPlainHost,
  isServerUrl,
  isServiceUrl,
  networkOf,
  refusedKind,
  type AddressKind,
} from "./address.ts";

/** Both ends of each range, and their neighbours outside. */
const KINDS: readonly (readonly [AddressKind, readonly string[]])[] = [
  ["public", ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"]],
  ["public", ["169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255"]],
  ["public", ["192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15", "192.88.98.255"]],
  ["public", ["2000::", "2001:200::1", "2606:4700:4700::1111", "2a00:1450:4001::200e", "3ffe:ffff::1", "2003::1"]],
  ["loopback", ["127.0.0.0", "127.0.0.1", "127.1.2.3", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1"]],
  ["private", ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"]],
  ["private", ["fc00::", "fd12:3456:789a::1", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]],
  ["shared", ["100.64.0.0", "100.127.255.255"]],
  ["link-local", ["169.254.0.0", "169.254.255.255", "fe80::1", "fe80::1%eth0", "febf::1"]],
  ["metadata", ["169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192"]],
  ["metadata", ["168.63.129.16", "fd00:ec2::254", "fd00:ec2:0::23", "fd20:ce::254"]],
  ["multicast", ["224.0.0.0", "239.255.255.255", "ff02::1"]],
  ["unspecified", ["0.0.0.0", "0.255.255.255", "::", "0:0:0:0:0:0:0:0"]],
  ["embedded", ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::FFFF:7f00:1", "::127.0.0.1", "::8.8.8.8", "::ffff:0:1.2.3.4"]],
  ["embedded", ["64:ff9b::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1", "64:ff9b:1:ffff::", "2002:7f00:1::", "2001::1"]],
  ["embedded", ["192.88.99.1"]],
  ["reserved", ["192.0.0.0", "192.0.2.1", "198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.9", "240.0.0.0"]],
  ["reserved", ["255.255.255.255", "100::1", "2001:1ff:ffff::", "2001:db8::1", "3fff::1", "3fff:fff::1", "4000::"]],
  ["reserved", ["1fff::1", "5f00::1", "fec0::1", "fbff::1", "64:ff9a::1", "64:ff9b:2::1"]],
];

describe("the kind of an address", () => {
  for (const [kind, addresses] of KINDS) {
    it(`is ${kind} for ${addresses.slice(0, 2).join(", ")} and others`, () => {
      assert.deepEqual(
        addresses.map((address) => [address, addressKind(address)]),
        addresses.map((address) => [address, kind]),
      );
    });
  }

  it("is unknown of what is no address in its plain form", () => {
    for (const text of [
      "",
      "localhost",
      "2130706433",
      "0x7f.0.0.1",
      "127.1",
      "0177.0.0.1",
      "[::1]",
      "1.2.3.4.5",
      "::g",
    ]) {
      assert.equal(addressKind(text), undefined, text);
    }
  });

  it("is of what Node takes for an address, and of nothing else", () => {
    const part = fc.oneof(
      fc.constantFrom("", "0", "1", "01", "255", "256", "ffff", "::", ":", ".", "1.2.3.4", "g"),
      fc.ipV4(),
      fc.ipV6(),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.constantFrom(":", ".", "::", ""), (parts, between) => {
        const text = parts.join(between);
        assert.equal(addressKind(text) === undefined, isIP(text) === 0, text);
      }),
      { numRuns: 5_000 },
    );
  });

  it("agrees with Node's own block list, for every address", () => {
    const inwards = new BlockList();
    const outwards = new BlockList();
    for (const [start, length] of [
      ["0.0.0.0", 8],
      ["10.0.0.0", 8],
      ["100.64.0.0", 10],
      ["127.0.0.0", 8],
      ["169.254.0.0", 16],
      ["172.16.0.0", 12],
      ["192.0.0.0", 24],
      ["192.0.2.0", 24],
      ["192.88.99.0", 24],
      ["192.168.0.0", 16],
      ["198.18.0.0", 15],
      ["198.51.100.0", 24],
      ["203.0.113.0", 24],
      ["224.0.0.0", 3],
    ] as const) {
      inwards.addSubnet(start, length, "ipv4");
    }
    inwards.addAddress("168.63.129.16", "ipv4");
    outwards.addSubnet("2000::", 3, "ipv6");
    for (const [start, length] of [
      ["2001::", 23],
      ["2001:db8::", 32],
      ["2002::", 16],
      ["3fff::", 20],
    ] as const) {
      inwards.addSubnet(start, length, "ipv6");
    }
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        assert.equal(addressKind(address) === "public", !inwards.check(address, "ipv4"), address);
      }),
      { numRuns: 2_000 },
    );
    // Of all addresses few are of a known range; half of these are put into global unicast.
    const v6 = fc.tuple(fc.boolean(), fc.ipV6()).map(([global, text]) => {
      return global && !text.startsWith(":") ? text.replace(/^[0-9a-fA-F]+/, "2001") : text;
    });
    fc.assert(
      fc.property(v6, (address) => {
        const expected = outwards.check(address, "ipv6") && !inwards.check(address, "ipv6");
        assert.equal(addressKind(address) === "public", expected, address);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is that of the address however it is written", () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const long = groups.map((one) => one.toString(16).padStart(4, "0")).join(":");
        // The URL parser writes the shortest form.
        const short = hostOf(new URL(`http://[${long}]/`));
        assert.equal(addressKind(long), addressKind(short));
        assert.equal(addressKind(long.toUpperCase()), addressKind(short));
      }),
    );
  });
});

describe("the network of an upstream", () => {
  it("is what the URL names, and public where it names a host", () => {
    for (const url of [
      "http://localhost:1",
      "http://127.0.0.1",
      "http://[::1]",
      "http://10.0.0.7",
      "http://[fd00::1]",
    ]) {
      assert.equal(networkOf(new URL(url)), "private", url);
    }
    for (const url of ["https://api.openai.com", "http://8.8.8.8", "http://localhost.evil.example", "http://ollama"]) {
      assert.equal(networkOf(new URL(url)), "public", url);
    }
    // Written out is not allowed: these are of no network.
    for (const url of ["http://169.254.169.254", "http://[fe80::1]", "http://[::ffff:7f00:1]", "http://0.0.0.0"]) {
      assert.equal(networkOf(new URL(url)), "public", url);
      assert.notEqual(refusedKind(hostOf(new URL(url)), "public"), undefined, url);
    }
  });

  it("allows the addresses of its own side, and no others", () => {
    for (const [kind, addresses] of KINDS) {
      for (const address of addresses) {
        assert.equal(refusedKind(address, "public") === undefined, kind === "public", address);
        const inside = kind === "loopback" || kind === "private" || kind === "shared";
        assert.equal(refusedKind(address, "private") === undefined, inside, address);
      }
    }
    assert.equal(refusedKind("not an address", "public"), "reserved");
  });
});

describe("the host of a URL in the configuration", () => {
  it("stands there in its plain form, or hides what it is", () => {
    for (const url of [
      "https://api.example.com/v1",
      "HTTPS://API.Example.com",
      "http://127.0.0.1:1/",
      "http://[2001:db8::1]:1/",
      "https://api.example.com.",
    ]) {
      assert.equal(isPlainHost(url), true, url);
    }
    for (const url of [
      "http://2130706433/",
      "http://0x7f.1/",
      "http://0177.0.0.1/",
      "http://127.1/",
      "http://１２７.０.０.１/",
      "http://127。0。0。1/",
      "http://%31%32%37.0.0.1/",
      "http:127.0.0.1/",
      "http://a@127.0.0.1/",
      "http://127.0.0.1\\@example.com/",
      "http://[0:0:0:0:0:0:0:1]/",
      "http://[::ffff:127.0.0.1]/",
    ]) {
      assert.equal(isPlainHost(url), false, url);
      assert.equal(isServerUrl(url), false, url);
    }
  });

  it("is a name, or an address that a server may have", () => {
    for (const host of [
      "vault.example.com",
      "localhost",
      "127.0.0.1",
      "10.0.0.1",
      "100.64.0.1",
      "8.8.8.8",
      "[fd00::1]",
    ]) {
      assert.equal(isServerUrl(`https://${host}/`), true, host);
    }
    for (const host of [
      "169.254.169.254",
      "169.254.1.1",
      "100.100.100.200",
      "[fd00:ec2::254]",
      "[fe80::1]",
      "[::ffff:7f00:1]",
      "[64:ff9b::7f00:1]",
      "[2002:7f00:1::1]",
      "[2001::1]",
      "0.0.0.0",
      "[::]",
      "224.0.0.1",
      "[ff02::1]",
      "255.255.255.255",
    ]) {
      assert.equal(isServerUrl(`https://${host}/`), false, host);
    }
    assert.equal(isServerUrl("vault"), false);
  });
});

it("what is sent to a service goes over TLS, or stays on this machine, and shows no password", () => {
  for (const url of [
    "https://vault.example/v1",
    "http://127.0.0.1:8200",
    "http://127.9.9.9/",
    "http://[::1]/",
    "http://localhost/",
  ])
    assert.equal(isServiceUrl(url), true, url);
  for (const url of [
    "http://vault.example/v1",
    "http://10.0.0.7/",
    "https://me:pw@vault.example/",
    "https://me@vault.example/",
    "https://169.254.169.254/",
    "https://0x7f.1/",
    "ftp://vault.example/",
    "vault",
  ])
    assert.equal(isServiceUrl(url), false, url);
});
