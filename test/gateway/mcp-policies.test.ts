/** Policies in front of MCP: which servers may be used, and which of their tools may be called. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

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
});
