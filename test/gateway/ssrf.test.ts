/**
 * Requests forged by the gateway's own hand: everything by which others were brought to connect where they should not.
 * A listener on every address of this machine counts connections, and must count none.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { after, before, describe, it } from "node:test";

import { isHoldfastError } from "../../src/core/index.ts";
import { gatewayConfig } from "../../src/gateway/index.ts";
import { openRouting } from "../../src/gateway/upstream/routing.ts";
import { startDns } from "../upstreams/dns.ts";
import { startFakeUpstream } from "../upstreams/fake.ts";
import { chat, message, raw, startHarness, type HarnessOptions } from "./harness.ts";

let listener: Server;
let port: number;
let connections = 0;

before(async () => {
  listener = createServer((socket) => {
    connections++;
    socket.on("error", () => undefined);
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
  });
  // Of both families, on every address that the machine has.
  listener.listen(0, "::");
  await once(listener, "listening");
  ({ port } = listener.address() as AddressInfo);
});

after(() => {
  listener.close();
});

/** Uses the gateway, and expects that nothing has come to the listener. */
async function without(
  options: HarnessOptions,
  use: (harness: Awaited<ReturnType<typeof startHarness>>) => Promise<void>,
) {
  const earlier = connections;
  const harness = await startHarness({ config: { retries: { attempts: 3, backoffMs: 1 } }, ...options });
  try {
    await use(harness);
  } finally {
    await harness.close();
  }
  // Whatever was connected to is seen by now: connecting comes before the error that the client got.
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  assert.equal(connections - earlier, 0, "connections were made");
}

const upstream = (url: string, more: object = {}): object => ({ name: "u", protocol: "openai", url, ...more });

describe("a host in the configuration that hides what it is", () => {
  const disguised = (): readonly string[] => [
    // Numbers that the URL parser turns into an address.
    `http://2130706433:${port}/v1`,
    `http://0x7f000001:${port}/v1`,
    `http://0x7f.0.0.1:${port}/v1`,
    `http://0177.0.0.1:${port}/v1`,
    `http://017700000001:${port}/v1`,
    `http://127.1:${port}/v1`,
    `http://127.0.1:${port}/v1`,
    `http://0:${port}/v1`,
    `http://127.0.0.1.:${port}/v1`,
    // Characters that it maps or decodes.
    `http://１２７.０.０.１:${port}/v1`,
    `http://①②⑦.⓪.⓪.①:${port}/v1`,
    `http://127。0。0。1:${port}/v1`,
    `http://%31%32%37.0.0.1:${port}/v1`,
    `http://ｌｏｃａｌｈｏｓｔ:${port}/v1`,
    `http:\\\\127.0.0.1:${port}/v1`,
    `http:127.0.0.1:${port}/v1`,
    `http:///127.0.0.1:${port}/v1`,
    // A host before the host, and after it.
    `http://api.openai.com@127.0.0.1:${port}/v1`,
    `http://api.openai.com:pw@127.0.0.1:${port}/v1`,
    `http://api.openai.com%40127.0.0.1:${port}/v1`,
    `http://127.0.0.1:${port}/#@api.openai.com/v1`,
    `http://127.0.0.1:${port}#@api.openai.com/v1`,
    `http://127.0.0.1:${port}/?@api.openai.com/v1`,
    `http://127.0.0.1:${port}\\@api.openai.com/v1`,
    // Other forms of IPv6.
    `http://[0:0:0:0:0:0:0:1]:${port}/v1`,
    `http://[::ffff:127.0.0.1]:${port}/v1`,
    `http://[::127.0.0.1]:${port}/v1`,
    // Not HTTP.
    "file:///etc/passwd",
    `gopher://127.0.0.1:${port}/v1`,
    `ftp://127.0.0.1:${port}/v1`,
    "unix:/var/run/docker.sock",
    "data:application/json,{}",
  ];

  it("is refused before anything starts, each of them", () => {
    for (const url of disguised()) {
      assert.throws(() => gatewayConfig.parse({ upstreams: [upstream(url)] }), url);
      assert.throws(() => gatewayConfig.parse({ upstreams: [upstream(url, { network: "private" })] }), url);
    }
    // The same in their plain form are names like any other.
    for (const url of [`http://127.0.0.1:${port}/v1`, `http://[::1]:${port}/v1`, "HTTPS://API.OpenAI.com/v1"]) {
      assert.ok(gatewayConfig.parse({ upstreams: [upstream(url)] }), url);
    }
  });
});

describe("an address in the configuration that nobody may have", () => {
  for (const [host, network] of [
    ["169.254.169.254", undefined],
    ["169.254.169.254", "private"],
    ["100.100.100.200", "private"],
    ["[fd00:ec2::254]", "private"],
    ["169.254.1.1", "private"],
    ["[fe80::1]", "private"],
    ["0.0.0.0", "private"],
    ["[::]", "private"],
    ["224.0.0.1", "private"],
    ["255.255.255.255", "private"],
    ["[::ffff:7f00:1]", "private"],
    ["[::7f00:1]", "private"],
    ["[64:ff9b::7f00:1]", "private"],
    ["[2002:7f00:1::1]", "private"],
    ["[2001::1]", "private"],
    ["127.0.0.1", "public"],
    ["[::1]", "public"],
    ["10.0.0.1", "public"],
    ["100.64.0.1", "public"],
    ["8.8.8.8", "private"],
  ] as const) {
    it(`${host} as ${network ?? "it says itself"}: the gateway does not start`, () => {
      const earlier = connections;
      const config = gatewayConfig.parse({
        upstreams: [upstream(`http://${host}:${port}/v1`, network === undefined ? {} : { network })],
      });
      const { circuit, models, timeouts, upstreams } = config;
      assert.throws(
        () => openRouting(upstreams, models, { circuit, timeouts, env: {} }),
        (error) => isHoldfastError(error, "gateway.upstream-address"),
      );
      assert.equal(connections, earlier);
    });
  }
});

/** What a name may answer with, for an upstream of the public network and for one of a private one. */
const FORBIDDEN = {
  public: [
    ["127.0.0.1"],
    ["127.0.0.2"],
    ["::1"],
    ["10.0.0.1"],
    ["172.16.0.1"],
    ["192.168.0.1"],
    ["100.64.0.1"],
    ["fd00::2"],
  ],
  both: [
    ["0.0.0.0"],
    ["::"],
    ["::ffff:127.0.0.1"],
    ["::127.0.0.1"],
    ["::ffff:0:127.0.0.1"],
    ["64:ff9b::7f00:1"],
    ["2002:7f00:1::1"],
    ["2001:0:7f00:1::1"],
    ["169.254.169.254"],
    ["169.254.170.2"],
    ["100.100.100.200"],
    ["168.63.129.16"],
    ["fd00:ec2::254"],
    ["169.254.1.1"],
    ["fe80::1"],
    ["224.0.0.1"],
    ["ff02::1"],
    ["192.0.2.2"],
    ["255.255.255.255"],
    // One right address beside a wrong one.
    ["127.0.0.1", "169.254.169.254"],
    ["::1", "0.0.0.0"],
  ],
} as const;

describe("a name that leads where it should not", () => {
  it("would reach the listener, were it not refused", async () => {
    for (const host of ["127.0.0.1", "127.0.0.2", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"]) {
      const counted = once(listener, "connection");
      const socket = connect({ host, port });
      await counted;
      socket.destroy();
    }
  });

  for (const network of ["public", "private"] as const) {
    it(`is refused for an upstream of a ${network} network: 0 connections, whatever it answers`, async () => {
      const answers = [...(network === "public" ? FORBIDDEN.public : []), ...FORBIDDEN.both];
      const dns = await startDns((name) => answers[Number(/^n(\d+)/.exec(name)?.[1])] ?? []);
      const upstreams = answers.map((_, index) => ({
        name: `u${index}`,
        protocol: "openai",
        url: `http://n${index}.example.test:${port}/v1`,
        network,
        models: [`m${index}`],
      }));
      try {
        await without({ upstreams, lookup: dns.lookup }, async (harness) => {
          for (const [index, answer] of answers.entries()) {
            const got = await harness.post("/v1/chat/completions", chat("hi", { model: `m${index}` }));
            assert.equal(got.status, 502, answer.join());
            assert.equal(got.json.error?.code, "gateway.upstream-address", answer.join());
            for (const address of answer) assert.equal(got.text.includes(address), false, "the address was told");
          }
          const receipts = await harness.receipts();
          assert.deepEqual(
            receipts.map(({ error }) => error),
            answers.map(() => "gateway.upstream-address"),
          );
          // Each name was asked for once: a refusal is not tried again, and not looked up twice.
          assert.equal(dns.questions.filter((one) => one.endsWith(" A")).length, answers.length);
        });
      } finally {
        dns.close();
      }
    });
  }

  it("is refused also as localhost in another form, which names nothing", async () => {
    const dns = await startDns(() => ["127.0.0.1"]);
    try {
      const hosts = ["localhost.", "localhost.example.test", "127.0.0.1.nip.test", "foo.localhost"];
      const upstreams = hosts.map((host, index) => ({
        name: `u${index}`,
        protocol: "openai",
        url: `http://${host}:${port}/v1`,
        models: [host],
      }));
      await without({ upstreams, lookup: dns.lookup }, async (harness) => {
        for (const host of hosts) {
          const got = await harness.post("/v1/chat/completions", chat("hi", { model: host }));
          assert.equal(got.json.error?.code, "gateway.upstream-address", host);
        }
      });
    } finally {
      dns.close();
    }
  });

  it("is resolved once for a connection, and that answer is what is connected to", async () => {
    const served = await startFakeUpstream();
    const home = new URL(served.url);
    // The fake upstream is at 127.0.0.1 alone; at 127.0.0.2 nothing listens on its port.
    const dns = await startDns((_, times) => (times === 0 ? ["127.0.0.1"] : ["127.0.0.2"]));
    const url = `http://rebinding.test:${home.port}/v1`;
    const harness = await startHarness({ upstreams: [upstream(url, { network: "private" })], lookup: dns.lookup });
    try {
      assert.equal((await harness.post("/v1/chat/completions", chat("hi"))).status, 200);
      assert.deepEqual(dns.questions, ["rebinding.test A", "rebinding.test AAAA"]);
    } finally {
      await harness.close();
      await served.close();
      dns.close();
    }
  });

  it("is judged again with each new connection: what it answers later is not believed (rebinding)", async () => {
    const dns = await startDns((_, times) => (times === 0 ? ["127.0.0.1"] : ["0.0.0.0"]));
    // Closes its connection after each answer, so that the next request needs a new one.
    const served = await startFakeUpstream({
      answer(_, response) {
        response.setHeader("connection", "close");
        return false;
      },
    });
    const url = `http://rebinding.test:${new URL(served.url).port}/v1`;
    const harness = await startHarness({ upstreams: [upstream(url, { network: "private" })], lookup: dns.lookup });
    try {
      assert.equal((await harness.post("/v1/chat/completions", chat("hi"))).status, 200);
      const second = await harness.post("/v1/chat/completions", chat("hi"));
      assert.equal(second.json.error?.code, "gateway.upstream-address");
      assert.equal(served.requests.length, 1);
    } finally {
      await harness.close();
      await served.close();
      dns.close();
    }
  });
});

describe("a redirect", () => {
  it("is not followed, of whatever kind and to wherever", async () => {
    const statuses = [300, 301, 302, 303, 305, 307, 308];
    const locations = [`http://127.0.0.1:${port}/v1/x`, `//127.0.0.1:${port}/`, `http://[::1]:${port}/`, "/v1/models"];
    let next = { status: 0, location: "" };
    const script: NonNullable<HarnessOptions["script"]> = {
      answer(_, response) {
        response.writeHead(next.status, { location: next.location, refresh: `0; url=${next.location}` }).end();
        return true;
      },
    };
    await without({ script }, async (harness) => {
      let asked = 0;
      for (const status of statuses) {
        for (const location of locations) {
          next = { status, location };
          const stream = asked % 2 === 0;
          const got = await harness.post("/v1/chat/completions", chat("hi", { stream }));
          assert.equal(got.json.error?.code, "gateway.upstream-invalid", `${status} ${location}`);
          assert.equal(got.text.includes(String(port)), false, "where it points was told");
          assert.equal(harness.upstream.requests.length, ++asked, "a redirect was tried again");
        }
      }
    });
  });
});

describe("a request that names a host", () => {
  it("is served by the configured upstream, or refused: nothing in it chooses where it goes", async () => {
    const elsewhere = `127.0.0.1:${port}`;
    await without({}, async (harness) => {
      for (const headers of [
        { "x-forwarded-host": elsewhere, "x-forwarded-for": "127.0.0.1", forwarded: `host=${elsewhere}` },
        { "x-original-url": `http://${elsewhere}/`, "x-rewrite-url": `http://${elsewhere}/` },
        { "x-portkey-custom-host": `http://${elsewhere}/`, "x-portkey-provider": "openai" },
        { "x-upstream": elsewhere, "x-target-url": `http://${elsewhere}/`, "openai-base-url": `http://${elsewhere}/` },
      ] as Record<string, string>[]) {
        assert.equal((await harness.post("/v1/chat/completions", chat("hi"), headers)).status, 200);
      }
      for (const more of [
        { base_url: `http://${elsewhere}/` },
        { api_base: `http://${elsewhere}/` },
        { model: `http://${elsewhere}/#@x` },
        { metadata: { url: `http://${elsewhere}/` } },
      ]) {
        assert.equal((await harness.post("/v1/chat/completions", chat("hi", more))).status, 200);
        assert.equal((await harness.post("/v1/messages", message("hi", more))).status, 200);
      }
      for (const { headers } of harness.upstream.requests) {
        assert.equal(headers["host"], new URL(harness.upstream.url).host);
        assert.equal(JSON.stringify(headers).includes(String(port)), false, "a header of the client went on");
      }
    });
  });

  it("in its first line or its Host header is not sent there", async () => {
    const elsewhere = `127.0.0.1:${port}`;
    await without({}, async (harness) => {
      const body = JSON.stringify(chat("hi"));
      for (const [target, host] of [
        [`http://${elsewhere}/v1/chat/completions`, elsewhere],
        [`//${elsewhere}/v1/chat/completions`, elsewhere],
        ["/v1/chat/completions", `${elsewhere}/#@x`],
        ["/v1/chat/completions", elsewhere],
        [`/v1/proxy/http://${elsewhere}/`, elsewhere],
        [`@${elsewhere}/v1/chat/completions`, elsewhere],
      ] as const) {
        await raw(harness.port, (socket) => {
          socket.write(
            `POST ${target} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${harness.key}\r\n` +
              `content-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
          );
        });
      }
      for (const { headers, path } of harness.upstream.requests) {
        assert.equal(path, "/v1/chat/completions");
        assert.equal(headers["host"], new URL(harness.upstream.url).host);
      }
    });
  });
});
