/**
 * MCP servers made with the official SDKs, unmodified, on loopback: one of each era. What they were sent is kept.
 */

import { randomUUID } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { getRequestListener } from "@hono/node-server";
import { createMcpHandler, McpServer as ModernServer } from "@modelcontextprotocol/server";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

export interface TestServer {
  /** Its MCP endpoint. */
  readonly url: string;
  /** Headers of what it was sent, in order. */
  readonly requests: readonly { readonly method: string; readonly headers: IncomingHttpHeaders }[];
  close(): Promise<void>;
}

/** Of the revisions that have sessions. `define` gives each session's server what it has. */
export async function startLegacyServer(
  define: (server: McpServer) => void,
  options: ConstructorParameters<typeof McpServer>[1] = {},
): Promise<TestServer> {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        transports.set(id, transport);
      },
    });
    const server = new McpServer({ name: "legacy", version: "1.0.0" }, { capabilities: { logging: {} }, ...options });
    define(server);
    await server.connect(transport);
    return transport;
  };
  return await serve(async (request, response) => {
    const id = request.headers["mcp-session-id"];
    const known = typeof id === "string" ? transports.get(id) : undefined;
    if (known === undefined && id !== undefined) {
      response.writeHead(404, { "content-type": "application/json" });
      response.end(JSON.stringify({ jsonrpc: "2.0", error: { code: -32001, message: "Session not found" }, id: null }));
      return;
    }
    await (known ?? (await open())).handleRequest(request, response);
  });
}

/** Of the revision without sessions; older ones are refused unless `legacy` says otherwise. */
export async function startModernServer(
  define: (server: ModernServer) => void,
  options: { readonly legacy?: "stateless" | "reject" } = {},
): Promise<TestServer & { readonly toolsChanged: () => void }> {
  const handler = createMcpHandler(
    () => {
      const server = new ModernServer(
        { name: "modern", version: "1.0.0" },
        { capabilities: { tools: { listChanged: true } } },
      );
      define(server);
      return server;
    },
    { legacy: options.legacy ?? "reject" },
  );
  const answer = getRequestListener((request) => handler.fetch(request), { overrideGlobalObjects: false });
  const server = await serve(async (request, response) => {
    await answer(request, response);
  });
  return { ...server, toolsChanged: () => handler.notify.toolsChanged() };
}

async function serve(
  listener: (...[request, response]: Parameters<RequestListener>) => Promise<void>,
): Promise<TestServer> {
  const requests: { method: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? "", headers: request.headers });
    void listener(request, response);
  });
  return { url: `http://127.0.0.1:${await listenOn(server)}/mcp`, requests, close: () => closeServer(server) };
}

/** Listens on a free port of loopback, and gives it. */
export function listenOn(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
