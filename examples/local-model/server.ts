/**
 * The server: HTTP on loopback, two dialects, one engine.
 *
 * It has no authentication, so it listens on 127.0.0.1 alone and takes only bodies declared as JSON, which a web page
 * of another origin cannot send without the browser asking first. A client that goes away stops the computation.
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { parseJson } from "../../src/core/index.ts";
import { anthropic } from "./anthropic.ts";
import { shown, type Ask, type Dialect, type GenerationEnd } from "./dialect.ts";
import type { Engine } from "./engine.ts";
import { localModelError } from "./errors.ts";
import { embeddingsAnswer, modelsAnswer, openai, readEmbeddings } from "./openai.ts";

export interface LocalModelServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Stops taking requests, ends those that run, and closes the engine. */
  close(): Promise<void>;
}

/** The context holds some 10 KB of text; a body of a megabyte is a mistake. */
const MAX_BODY_BYTES = 1_048_576;

/** Starts the server. Port 0 takes any free port. Rejects when the port is in use. */
export async function startServer(engine: Engine, port: number): Promise<LocalModelServer> {
  const server = createServer((request, response) => void handle(engine, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await engine.close();
    },
  };
}

async function handle(engine: Engine, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const path = request.url?.split("?", 1)[0];
  const dialect = path === "/v1/messages" ? anthropic : openai;
  try {
    switch (`${request.method} ${path}`) {
      case "GET /health":
        return json(response, 200, { status: "ok" });
      case "GET /v1/models":
        return json(response, 200, modelsAnswer(engine.model));
      case "POST /v1/chat/completions":
      case "POST /v1/messages":
        return await answer(engine, dialect, await readJson(request), response, gone.signal);
      case "POST /v1/embeddings":
        return await embed(engine, await readJson(request), response, gone.signal);
      default:
        throw localModelError("local-model.route-unknown", { detail: `${request.method} ${path}` });
    }
  } catch (thrown) {
    if (gone.signal.aborted) return;
    const error = shown(thrown);
    if (error.code === "local-model.internal") console.error(thrown);
    if (response.headersSent) {
      response.end(dialect.errorEvent(error));
      return;
    }
    // What is left of a body that was refused is not read.
    response.setHeader("connection", "close");
    const { status, body } = dialect.error(error);
    json(response, status, body);
  }
}

async function answer(
  engine: Engine,
  dialect: Dialect,
  body: unknown,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const ask = dialect.read(body, engine.model);
  if (ask.stream) return streamAnswer(engine, dialect, ask, response, signal);
  let text = "";
  let end: GenerationEnd | undefined;
  for await (const event of engine.generate(ask.generation, signal)) {
    if (event.kind === "text") text += event.text;
    if (event.kind === "end") end = event;
  }
  // Without an end the client has gone: nobody is left to answer.
  if (end !== undefined) json(response, 200, dialect.whole(engine.model, text, end));
}

async function streamAnswer(
  engine: Engine,
  dialect: Dialect,
  ask: Ask,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const writer = dialect.stream(engine.model, ask);
  for await (const event of engine.generate(ask.generation, signal)) {
    if (event.kind === "start") {
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" });
    }
    // No back pressure: an answer is bounded by the context, some 10 KB.
    response.write(writer.write(event));
  }
  response.end();
}

async function embed(engine: Engine, body: unknown, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const { texts, base64 } = readEmbeddings(body, engine.model);
  const vectors: (readonly number[])[] = [];
  let tokens = 0;
  for (const text of texts) {
    const { vector, inputTokens } = await engine.embed(text, signal);
    if (signal.aborted) return;
    vectors.push(vector);
    tokens += inputTokens;
  }
  json(response, 200, embeddingsAnswer(engine.model, vectors, tokens, base64));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
    throw localModelError("local-model.media-type");
  }
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length;
    pieces.push(piece);
    // parseJson names the limit; here it only bounds what is kept.
    if (length > MAX_BODY_BYTES) break;
  }
  return parseJson(Buffer.concat(pieces), { maxBytes: MAX_BODY_BYTES, maxDepth: 32 });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
