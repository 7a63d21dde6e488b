/**
 * An MCP server made by hand, which says whatever a test wants it to say, in whatever form.
 */

import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";

import { closeServer, listenOn, type TestServer } from "./official.ts";

export interface HostileRequest {
  readonly http: "GET" | "POST" | "DELETE";
  readonly headers: IncomingHttpHeaders;
  readonly method: string | undefined;
  readonly id: unknown;
  readonly params: Readonly<Record<string, unknown>>;
  /** The message as it came. */
  readonly body: string;
}

export interface HostileServer extends Omit<TestServer, "requests"> {
  readonly requests: readonly HostileRequest[];
  /** What the next answers to a method are: a result, or whatever is written to the response. Stays until it is changed. */
  on(method: string, answer: Answer): void;
}

/** A result, an error (with `code`), or a function that answers by itself. */
type Answer = object | ((request: HostileRequest, response: ServerResponse) => void);

/** What it says of itself while a test wants nothing else. */
export const INITIALIZED = {
  protocolVersion: "2025-11-25",
  capabilities: { tools: {}, resources: {}, prompts: {} },
  serverInfo: { name: "hostile", version: "1" },
};

export async function startHostileServer(): Promise<HostileServer> {
  const requests: HostileRequest[] = [];
  const answers = new Map<string, Answer>([["initialize", INITIALIZED]]);
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString("utf8");
    });
    request.on("end", () => {
      const message = (body === "" ? {} : JSON.parse(body)) as { method?: string; id?: unknown; params?: object };
      const known: HostileRequest = {
        http: request.method as HostileRequest["http"],
        headers: request.headers,
        method: message.method,
        id: message.id,
        params: { ...message.params },
        body,
      };
      requests.push(known);
      if (message.id === undefined || message.method === undefined) {
        const answer = answers.get(known.http === "GET" ? "GET" : (message.method ?? known.http));
        if (typeof answer === "function") answer(known, response);
        else response.writeHead(known.http === "GET" ? 405 : 202).end();
        return;
      }
      const answer = answers.get(message.method) ?? { code: -32601, message: "no such method" };
      if (typeof answer === "function") answer(known, response);
      else
        json(response, {
          jsonrpc: "2.0",
          id: message.id,
          ...("code" in answer ? { error: answer } : { result: answer }),
        });
    });
  });
  const port = await listenOn(server);
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    requests,
    on: (method, answer) => void answers.set(method, answer),
    close: () => closeServer(server),
  };
}

/** One JSON message, with a session where it begins one. */
export function json(response: ServerResponse, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

/** A stream of messages. Ends after them unless it `stays`. */
export function stream(response: ServerResponse, messages: readonly unknown[], stays = false): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const message of messages) response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  if (!stays) response.end();
}
