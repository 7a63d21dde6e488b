/** Policies in front of MCP: which servers may be used, and which of their tools may be called. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { gatewayConfig } from "../../src/gateway/index.ts";
import { legacyClient, startMcp, type McpHarness } from "../mcp/gateway.ts";
import { startLegacyServer, type TestServer } from "../mcp/official.ts";

const folder = mkdtempSync(join(tmpdir(), "holdfast-policies-"));
const POLICIES = `
@id("use-open") permit (principal in App::"test", action == Action::"useServer", resource == Server::"open");
@id("echo") permit (principal in App::"test", action == Action::"callTool", resource == Tool::"open/echo");
@id("no-pii") forbid (principal, action, resource in Server::"open") when { context.dataClasses.contains("pii") };
`;

let harness: McpHarness;
let server: TestServer;
const called: string[] = [];

before(async () => {
  writeFileSync(join(folder, "a.cedar"), POLICIES);
  server = await startLegacyServer((mcp) => {
    for (const name of ["echo", "erase"]) {
      mcp.registerTool(name, { annotations: { readOnlyHint: true } }, () => {
        called.push(name);
        return { content: [{ type: "text", text: name }] };
      });
    }
  });
  harness = await startMcp(
    { open: { url: server.url, approve: "changes" }, closed: { url: server.url, approve: "changes" } },
    { flow: "off" },
    { config: { authorization: { policies: folder } } },
  );
});

after(async () => {
  await harness.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a server of tools", () => {
  it("is used, and a tool of it called, where policies permit both", async () => {
    const client = await legacyClient(harness, "open");
    const { tools } = await client.listTools();
    assert.deepEqual(
      tools.map(({ name }) => name),
      ["echo"],
      "a listing shows what may be called",
    );
    assert.deepEqual((await client.callTool({ name: "echo" })).content, [{ type: "text", text: "echo" }]);
    await assert.rejects(client.callTool({ name: "erase" }), /no policy permits this/);
    assert.deepEqual(called, ["echo"]);
    await client.close();
    const calls = (await harness.receipts()).filter(({ route }) => route === "mcp.tools/call");
    assert.deepEqual(
      calls.map(({ authorization, error }) => [error, authorization?.decision, authorization?.policies]),
      [
        [undefined, "allow", ["use-open", "echo"]],
        ["gateway.policy-denied", "deny", []],
      ],
    );
  });

  it("that no policy permits is not even greeted", async () => {
    await assert.rejects(legacyClient(harness, "closed"), /no policy permits this/);
  });

  it("is not listened to any more once no policy permits it", async () => {
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
    const begun = await harness.rpc("open", { jsonrpc: "2.0", id: 1, method: "initialize", params });
    const session = begun.headers.get("mcp-session-id") ?? "";
    const listen = async (): Promise<string> => {
      const headers = {
        authorization: `Bearer ${harness.key}`,
        accept: "text/event-stream",
        "mcp-session-id": session,
      };
      const response = await fetch(`${harness.url}/mcp/open`, { headers });
      if (response.status === 200) await response.body?.cancel();
      return response.status === 200 ? "open" : await response.text();
    };
    assert.equal(await listen(), "open");
    const other = join(folder, "other");
    mkdirSync(other);
    writeFileSync(join(other, "a.cedar"), 'permit (principal, action == Action::"infer", resource);');
    const next = { ...harness.config, authorization: { policies: other } };
    (await harness.gateway.prepare(gatewayConfig.parse(next))).commit();
    assert.match(await listen(), /gateway\.policy-denied/);
    // Nor does it hear anything any more.
    const note = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } };
    const told = await harness.rpc("open", note, { "mcp-session-id": session });
    assert.equal(told.error?.data.code, "gateway.policy-denied");
  });
});
