/** Budgets bind calls of MCP as they bind requests to models: of requests, and of money where a tool has a price. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { startMcp, type McpHarness, type RpcAnswer } from "../mcp/gateway.ts";
import { startHostileServer, type HostileServer } from "../mcp/hostile.ts";

const tool = (name: string): object => ({ name, inputSchema: { type: "object" } });
const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

describe("budgets of MCP", () => {
  let harness: McpHarness;
  let server: HostileServer;
  let key: string;

  before(async () => {
    server = await startHostileServer();
    const { url } = server;
    const prices = [{ tools: ["search*"], call: 400_000 }];
    const who = (name: string): object => ({ who: { model: [`mcp:${name}*`] }, per: ["key"] });
    harness = await startMcp(
      {
        counted: { url, approve: "changes", readOnly: ["*"] },
        paid: { url, approve: "changes", readOnly: ["*"], prices },
      },
      {},
      {
        config: {
          budgets: [
            { name: "calls", what: "requests", limit: 3, window: "total", ...who("counted") },
            { name: "searches", what: "money", limit: 1, window: "total", ...who("paid") },
            { name: "tool", what: "requests", limit: 1, window: "total", ...who("paid/free") },
            { name: "tokens", what: "tokens", limit: 1, window: "total", ...who("paid") },
          ],
        },
      },
    );
    server.on("tools/list", { resultType: "complete", tools: [tool("search"), tool("free")] });
    server.on("tools/call", { resultType: "complete", content: [{ type: "text", text: "found" }] });
    server.on("resources/read", { resultType: "complete", contents: [] });
    for (const name of ["counted", "paid"]) await ask(name, "tools/list", {}, harness.key);
    await harness.approveAll();
  });
  after(async () => {
    await harness?.close();
    await server?.close();
  });

  function ask(name: string, method: string, params: Record<string, unknown>, as = key): Promise<RpcAnswer> {
    const headers = {
      authorization: `Bearer ${as}`,
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      ...(typeof params["name"] === "string" ? { "mcp-name": params["name"] } : {}),
      ...(typeof params["uri"] === "string" ? { "mcp-name": params["uri"] } : {}),
    };
    return harness.rpc(name, { jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: META } }, headers);
  }
  const call = (name: string, of: string): Promise<RpcAnswer> => ask(name, "tools/call", { name: of, arguments: {} });
  const codeOf = ({ error }: RpcAnswer): string | undefined => error?.data.code;
  const calls = (): number => server.requests.filter(({ method }) => method !== "tools/list").length;

  it("of requests: what makes a server work counts, and listings do not", async () => {
    key = await harness.newKey();
    const before_ = calls();
    assert.ok((await ask("counted", "tools/list", {})).result);
    const first = await call("counted", "search");
    assert.ok(first.result, first.text);
    assert.equal(first.headers.get("ratelimit"), '"calls";r=2');
    assert.ok((await call("counted", "free")).result);
    assert.ok((await ask("counted", "resources/read", { uri: "file:///a" })).result);
    assert.equal(codeOf(await call("counted", "search")), "gateway.budget-exceeded");
    assert.equal(codeOf(await ask("counted", "resources/read", { uri: "file:///a" })), "gateway.budget-exceeded");
    assert.ok((await ask("counted", "tools/list", {})).result);
    assert.equal(calls(), before_ + 3);
    const refused = (await harness.receipts()).findLast(({ error }) => error === "gateway.budget-exceeded");
    assert.deepEqual(
      refused?.budgets?.map(({ name, settled }) => [name, settled]),
      [["calls", null]],
    );
  });

  it("of money: a call of a tool with a price takes it, however many come at once", async () => {
    key = await harness.newKey();
    const before_ = calls();
    const answers = await Promise.all(Array.from({ length: 8 }, () => call("paid", "search")));
    assert.equal(answers.filter(({ result }) => result !== undefined).length, 2);
    for (const answer of answers.filter(({ result }) => result === undefined)) {
      assert.equal(codeOf(answer), "gateway.budget-exceeded");
    }
    assert.equal(calls(), before_ + 2);
    assert.ok((await call("paid", "free")).result, "a tool without a price costs nothing");
    assert.equal(
      codeOf(await call("paid", "free")),
      "gateway.budget-exceeded",
      "one tool may have a budget of its own",
    );
    const served = (await harness.receipts()).findLast(
      ({ mcp, outcome }) => mcp?.tool === "search" && outcome === "served",
    );
    assert.deepEqual(
      served?.budgets?.map(({ name, by, reserved, settled }) => [name, by, reserved, settled]),
      [["searches", "reservation", 400_000, 400_000]],
    );
  });

  it("give back what a server refused, or what never reached it", async () => {
    key = await harness.newKey();
    server.on("tools/call", (_request, response) => {
      response.writeHead(500).end();
    });
    for (let index = 0; index < 4; index++)
      assert.equal(codeOf(await call("paid", "search")), "gateway.upstream-error");
    server.on("tools/call", { resultType: "complete", content: [] });
    assert.ok((await call("paid", "search")).result);
    assert.ok((await call("paid", "search")).result);
    assert.equal(codeOf(await call("paid", "search")), "gateway.budget-exceeded");
  });
});
