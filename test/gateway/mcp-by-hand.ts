/**
 * MCP by hand: what a client sends, and what it reads in the answers.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { McpHarness, RpcAnswer } from "../mcp/gateway.ts";

/** The result of a tool that says this. */
export function text(said: string): object {
  return { content: [{ type: "text", text: said }] };
}

export function call(name: string, args: object = {}, id: unknown = 7): object {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } };
}

/** Why the gateway refused, where it did. */
export function codeOf({ error }: RpcAnswer): string | undefined {
  return error?.data.code;
}

/** Begins a session with a server; returns the headers of what follows in it. */
export async function beginSession(harness: McpHarness, server: string, key: string): Promise<Record<string, string>> {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
  const headers = { authorization: `Bearer ${key}` };
  const begun = await harness.rpc(server, { jsonrpc: "2.0", id: 1, method: "initialize", params }, headers);
  assert.ok(begun.result, begun.text);
  return { ...headers, "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
}

/** The names of a server's tools, as they are listed in a session. */
export async function listTools(
  harness: McpHarness,
  server: string,
  headers: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const { result, text: said } = await harness.rpc(server, { jsonrpc: "2.0", id: 2, method: "tools/list" }, headers);
  assert.ok(result, said);
  return (result["tools"] as { name: string }[]).map(({ name }) => name);
}
