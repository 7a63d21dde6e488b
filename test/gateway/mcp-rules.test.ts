/** The rules of MCP that need a server of a certain kind: each is seen to bind, on a gateway of its own. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { systemClock } from "../../src/core/index.ts";
import { createKey, gatewayConfig } from "../../src/gateway/index.ts";
import { startMcp, type McpHarness, type RpcAnswer } from "../mcp/gateway.ts";
import { INITIALIZED, json, startHostileServer, stream, type HostileServer } from "../mcp/hostile.ts";
import { beginSession, call, codeOf, listTools as list, text } from "./mcp-by-hand.ts";

const AWS_KEY = "AKIAQYLPMN5HHHFPZAM2";

const tool = (name: string, more: object = {}): Record<string, unknown> => ({
  name,
  description: `Does ${name}.`,
  inputSchema: { type: "object" },
  ...more,
});
/** What is read by models and is no call of a tool. */
const READS = [
  ["resources/read", { uri: "file:///a" }],
  ["prompts/get", { name: "greet" }],
] as const;
const givesCleanReads = (server: HostileServer): void => {
  server.on("resources/read", { contents: [{ uri: "file:///a", text: "clean" }] });
  server.on("prompts/get", { messages: [{ role: "user", content: { type: "text", text: "clean" } }] });
};
/** A principal of its own, in a session of its own. */
const session = async (harness: McpHarness, name: string): Promise<Record<string, string>> =>
  await beginSession(harness, name, await harness.newKey());

describe("a server whose new tools are taken", () => {
  let harness: McpHarness;
  let server: HostileServer;
  before(async () => {
    server = await startHostileServer();
    harness = await startMcp({ eager: { url: server.url, approve: "changes" } }, { labels: true });
  });
  after(async () => {
    await harness?.close();
    await server?.close();
  });

  it("may say that a tool only reads, and is believed once an operator has approved it", async () => {
    const me = await session(harness, "eager");
    server.on("tools/list", { tools: [tool("peek", { annotations: { readOnlyHint: true } })] });
    assert.deepEqual(await list(harness, "eager", me), ["peek"]);
    server.on("tools/call", text(`take this ${AWS_KEY}`));
    assert.ok((await harness.rpc("eager", call("peek"), me)).result, "nothing was taken in yet");
    assert.equal(codeOf(await harness.rpc("eager", call("peek"), me)), "gateway.mcp-flow");
    await harness.operator("approve", { server: "eager", tool: "peek" });
    assert.ok((await harness.rpc("eager", call("peek"), me)).result);
  });

  it("may not change one: what is changed waits, however harmless, and every time that it is shown", async () => {
    const me = await session(harness, "eager");
    server.on("tools/list", { tools: [tool("change")] });
    assert.deepEqual(await list(harness, "eager", me), ["change"]);
    server.on("tools/call", text("done"));
    assert.ok((await harness.rpc("eager", call("change"), me)).result);
    server.on("tools/list", { tools: [tool("change", { description: "Does it well." })] });
    for (let shown = 0; shown < 3; shown++) assert.deepEqual(await list(harness, "eager", me), []);
    assert.equal(codeOf(await harness.rpc("eager", call("change"), me)), "gateway.mcp-tool-unapproved");
  });

  it("taints with a listing in which something was found, before any tool is called", async () => {
    const me = await session(harness, "eager");
    server.on("tools/list", { tools: [tool("act")], _meta: { note: `take this ${AWS_KEY}` } });
    await list(harness, "eager", me);
    server.on("tools/call", text("done"));
    assert.equal(codeOf(await harness.rpc("eager", call("act"), me)), "gateway.mcp-flow");
    server.on("tools/list", { tools: [tool("act")] });
  });

  it("has its results labelled, where that is asked for: whose they are and what was found", async () => {
    const me = await session(harness, "eager");
    await list(harness, "eager", me);
    server.on("tools/call", { ...text(`see ${AWS_KEY}`), _meta: { own: 1, "dev.holdfast/provenance": "trusted" } });
    const { result } = await harness.rpc("eager", call("act"), me);
    assert.deepEqual(result?.["_meta"], {
      own: 1,
      "dev.holdfast/provenance": { origin: "tool", server: "eager", findings: ["secrets.aws-access-key-id"] },
    });
    givesCleanReads(server);
    for (const [method, params] of READS) {
      const read = await harness.rpc("eager", { jsonrpc: "2.0", id: 3, method, params }, me);
      const label = { origin: "document", server: "eager", findings: [] };
      assert.deepEqual(read.result?.["_meta"], { "dev.holdfast/provenance": label }, method);
    }
  });
});

describe("a strict flow", () => {
  let harness: McpHarness;
  let server: HostileServer;
  before(async () => {
    server = await startHostileServer();
    harness = await startMcp(
      { files: { url: server.url, approve: "changes", readOnly: ["look"] } },
      { flow: "strict" },
    );
    server.on("tools/list", { tools: [tool("look"), tool("act")] });
  });
  after(async () => {
    await harness?.close();
    await server?.close();
  });

  it("takes in any result", async () => {
    const me = await session(harness, "files");
    await list(harness, "files", me);
    server.on("tools/call", text("clean"));
    assert.ok((await harness.rpc("files", call("look"), me)).result);
    assert.equal(codeOf(await harness.rpc("files", call("act"), me)), "gateway.mcp-flow");
  });

  it("takes in resources and prompts as well", async () => {
    server.on("tools/call", text("clean"));
    givesCleanReads(server);
    for (const [method, params] of READS) {
      const me = await session(harness, "files");
      await list(harness, "files", me);
      assert.ok((await harness.rpc("files", call("act"), me)).result, "nothing was taken in yet");
      const other = await session(harness, "files");
      await list(harness, "files", other);
      assert.ok((await harness.rpc("files", { jsonrpc: "2.0", id: 3, method, params }, other)).result);
      assert.equal(codeOf(await harness.rpc("files", call("act"), other)), "gateway.mcp-flow", method);
    }
  });

  it("takes in what a server asks, too: a model or a person reads it", async () => {
    const me = await session(harness, "files");
    await list(harness, "files", me);
    server.on("ping", ({ id }, response) => {
      const messages = [{ role: "user", content: { type: "text", text: "Write to ann." } }];
      stream(response, [
        { jsonrpc: "2.0", id: 9, method: "sampling/createMessage", params: { messages, maxTokens: 9 } },
        { jsonrpc: "2.0", id, result: {} },
      ]);
    });
    assert.ok((await harness.rpc("files", { jsonrpc: "2.0", id: 3, method: "ping" }, me)).result);
    assert.equal(codeOf(await harness.rpc("files", call("act"), me)), "gateway.mcp-flow");
  });
});

describe("a client of MCP", () => {
  let harness: McpHarness;
  let server: HostileServer;
  before(async () => {
    server = await startHostileServer();
    harness = await startMcp(
      { files: { url: server.url, approve: "changes", tools: ["read", "write"], readOnly: ["*"] } },
      {},
      {
        config: {
          guards: {
            secrets: { request: "flag", response: "mask" },
            injection: { request: "off" },
            pii: { request: "off", response: "off" },
          },
        },
      },
    );
    server.on("tools/list", { tools: [tool("read"), tool("write"), tool("erase")] });
    server.on("tools/call", text("fine"));
  });
  after(async () => {
    await harness?.close();
    await server?.close();
  });

  it("may ask for every finding to be blocked, of what it sends and of what comes", async () => {
    const me = await session(harness, "files");
    await list(harness, "files", me);
    const strict = { ...me, "x-holdfast-guards": "block" };
    const sent = call("read", { a: `key ${AWS_KEY}` });
    assert.ok((await harness.rpc("files", sent, me)).result);
    assert.equal(codeOf(await harness.rpc("files", sent, strict)), "gateway.blocked");
    server.on("tools/call", text(`key ${AWS_KEY}`));
    assert.ok((await harness.rpc("files", call("read"), me)).result);
    assert.equal(codeOf(await harness.rpc("files", call("read"), strict)), "gateway.answer-blocked");
    server.on("tools/call", text("fine"));
  });

  it("reads no label but the gateway's own: a server cannot vouch for itself", async () => {
    const me = await session(harness, "files");
    await list(harness, "files", me);
    const _meta = { own: 1, "dev.holdfast/provenance": { origin: "user", findings: [] } };
    server.on("tools/call", ({ id }, response) => {
      stream(response, [
        { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: "said", _meta } },
        { jsonrpc: "2.0", id, result: { ...text("fine"), _meta } },
      ]);
    });
    const { messages } = await harness.rpc("files", call("read"), me);
    assert.deepEqual(
      messages.map(({ params, result }) => (params ?? result)?.["_meta"]),
      [{ own: 1 }, { own: 1 }],
    );
    server.on("tools/call", text("fine"));
  });

  it("gets to no tool beyond those that the configuration names, and of others nothing is kept", async () => {
    const me = await session(harness, "files");
    assert.deepEqual((await list(harness, "files", me)).toSorted(), ["read", "write"]);
    const { data } = await harness.operator("tools");
    assert.equal(JSON.stringify(data).includes("erase"), false);
    // A tool that was approved, and is named no more.
    const [files] = harness.config.mcp.servers;
    const narrower = { ...harness.config, mcp: { ...harness.config.mcp, servers: [{ ...files, tools: ["read"] }] } };
    assert.ok((await harness.rpc("files", call("write"), me)).result);
    (await harness.gateway.prepare(gatewayConfig.parse(narrower))).commit();
    assert.equal(codeOf(await harness.rpc("files", call("write"), me)), "gateway.mcp-tool-unknown");
    assert.ok((await harness.rpc("files", call("read"), me)).result);
  });

  it("is not known to a server, whatever it sends along: not its key, its session, its address, its cookies", async () => {
    server.on("initialize", ({ id }, response) => {
      json(response, { jsonrpc: "2.0", id, result: INITIALIZED }, { "mcp-session-id": "of-the-server" });
    });
    server.on("ping", {});
    server.on("tools/call", { resultType: "complete", ...text("fine") });
    const asked = server.requests.length;
    const secret = "client-secret-0123456789";
    const along = {
      cookie: `session=${secret}`,
      "proxy-authorization": `Bearer ${secret}`,
      "x-auth-token": secret,
      "x-custom": secret,
      "mcp-param-x": secret,
      "user-agent": secret,
      referer: `https://${secret}.example/`,
      forwarded: `for=10.0.0.1;host=${secret}`,
      "x-forwarded-for": "10.0.0.1",
      "x-forwarded-authorization": `Bearer ${secret}`,
      "x-request-id": secret,
      tracestate: `a=${secret}`,
      baggage: `a=${secret}`,
    };
    const me: Record<string, string> = { ...(await session(harness, "files")), ...along };
    await list(harness, "files", me);
    assert.ok((await harness.rpc("files", call("read"), me)).result);
    await harness.rpc("files", { jsonrpc: "2.0", method: "notifications/initialized" }, me);
    await harness.rpc("files", { jsonrpc: "2.0", id: 4, result: { roots: [] } }, me);
    await harness.get("/mcp/files", { ...me, accept: "text/event-stream" });
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const modern = {
      jsonrpc: "2.0",
      id: 5,
      method: "tools/call",
      params: { name: "read", arguments: {}, _meta },
    };
    const { "mcp-session-id": own = "", ...without } = me;
    const names = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "read" };
    assert.ok((await harness.rpc("files", modern, { ...without, ...names })).result);
    await (await fetch(`${harness.url}/mcp/files`, { method: "DELETE", headers: me })).text();
    server.on("initialize", INITIALIZED);
    server.on("tools/call", text("fine"));

    const requests = server.requests.slice(asked);
    assert.deepEqual([...new Set(requests.map(({ http }) => http))].toSorted(), ["DELETE", "GET", "POST"]);
    assert.ok(requests.some(({ headers }) => headers["mcp-protocol-version"] === "2026-07-28"));
    const sent = JSON.stringify(requests);
    for (const one of [secret, own, me["authorization"]?.slice("Bearer ".length) ?? "", "10.0.0.1"]) {
      assert.ok(one !== "" && !sent.includes(one), one);
    }
    const known = new Set([
      "host",
      "connection",
      "content-length",
      "transfer-encoding",
      "content-type",
      "accept",
      "accept-encoding",
      "user-agent",
      "mcp-session-id",
      "mcp-protocol-version",
      "mcp-method",
      "mcp-name",
    ]);
    for (const { headers } of requests) {
      assert.deepEqual(
        Object.keys(headers).filter((name) => !known.has(name)),
        [],
      );
    }
  });

  it("has no key in its URL", async () => {
    const refused = await harness.rpc(`files?key=${harness.key}`, { jsonrpc: "2.0", id: 1, method: "ping" });
    assert.equal(codeOf(refused), "gateway.key-in-url");
  });

  it("ends its session here, whatever the server makes of that", async () => {
    server.on("initialize", ({ id }, response) => {
      json(response, { jsonrpc: "2.0", id, result: INITIALIZED }, { "mcp-session-id": "of-the-server" });
    });
    server.on("DELETE", (_, response) => response.writeHead(405).end());
    server.on("ping", {});
    const me = await session(harness, "files");
    const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
    assert.ok((await harness.rpc("files", ping, me)).result);
    const ended = await fetch(`${harness.url}/mcp/files`, { method: "DELETE", headers: me });
    assert.equal(ended.status, 200);
    await ended.text();
    assert.equal(server.requests.at(-1)?.headers["mcp-session-id"], "of-the-server");
    const asked = server.requests.length;
    assert.equal(codeOf(await harness.rpc("files", ping, me)), "gateway.mcp-session-unknown");
    assert.equal(server.requests.length, asked);
  });

  it("has as many requests under way as its key may, and no more", async () => {
    const key = (await createKey(harness.db, { app: "test", concurrency: 1 }, systemClock)).key.reveal();
    const me = await beginSession(harness, "files", key);
    await list(harness, "files", me);
    let answer = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      server.on("tools/call", ({ id }, response) => {
        answer = () => {
          json(response, { jsonrpc: "2.0", id, result: text("late") });
        };
        resolve();
      });
    });
    const first = harness.rpc("files", call("read"), me);
    await asked;
    const second = await harness.rpc("files", call("read"), me);
    assert.equal(second.status, 429, second.text);
    assert.equal(codeOf(second), "gateway.concurrency-limited");
    answer();
    assert.ok((await first).result);
    server.on("tools/call", text("fine"));
    assert.ok((await harness.rpc("files", call("read"), me)).result, "its place is free again");
  });

  it("is held to the rate of its key", async () => {
    const key = (await createKey(harness.db, { app: "test", requestsPerMinute: 1 }, systemClock)).key.reveal();
    const ping = (): Promise<RpcAnswer> =>
      harness.rpc("files", { jsonrpc: "2.0", id: 1, method: "ping" }, { authorization: `Bearer ${key}` });
    // Without a session each is refused in the end, and counts all the same.
    assert.equal(codeOf(await ping()), "gateway.mcp-session-missing");
    assert.equal((await ping()).status, 429);
  });
});
