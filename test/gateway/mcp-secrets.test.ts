/**
 * A secret in every place of MCP where one can stand, of a client's messages and of a server's: none of them may come back
 * in what the gateway writes (logs, receipts, metrics, traces), whatever becomes of its request, nor in an error of its
 * own. The table is the test, as for models in `secrets.test.ts`.
 */

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, describe, it, mock } from "node:test";

import { startMcp, type McpHarness } from "../mcp/gateway.ts";
import {
  INITIALIZED,
  json,
  startHostileServer,
  stream,
  type HostileRequest,
  type HostileServer,
} from "../mcp/hostile.ts";
import { startCollector, type Collector } from "./collector.ts";
import { raw } from "./harness.ts";
import { beginSession, call, listTools, text } from "./mcp-by-hand.ts";
import { hitsOf, writtenBy } from "./planted.ts";

/** A text that no detector takes for anything, different for each slot. */
const opaque = (slot: string): string => `canary${slot.replaceAll(/[^a-z]/gi, "")}zq7x`.toLowerCase();
/** In the form of a key of AWS, and of nobody. */
const KEY = ["AKIA", "Z3MGNQ4WTRKXUVYB"].join("");
const SERVER_KEY = opaque("key of the server");
const CALLS = "tools/call";

interface Slot {
  readonly slot: string;
  /** What is planted. Default: a text that no detector knows. */
  readonly secret?: string;
  /** The request. Default: a call of a tool. Returns what the client got. */
  readonly send?: (secret: string, me: Record<string, string>) => Promise<string>;
  /** What the server answers to this method. Default: a right answer. */
  readonly answers?: string;
  readonly answer?: (secret: string, request: HostileRequest, response: ServerResponse) => void;
  /** The client may see it: it is the server's own text to the client. */
  readonly delivered?: boolean;
}

let harness: McpHarness;
let server: HostileServer;
let collector: Collector;
const written: string[] = [];

before(async () => {
  mock.method(process.stderr, "write", (chunk: string | Uint8Array): boolean => {
    written.push(Buffer.from(chunk).toString());
    return true;
  });
  collector = await startCollector();
  server = await startHostileServer();
  harness = await startMcp(
    { tools: { url: server.url, key: { env: "SERVER_KEY" }, approve: "changes", readOnly: ["*"] } },
    { limits: { sessions: 1_000 } },
    {
      env: { SERVER_KEY },
      key: { requestsPerMinute: 100_000 },
      config: { guards: { secrets: { request: "block", response: "block" }, injection: { request: "off" } } },
      telemetry: { metrics: true, traces: { endpoint: collector.url } },
    },
  );
});

after(async () => {
  mock.restoreAll();
  await harness.close();
  await server.close();
  collector.close();
});

const said = async (asked: Promise<{ readonly text: string; readonly headers: Headers }>): Promise<string> => {
  const { headers, text: body } = await asked;
  return `${body}\n${JSON.stringify([...headers])}`;
};
const rpc = (message: unknown, headers: Record<string, string>, path = "tools"): Promise<string> =>
  said(harness.rpc(path, message, headers));
const request = (method: string, params: object, id: unknown = 3): object => ({ jsonrpc: "2.0", id, method, params });

const header = (name: string, more: Record<string, string> = {}): Slot => ({
  slot: `header ${name}`,
  send: (secret, me) => rpc(request("ping", {}), { ...me, ...more, [name]: secret }),
});
const body = (slot: string, make: (secret: string) => unknown, more: Partial<Slot> = {}): Slot => ({
  slot: `client: ${slot}`,
  send: (secret, me) => rpc(make(secret), me),
  ...more,
});
const answered = (slot: string, answer: NonNullable<Slot["answer"]>, more: Partial<Slot> = {}): Slot => ({
  slot: `server: ${slot}`,
  answers: CALLS,
  answer,
  ...more,
});
const result = (slot: string, make: (secret: string) => object, more: Partial<Slot> = {}): Slot =>
  answered(slot, (secret, { id }, response) => json(response, { jsonrpc: "2.0", id, result: make(secret) }), more);
const listed = (slot: string, make: (secret: string) => object, more: Partial<Slot> = {}): Slot => ({
  ...result(slot, (secret) => ({ tools: [make(secret)] }), more),
  answers: "tools/list",
  send: (_, me) => rpc(request("tools/list", {}), me),
});
const begun = (slot: string, make: (secret: string) => object, more: Partial<Slot> = {}): Slot => ({
  ...result(slot, (secret) => ({ ...INITIALIZED, ...make(secret) }), more),
  answers: "initialize",
  send: (_, { authorization = "" }) => {
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
    return rpc(request("initialize", params), { authorization });
  },
});
const tool = (name: string, more: object = {}): object => ({ name, inputSchema: { type: "object" }, ...more });

const SLOTS: readonly Slot[] = [
  // Headers and the request line.
  header("authorization"),
  header("mcp-session-id"),
  // The protocol has the error say which version was asked for.
  { ...header("mcp-protocol-version"), delivered: true },
  header("mcp-method", { "mcp-protocol-version": "2026-07-28" }),
  header("mcp-name", { "mcp-protocol-version": "2026-07-28" }),
  header("mcp-param-secret"),
  header("origin"),
  header("cookie"),
  header("x-own-secret"),
  header("accept"),
  header("content-type"),
  header("x-holdfast-guards"),
  { slot: "path", send: (secret, me) => rpc(request("ping", {}), me, secret) },
  { slot: "query", send: (secret, me) => rpc(request("ping", {}), me, `tools?x=${secret}`) },
  { slot: "query key", send: (secret, me) => rpc(request("ping", {}), me, `tools?key=${secret}`) },
  {
    slot: "last-event-id",
    send: (secret, me) =>
      said(harness.get("/mcp/tools", { ...me, accept: "text/event-stream", "last-event-id": secret })),
  },
  {
    slot: "method of HTTP",
    send: (secret) =>
      raw(harness.port, (socket) => socket.end(`${secret.toUpperCase()} /mcp/tools HTTP/1.1\r\nhost: h\r\n\r\n`)),
  },
  // What a client sends, understood or not.
  body("broken JSON", (secret) => `{"jsonrpc": "2.0", "${secret}`),
  body("name twice", (secret) => `{"jsonrpc": "2.0", "${secret}": 1, "${secret}": 2}`),
  body("a member", (secret) => ({ ...request("ping", {}), [secret]: secret })),
  body("version", (secret) => ({ ...request("ping", {}), jsonrpc: secret })),
  body("method", (secret) => request(secret, {})),
  body("method of a notification", (secret) => ({ jsonrpc: "2.0", method: `notifications/${secret}` })),
  body("reason", (secret) => ({
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: 1, reason: secret },
  })),
  body("tool", (secret) => call(secret)),
  body("argument", (secret) => call("read", { a: secret })),
  body("name of an argument", (secret) => call("read", { [secret]: 1 })),
  body("argument, where the schema has none", (secret) => call("strict", { [secret]: secret })),
  body("argument, found by a guard", () => call("read", { a: KEY }), { secret: KEY }),
  body("resource", (secret) => request("resources/read", { uri: `file:///${secret}` })),
  body("prompt", (secret) => request("prompts/get", { name: secret, arguments: { a: secret } })),
  body("metadata", (secret) => request("ping", { _meta: { progressToken: secret } })),
  body("task", (secret) => request(CALLS, { name: "read", arguments: {}, task: { [secret]: secret } })),
  body("answer", (secret) => ({ jsonrpc: "2.0", id: secret, result: { content: secret } })),
  body("error", (secret) => ({ jsonrpc: "2.0", id: 1, error: { code: 1, message: secret, data: secret } })),
  // What a server answers with: transport, frames, errors, results.
  ...[400, 401, 403, 404, 429, 500, 503].map((status) =>
    answered(
      `status ${status} with its key`,
      (_, __, response) => void response.writeHead(status).end(`<p>wrong key: ${SERVER_KEY}`),
      { secret: SERVER_KEY },
    ),
  ),
  answered("status line", (secret, _, response) => void response.writeHead(500, secret).end()),
  answered("redirect", (secret, _, response) => void response.writeHead(307, { location: `http://h/${secret}` }).end()),
  answered("header", (secret, { id }, response) => {
    json(response, { jsonrpc: "2.0", id, result: text("fine") }, { "x-debug": secret, "set-cookie": secret });
  }),
  answered("content type", (secret, _, response) => void response.writeHead(200, { "content-type": secret }).end("{}")),
  answered("no JSON", (secret, _, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(`{"${secret}`);
  }),
  answered("a member", (secret, { id }, response) => json(response, { jsonrpc: "2.0", id, result: {}, [secret]: 1 })),
  answered("another id", (secret, _, response) => json(response, { jsonrpc: "2.0", id: secret, result: {} })),
  answered(
    "its key in a result",
    (_, { id }, response) => json(response, { jsonrpc: "2.0", id, result: text(SERVER_KEY) }),
    {
      secret: SERVER_KEY,
    },
  ),
  answered(
    "error",
    (secret, { id }, response) =>
      json(response, { jsonrpc: "2.0", id, error: { code: -32000, message: secret, data: { [secret]: secret } } }),
    { delivered: true },
  ),
  answered(
    "error with a status",
    (secret, { id }, response) => {
      response.writeHead(400, { "content-type": "application/json" });
      response.end(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32000, message: secret } }));
    },
    { delivered: true },
  ),
  answered(
    "error with a key",
    (_, { id }, response) => json(response, { jsonrpc: "2.0", id, error: { code: 1, message: KEY } }),
    {
      secret: KEY,
    },
  ),
  result("text", (secret) => text(secret), { delivered: true }),
  result("name of a member", (secret) => ({ content: [], structuredContent: { [secret]: secret } }), {
    delivered: true,
  }),
  result("link", (secret) => ({ content: [{ type: "resource_link", uri: `file:///${secret}`, name: secret }] }), {
    delivered: true,
  }),
  result("a key in a result", () => text(`see ${KEY}`), { secret: KEY }),
  answered(
    "notification",
    (secret, { id }, response) =>
      stream(response, [
        { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", logger: secret, data: secret } },
        { jsonrpc: "2.0", id, result: text("fine") },
      ]),
    { delivered: true },
  ),
  answered(
    "method of a notification",
    (secret, { id }, response) =>
      stream(response, [
        { jsonrpc: "2.0", method: `notifications/${secret}` },
        { jsonrpc: "2.0", id, result: text("fine") },
      ]),
    { delivered: true },
  ),
  answered("method that it asks", (secret, _, response) =>
    stream(response, [{ jsonrpc: "2.0", id: 1, method: secret, params: {} }]),
  ),
  answered("event name", (secret, _, response) => {
    response
      .writeHead(200, { "content-type": "text/event-stream" })
      .end(`event: ${secret}\nid: ${secret}\ndata: {}\n\n`);
  }),
  answered("half an event", (secret, _, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).end(`data: {"${secret}`);
  }),
  // What it says of itself and its tools.
  begun("session id", () => ({}), {
    answer: (secret, { id }, response) =>
      json(response, { jsonrpc: "2.0", id, result: INITIALIZED }, { "mcp-session-id": secret }),
  }),
  begun("session id that is none", () => ({}), {
    answer: (secret, { id }, response) =>
      json(response, { jsonrpc: "2.0", id, result: INITIALIZED }, { "mcp-session-id": `two words ${secret}` }),
  }),
  begun("protocol version", (secret) => ({ protocolVersion: secret })),
  begun("its name", (secret) => ({ serverInfo: { name: secret, version: secret } }), { delivered: true }),
  begun("capability", (secret) => ({ capabilities: { [secret]: {} } }), { delivered: true }),
  begun("instructions", (secret) => ({ instructions: `use ${secret}` }), { delivered: true }),
  begun("instructions with a key", () => ({ instructions: `use ${KEY}` }), { secret: KEY }),
  listed("description", (secret) => tool("described", { description: secret }), { delivered: true }),
  listed("schema", (secret) => tool("schemed", { inputSchema: { type: "object", [secret]: secret } }), {
    delivered: true,
  }),
  listed("description with a key", () => tool("keyed", { description: KEY }), { secret: KEY }),
  listed("name of a tool that is a key", () => tool(KEY), { secret: KEY }),
  listed("name that is none", (secret) => tool(`two words ${secret}`)),
];

const secretOf = ({ slot, secret }: Slot): string => secret ?? opaque(slot);

describe("a secret in a slot of MCP", () => {
  let sessions = 0;
  for (const slot of SLOTS) {
    it(`${slot.slot}: is not in what the client gets`, async () => {
      server.on("initialize", INITIALIZED);
      server.on("tools/list", {
        tools: [
          tool("read"),
          { name: "strict", inputSchema: { type: "object", properties: {}, additionalProperties: false } },
        ],
      });
      server.on(CALLS, text("fine"));
      server.on("ping", {});
      const me = await beginSession(harness, "tools", harness.key);
      await listTools(harness, "tools", me);
      sessions++;
      const secret = secretOf(slot);
      const asked = server.requests.length;
      const { answer, answers = CALLS } = slot;
      if (answer !== undefined) server.on(answers, (...exchange) => answer(secret, ...exchange));
      const got = await (slot.send ?? ((_, own) => rpc(call("read"), own)))(secret, me);
      if (answer !== undefined) assert.ok(server.requests.length > asked, "the server's part did not come about");
      if (slot.delivered !== true) assert.equal(got.includes(secret), false, got);
    });
  }

  it("was really there: in what the server got, and in what the client may get", async () => {
    const requests = JSON.stringify(server.requests);
    for (const slot of ["client: argument", "client: resource", "client: reason"])
      assert.ok(requests.includes(opaque(slot)), slot);
    assert.ok(server.requests.every(({ headers }) => headers.authorization === `Bearer ${SERVER_KEY}`));
    const me = await beginSession(harness, "tools", harness.key);
    server.on(CALLS, text(opaque("server: text")));
    assert.ok((await rpc(call("read"), me)).includes(opaque("server: text")));
  });

  it("is in no log, receipt, metric or trace, whatever became of its request", async () => {
    const { places, receipts } = await writtenBy(harness, { collector, stderr: written });
    // Each of them was there to be searched.
    assert.ok(receipts.length > 2 * sessions);
    assert.ok(places.log.includes("waits for approval"));
    assert.ok(places.metric.includes("holdfast_requests_total"));
    assert.ok(places.trace.split("holdfast.request.id").length > sessions);
    const planted = SLOTS.map((slot) => [slot.slot, secretOf(slot)] as const);
    assert.deepEqual(hitsOf([...planted, ["the gateway's own key", harness.key]], places), []);
  });
});
