/**
 * Requests forged by the gateway's own hand: everything by which others were brought to connect where they should not.
 * A listener on every address of this machine counts connections, and must count none.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { after, before, describe, it } from "node:test";

import { isHoldfastError, systemClock } from "../../src/core/index.ts";
import { fetchJson, gatewayConfig, postForm } from "../../src/gateway/index.ts";
import { openServers } from "../../src/gateway/mcp/servers.ts";
import { openRouting } from "../../src/gateway/upstream/routing.ts";
import { startMcp } from "../mcp/gateway.ts";
import { INITIALIZED, json, startHostileServer, type HostileRequest } from "../mcp/hostile.ts";
import { startDns } from "../upstreams/dns.ts";
import { startFakeUpstream } from "../upstreams/fake.ts";
import { chat, message, raw, startHarness, type HarnessOptions } from "./harness.ts";
import { beginSession, codeOf } from "./mcp-by-hand.ts";

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
    `http://[::1%25lo]:${port}/v1`,
    `http://[fe80::1%25eth0]:${port}/v1`,
    `http://[::FFFF:7F00:0001]:${port}/v1`,
    // A dot or a zero byte at its end, in another form.
    `http://127.0.0.1%2e:${port}/v1`,
    `http://127.0.0.1%00.example.com:${port}/v1`,
    `http://127.0.0.1\u3002example.com:${port}/v1`,
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
    // Nor is any of them an MCP server, an issuer, or where its keys are.
    const { name, protocol: _, ...server } = upstream("") as Record<string, unknown>;
    const issuer = { name, issuer: "https://login.example", audience: ["a"], app: "shop" };
    const places: Readonly<Record<string, (url: string) => object>> = {
      "an MCP server": (url) => ({ mcp: { servers: [{ name, ...server, url }] } }),
      "an issuer": (url) => ({ identity: { issuers: [{ ...issuer, issuer: url }] } }),
      "its keys": (url) => ({ identity: { issuers: [{ ...issuer, jwks: url }] } }),
    };
    for (const [place, config] of Object.entries(places)) {
      assert.ok(gatewayConfig.parse(config(`http://127.0.0.1:${port}/x`)), place);
      for (const url of disguised()) assert.throws(() => gatewayConfig.parse(config(url)), `${place}: ${url}`);
    }
    // An issuer's address is nobody's who could give keys.
    for (const host of ["169.254.169.254", "100.100.100.200", "[fd00:ec2::254]", "0.0.0.0", "[64:ff9b::7f00:1]"]) {
      for (const place of ["an issuer", "its keys"]) {
        assert.throws(() => gatewayConfig.parse(places[place]?.(`https://${host}:${port}/x`)), host);
      }
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
      const refused = (error: unknown): boolean => isHoldfastError(error, "gateway.upstream-address");
      assert.throws(() => openRouting(upstreams, models, { circuit, timeouts, env: {} }), refused);
      const servers = upstreams.map(({ name, network: own, url }) => ({ name, network: own, url }));
      const withServers = gatewayConfig.parse({ mcp: { servers } });
      assert.throws(() => openServers(withServers, { env: {}, clock: systemClock }), refused);
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

  for (const network of ["public", "private"] as const) {
    it(`is refused for an MCP server of a ${network} network: 0 connections, whatever it answers`, async () => {
      const answers = [...(network === "public" ? FORBIDDEN.public : []), ...FORBIDDEN.both];
      const dns = await startDns((name) => answers[Number(/^n(\d+)/.exec(name)?.[1])] ?? []);
      const servers = answers.map((_, index) => [
        `s${index}`,
        { url: `http://n${index}.example.test:${port}/mcp`, network },
      ]);
      const earlier = connections;
      const harness = await startMcp(
        Object.fromEntries(servers) as Record<string, Record<string, unknown>>,
        {},
        { lookup: dns.lookup },
      );
      const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
      try {
        for (const [index, answer] of answers.entries()) {
          const got = await harness.rpc(`s${index}`, { jsonrpc: "2.0", id: 1, method: "initialize", params });
          assert.equal(codeOf(got), "gateway.upstream-address", answer.join());
          for (const address of answer) assert.equal(got.text.includes(address), false, "the address was told");
        }
      } finally {
        await harness.close();
        dns.close();
      }
      assert.equal(connections, earlier);
    });
  }

  it("is refused for an issuer: 0 connections, for its documents and for its token endpoint", async () => {
    const answers = FORBIDDEN.both;
    const dns = await startDns((name) => answers[Number(/^n(\d+)/.exec(name)?.[1])] ?? []);
    const earlier = connections;
    try {
      for (const [index, answer] of answers.entries()) {
        for (const protocol of ["https", "http"]) {
          const url = `${protocol}://n${index}.example.test:${port}/keys`;
          const fields = new URLSearchParams({ code: "c" });
          for (const asked of [
            fetchJson(url, 2_000, dns.lookup),
            postForm(url, { fields, deadlineMs: 2_000, lookup: dns.lookup }),
          ]) {
            await assert.rejects(
              asked,
              (error) => isHoldfastError(error, "gateway.issuer-unavailable") && /no issuer's/.test(error.detail ?? ""),
              answer.join(),
            );
          }
        }
      }
    } finally {
      dns.close();
    }
    assert.equal(connections, earlier);
  });

  it("is refused by the names that clouds give their metadata services", async () => {
    const dns = await startDns((name) => (name.includes("google") ? ["169.254.169.254"] : ["fd00:ec2::254"]));
    const hosts = ["metadata.google.internal", "metadata.google.internal.", "metadata", "instance-data.ec2.internal"];
    const upstreams = hosts.flatMap((host) =>
      (["public", "private"] as const).map((network) => ({
        name: `u-${network}-${hosts.indexOf(host)}`,
        protocol: "openai",
        url: `http://${host}:${port}/computeMetadata/v1`,
        network,
        models: [`${network} ${host}`],
      })),
    );
    try {
      await without({ upstreams, lookup: dns.lookup }, async (harness) => {
        for (const { models } of upstreams) {
          const got = await harness.post("/v1/chat/completions", chat("hi", { model: models[0] }));
          assert.equal(got.json.error?.code, "gateway.upstream-address", models[0]);
        }
      });
    } finally {
      dns.close();
    }
  });

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
    const statuses = [300, 301, 302, 303, 304, 305, 306, 307, 308];
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

describe("a redirect of an MCP server", () => {
  it("is not followed either, by any of its methods", async () => {
    const server = await startHostileServer();
    server.on("initialize", ({ id }, response) => {
      json(response, { jsonrpc: "2.0", id, result: INITIALIZED }, { "mcp-session-id": "of-the-server" });
    });
    const harness = await startMcp({ tools: server.url });
    const earlier = connections;
    const headers = await beginSession(harness, "tools", harness.key);
    try {
      for (const status of [301, 302, 303, 304, 305, 307, 308]) {
        const redirect = (_: HostileRequest, response: ServerResponse): void => {
          response.writeHead(status, { location: `http://127.0.0.1:${port}/` }).end();
        };
        for (const method of ["ping", "GET", "DELETE"]) server.on(method, redirect);
        const asked = server.requests.length;
        const got = await harness.rpc("tools", { jsonrpc: "2.0", id: 2, method: "ping" }, headers);
        assert.equal(codeOf(got), "gateway.upstream-invalid", `${status}: ${got.text}`);
        const streamed = await harness.get("/mcp/tools", { ...headers, accept: "text/event-stream" });
        assert.match(streamed.text, /gateway\.upstream-invalid/, `${status}: ${streamed.text}`);
        assert.equal(`${got.text} ${streamed.text}`.includes(String(port)), false, "where it points was told");
        assert.equal(server.requests.length, asked + 2);
      }
      const ended = await fetch(`${harness.url}/mcp/tools`, { method: "DELETE", headers });
      await ended.text();
      assert.equal(server.requests.at(-1)?.http, "DELETE");
    } finally {
      await harness.close();
      await server.close();
    }
    assert.equal(connections, earlier);
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
