/**
 * MCP through the gateway with the official clients and servers of both eras, unmodified.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { CreateMessageRequestSchema, ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";

import { legacyClient, modernClient, startMcp, type McpHarness } from "../mcp/gateway.ts";
import { startLegacyServer, startModernServer, type TestServer } from "../mcp/official.ts";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const AWS_KEY = "AKIAQYLPMN5HHHFPZAM2";

const legacyServer = (): Promise<TestServer> =>
  startLegacyServer(
    (server) => {
      server.registerTool(
        "add",
        { inputSchema: { a: z.number(), b: z.number() }, annotations: { readOnlyHint: true } },
        ({ a, b }) => ({
          content: [{ type: "text", text: String(a + b) }],
        }),
      );
      server.registerTool("leak", { inputSchema: {} }, () => ({
        content: [
          { type: "text", text: `the key is ${AWS_KEY}, keep it` },
          { type: "image", data: PNG, mimeType: "image/png" },
        ],
        structuredContent: { nested: [{ key: AWS_KEY }] },
      }));
      server.registerTool("steps", { inputSchema: {} }, async (_, extra) => {
        const token = extra._meta?.progressToken;
        for (const progress of [1, 2, 3]) {
          if (token !== undefined) {
            await extra.sendNotification({
              method: "notifications/progress",
              params: { progressToken: token, progress, total: 3, message: `step ${progress}` },
            });
          }
        }
        return { content: [{ type: "text", text: "done" }] };
      });
      server.registerTool("ask", { inputSchema: {} }, async (_, extra) => {
        const answer = await extra.sendRequest(
          {
            method: "elicitation/create",
            params: {
              message: "Which colour?",
              requestedSchema: { type: "object", properties: { colour: { type: "string" } } },
            },
          },
          z.looseObject({ action: z.string() }),
        );
        return { content: [{ type: "text", text: JSON.stringify(answer) }] };
      });
      server.registerTool("sample", { inputSchema: {} }, async (_, extra) => {
        const answer = await extra.sendRequest(
          {
            method: "sampling/createMessage",
            params: { maxTokens: 10, messages: [{ role: "user", content: { type: "text", text: "Say hello" } }] },
          },
          z.looseObject({ content: z.unknown() }),
          // Where it is not answered, nothing may keep the test waiting.
          { timeout: 5_000 },
        );
        return { content: [{ type: "text", text: JSON.stringify(answer.content) }] };
      });
      server.registerResource("readme", "file:///readme.md", {}, (uri) => ({
        contents: [{ uri: uri.href, mimeType: "text/markdown", text: `# Read me\n${AWS_KEY}` }],
      }));
      server.registerPrompt("review", { argsSchema: { code: z.string() } }, ({ code }) => ({
        messages: [{ role: "user", content: { type: "text", text: `Review this: ${code}` } }],
      }));
    },
    { instructions: "Add numbers with add." },
  );

const modernServer = (): ReturnType<typeof startModernServer> =>
  startModernServer((server) => {
    server.registerTool(
      "add",
      { inputSchema: z.object({ a: z.number(), b: z.number() }), annotations: { readOnlyHint: true } },
      ({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }),
    );
    server.registerTool("leak", { inputSchema: z.object({ größe: z.string() }) }, () => ({
      content: [{ type: "text", text: `the key is ${AWS_KEY}` }],
    }));
    server.registerPrompt("grüße", {}, () => ({
      messages: [{ role: "user", content: { type: "text", text: "Hallo" } }],
    }));
  });

describe("MCP through the gateway", () => {
  let harness: McpHarness;
  let legacy: TestServer;
  let modern: Awaited<ReturnType<typeof modernServer>>;

  before(async () => {
    [legacy, modern] = await Promise.all([legacyServer(), modernServer()]);
    const key = { env: "SERVER_KEY" };
    harness = await startMcp(
      {
        legacy: { url: legacy.url, key },
        quiet: { url: legacy.url, key, asks: [], approve: "changes" },
        modern: { url: modern.url, key },
      },
      { flow: "off" },
      { env: { SERVER_KEY: "server-key-0123456789abcdef" } },
    );
  });
  after(async () => {
    await harness?.close();
    await Promise.all([legacy?.close(), modern?.close()]);
  });

  it("shows the client of 2025-11-25 no tool and no instructions before they are approved", async () => {
    const client = await legacyClient(harness, "legacy");
    assert.equal(client.getInstructions(), undefined);
    assert.deepEqual((await client.listTools()).tools, []);
    await assert.rejects(client.callTool({ name: "add", arguments: { a: 1, b: 2 } }), /mcp diff/);
    await harness.approveAll();
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map(({ name }) => name).toSorted(), ["add", "ask", "leak", "sample", "steps"]);
    const { content } = await client.callTool({ name: "add", arguments: { a: 1, b: 2 } });
    assert.deepEqual(content, [{ type: "text", text: "3" }]);
    await client.close();
    const again = await legacyClient(harness, "legacy");
    assert.equal(again.getInstructions(), "Add numbers with add.");
    await again.close();
  });

  it("masks keys wherever a result, a resource or a prompt has them", async () => {
    const client = await legacyClient(harness, "legacy");
    await client.listTools();
    const result = await client.callTool({ name: "leak", arguments: {} });
    assert.ok(!JSON.stringify(result).includes(AWS_KEY));
    assert.match(JSON.stringify(result), /the key is \[masked:secrets\.aws-access-key-id\], keep it/);
    assert.match(JSON.stringify(result.structuredContent), /masked:secrets/);
    assert.deepEqual((result.content as unknown[])[1], { type: "image", data: PNG, mimeType: "image/png" });
    const { contents } = await client.readResource({ uri: "file:///readme.md" });
    assert.match(JSON.stringify(contents), /# Read me.*masked:secrets/);
    const { messages } = await client.getPrompt({ name: "review", arguments: { code: "let a" } });
    assert.deepEqual(messages, [{ role: "user", content: { type: "text", text: "Review this: let a" } }]);
    await client.close();
  });

  it("brings progress while a call is under way, and what the server asks and the client answers", async () => {
    const client = await legacyClient(
      harness,
      "legacy",
      { capabilities: { elicitation: {}, sampling: {} } },
      harness.key,
      answerAsks,
    );
    const steps: unknown[] = [];
    const onprogress = ({ message }: { message?: string | undefined }): unknown => steps.push(message);
    await client.callTool({ name: "steps", arguments: {} }, undefined, { onprogress });
    assert.deepEqual(steps, ["step 1", "step 2", "step 3"]);
    const asked = await client.callTool({ name: "ask", arguments: {} });
    assert.match(JSON.stringify(asked.content), /accept.*blue/);
    const sampled = await client.callTool({ name: "sample", arguments: {} });
    assert.match(JSON.stringify(sampled.content), /hello there/);
    await client.close();
  });

  it("does not offer a server what it may not ask", async () => {
    const client = await legacyClient(
      harness,
      "quiet",
      { capabilities: { elicitation: {}, sampling: {} } },
      harness.key,
      answerAsks,
    );
    await client.listTools();
    // Two servers with tools of one name: not even a server whose new tools are taken gets these unseen.
    await harness.approveAll();
    // This server asks all the same, and that ends the call.
    await assert.rejects(client.callTool({ name: "sample", arguments: {} }), /does not let it ask: quiet/);
    await client.close();
  });

  it("ends a session here and at the server", async () => {
    const client = await legacyClient(harness, "legacy");
    await (client.transport as unknown as { terminateSession(): Promise<void> }).terminateSession();
    assert.ok(legacy.requests.some(({ method }) => method === "DELETE"));
    await assert.rejects(client.listTools(), /session/);
    await client.close();
  });

  it("works with the client of 2026-07-28 and a server of its era, without a session", async () => {
    const client = await modernClient(harness, "modern");
    assert.deepEqual((await client.listTools()).tools, []);
    await harness.approveAll();
    await client.close();
    const again = await modernClient(harness, "modern");
    await again.listTools();
    const { content } = await again.callTool({ name: "add", arguments: { a: 20, b: 22 } });
    assert.deepEqual(content, [{ type: "text", text: "42" }]);
    const leaked = await again.callTool({ name: "leak", arguments: { größe: "ü" } });
    assert.match(JSON.stringify(leaked), /masked:secrets\.aws-access-key-id/);
    const { messages } = await again.getPrompt({ name: "grüße" });
    assert.equal(messages.length, 1);
    await assert.rejects(
      again.callTool({ name: "add", arguments: { a: "one", b: 2 } }),
      (error: { code: number; data: unknown }) => {
        assert.equal(error.code, -32602);
        assert.equal((error.data as { code: string }).code, "gateway.mcp-arguments-invalid");
        return true;
      },
    );
    await again.close();
    assert.ok(modern.requests.every(({ headers }) => headers["mcp-protocol-version"] === "2026-07-28"));
    assert.ok(modern.requests.every(({ headers }) => headers["mcp-session-id"] === undefined));
  });

  it("lets a client of 2026-07-28 fall back to a session with a server that knows only those", async () => {
    const client = await modernClient(harness, "legacy", "auto");
    await client.listTools();
    const { content } = await client.callTool({ name: "add", arguments: { a: 1, b: 1 } });
    assert.deepEqual(content, [{ type: "text", text: "2" }]);
    await client.close();
  });

  it("brings changes over a stream of subscriptions", async () => {
    const heard = Promise.withResolvers<void>();
    const client = await modernClient(harness, "modern");
    client.setNotificationHandler("notifications/tools/list_changed", () => {
      heard.resolve();
    });
    const subscription = await client.listen({ toolsListChanged: true });
    modern.toolsChanged();
    await heard.promise;
    await subscription.close();
    await client.close();
  });

  it("shows a server neither the client's key nor its session, but a key and a session of its own", async () => {
    const client = await legacyClient(harness, "legacy");
    const session = (client.transport as unknown as { sessionId: string }).sessionId;
    await client.listTools();
    await client.close();
    const sent = JSON.stringify([...legacy.requests, ...modern.requests]);
    assert.ok(!sent.includes(harness.key));
    assert.ok(!sent.includes(session));
    const all = [...legacy.requests, ...modern.requests];
    assert.ok(all.every(({ headers }) => headers.authorization === "Bearer server-key-0123456789abcdef"));
  });

  it("left one receipt for each of all these requests, with the tool and what it took in", async () => {
    // Streams that clients have closed end in their own time.
    for (let wait = 0; wait < 100 && harness.gateway.tally().inFlight > 0; wait++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const receipts = await harness.receipts();
    assert.equal(receipts.length, harness.gateway.tally().received);
    const call = receipts.find(({ mcp }) => mcp?.tool === "leak");
    assert.equal(call?.outcome, "served");
    assert.equal(call.route, "mcp.tools/call");
    assert.equal(call.mcp?.context, "findings");
    assert.match(call.mcp.definition ?? "", /^[0-9a-f]{64}$/);
    assert.equal(call.guards.response?.action, "mask");
    assert.equal(call.upstream?.name, "legacy");
    assert.ok(!(await harness.entries()).join("").includes(AWS_KEY));
  });
});

function answerAsks(client: Client): void {
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: "accept", content: { colour: "blue" } }));
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    model: "m",
    role: "assistant",
    content: { type: "text", text: "hello there" },
  }));
}
