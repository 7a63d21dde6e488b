/**
 * The conformance suite of MCP through the gateway: every scenario for servers of its active suite. The suite knows no
 * keys, so that a small relay in front of the gateway adds one; it changes nothing else.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

import { startConformanceServer } from "../mcp/conformance-server.ts";
import { startMcp } from "../mcp/gateway.ts";
import { closeServer, listenOn } from "../mcp/official.ts";

const SUITE = fileURLToPath(
  new URL("../../node_modules/@modelcontextprotocol/conformance/dist/index.js", import.meta.url),
);

it("passes the conformance suite of MCP through the gateway", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-mcp-"));
  const upstream = await startConformanceServer();
  let target = { port: 0, key: "" };
  const relay = createServer((incoming, outgoing) => {
    const { headers, method = "", url = "" } = incoming;
    const onward = request(
      {
        port: target.port,
        host: "127.0.0.1",
        method,
        path: url,
        headers: { ...headers, authorization: `Bearer ${target.key}` },
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.flushHeaders();
        answer.pipe(outgoing);
      },
    );
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  const port = await listenOn(relay);
  const harness = await startMcp({ suite: upstream.url }, { origins: [`http://127.0.0.1:${port}`], flow: "off" });
  try {
    target = { port: harness.port, key: harness.key };
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
    const begun = await harness.rpc("suite", { jsonrpc: "2.0", id: 1, method: "initialize", params });
    const session = { "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
    await harness.rpc("suite", { jsonrpc: "2.0", id: 2, method: "tools/list" }, session);
    await harness.approveAll();
    const { code, output } = await run(
      ["server", "--url", `http://127.0.0.1:${port}/mcp/suite`, "--suite", "active"],
      folder,
    );
    assert.equal(code, 0, output);
    assert.match(output, /Total: \d+ passed, 0 failed/);
  } finally {
    await harness.close();
    await closeServer(relay);
    await upstream.close();
    await rm(folder, { recursive: true, force: true });
  }
});

function run(args: readonly string[], cwd: string): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [SUITE, ...args],
      { cwd, timeout: 240_000, maxBuffer: 16_777_216 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : 1, output: `${stdout}\n${stderr}` });
      },
    );
  });
}
