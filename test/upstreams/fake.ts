/**
 * A fake upstream for tests and benchmarks: an HTTP server on loopback that speaks OpenAI Chat Completions and Responses
 * (streamed and not), Embeddings and Models, Anthropic Messages (streamed and not) with their count of tokens, and the
 * Gemini API, from a script. It records what it got, and when a client went away.
 *
 * It is no model: it says what the script says, whatever it is asked. It lives under `test/` and is in no build.
 *
 * @module
 */

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import {
  anthropicEvents,
  anthropicMessage,
  chatCompletion,
  chatEvents,
  embeddings,
  models,
  type FakeTool,
} from "./answers.ts";
import { geminiAnswer, geminiEvents } from "./gemini.ts";
import { fakeItems, response as wholeResponse, responseEvents } from "./responses.ts";

export interface FakeScript {
  /** The pieces of the answer's text; a stream sends each as one delta. Default: `["Hello", " from", " afar."]`. */
  readonly text?: readonly string[] | ((request: RecordedRequest) => readonly string[]);
  /** A tool call that follows the text: each piece of `arguments` is one delta. */
  readonly tool?: FakeTool | ((request: RecordedRequest) => FakeTool);
  /** Milliseconds before each event of a stream. Default 0. */
  readonly delayMs?: number;
  /** Repeats the text's deltas until the client goes away, at most this often. */
  readonly repeat?: number;
  /** Models that the listing names. Default: `["fake-model"]`. */
  readonly models?: readonly string[];
  /** Answers a request itself; resolve `false` to leave it to the script. */
  readonly answer?: (request: RecordedRequest, response: ServerResponse) => boolean | Promise<boolean>;
}

export interface RecordedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body as JSON, or `undefined`. */
  readonly json: Record<string, unknown> | undefined;
  /** `performance.now()` when the request was whole. */
  readonly at: number;
  /** `performance.now()` when the client went away before the answer was whole. */
  disconnectedAt: number | undefined;
  /** Events of the stream that were written. */
  events: number;
}

export interface FakeUpstream {
  /** Base URL with `/v1`: what an upstream's `url` is in the configuration, of either protocol. */
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  /** Resolves with the next request whose client goes away before the end. */
  disconnected(): Promise<RecordedRequest>;
  close(): Promise<void>;
}

/**
 * Starts a fake upstream on `127.0.0.1`, on a free port.
 *
 * @example
 * ```ts
 * const upstream = await startFakeUpstream({ text: ["Hi"] });
 * await fetch(`${upstream.url}/chat/completions`, { method: "POST", body: '{"model":"m","messages":[]}' });
 * upstream.requests.length; // 1
 * await upstream.close();
 * ```
 */
export async function startFakeUpstream(script: FakeScript = {}): Promise<FakeUpstream> {
  const requests: RecordedRequest[] = [];
  let gone: ((request: RecordedRequest) => void)[] = [];

  const server = createServer((message, response) => {
    serve(message, response).catch(() => response.destroy());
  });

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await record(message);
    requests.push(request);
    response.on("close", () => {
      if (response.writableFinished) return;
      request.disconnectedAt = performance.now();
      for (const tell of gone) tell(request);
      gone = [];
    });
    if ((await script.answer?.(request, response)) === true) return;
    await answer(script, request, response);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    disconnected: () => new Promise((resolve) => gone.push(resolve)),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function record(message: IncomingMessage): Promise<RecordedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString("utf8");
  return {
    method: message.method ?? "",
    path: message.url ?? "",
    headers: message.headers,
    body,
    json: body.startsWith("{") ? (JSON.parse(body) as Record<string, unknown>) : undefined,
    at: performance.now(),
    disconnectedAt: undefined,
    events: 0,
  };
}

async function answer(script: FakeScript, request: RecordedRequest, response: ServerResponse): Promise<void> {
  const model = typeof request.json?.["model"] === "string" ? request.json["model"] : "fake-model";
  const streamed = request.json?.["stream"] === true;
  const said = script.text ?? ["Hello", " from", " afar."];
  const text = typeof said === "function" ? said(request) : said;
  const tool = typeof script.tool === "function" ? script.tool(request) : script.tool;
  const pieces = Array.from({ length: script.repeat ?? 1 }, () => text).flat();
  switch (`${request.method} ${request.path.split("?")[0]}`) {
    case "GET /v1/models":
      return sendJson(response, models(script.models ?? ["fake-model"]));
    case "POST /v1/embeddings":
      return sendJson(response, embeddings(model, request.json?.["input"], request.json?.["encoding_format"]));
    case "POST /v1/chat/completions": {
      if (!streamed) return sendJson(response, chatCompletion(model, text.join(""), tool));
      const options = request.json?.["stream_options"] as { include_usage?: boolean } | undefined;
      const events = chatEvents(model, pieces, tool, options?.include_usage === true);
      return await sendEvents(script, request, response, events);
    }
    case "POST /v1/responses": {
      const items = fakeItems(pieces, tool);
      if (!streamed) return sendJson(response, wholeResponse(model, items));
      return await sendEvents(script, request, response, responseEvents(model, items));
    }
    case "POST /v1/messages/count_tokens":
      return sendJson(response, { input_tokens: 11 });
    case "POST /v1/messages":
      if (!streamed) return sendJson(response, anthropicMessage(model, text.join(""), tool));
      return await sendEvents(script, request, response, anthropicEvents(model, pieces, tool));
    default:
      await answerGemini(script, request, response, pieces, tool);
  }
}

/** The Gemini API names the model and the method in the path. */
async function answerGemini(
  script: FakeScript,
  request: RecordedRequest,
  response: ServerResponse,
  pieces: readonly string[],
  tool: FakeTool | undefined,
): Promise<void> {
  const [, model = "", method] =
    /^POST \/v1beta\/models\/([\w.-]+):(\w+)(?:\?alt=sse)?$/.exec(`${request.method} ${request.path}`) ?? [];
  switch (method) {
    case "generateContent":
      return sendJson(response, geminiAnswer(model, pieces.join(""), tool));
    case "streamGenerateContent":
      return await sendEvents(
        script,
        request,
        response,
        geminiEvents(
          model,
          pieces.map((text) => ({ text })),
          tool,
        ),
      );
    case "embedContent":
      return sendJson(response, { embedding: { values: [0.25, -0.5, 0.125] } });
    case "batchEmbedContents": {
      const requests = request.json?.["requests"] as readonly unknown[];
      return sendJson(response, { embeddings: requests.map(() => ({ values: [0.25, -0.5, 0.125] })) });
    }
    case "countTokens":
      return sendJson(response, { totalTokens: 11 });
    default:
      response.writeHead(404).end();
  }
}

function sendJson(response: ServerResponse, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

async function sendEvents(
  script: FakeScript,
  request: RecordedRequest,
  response: ServerResponse,
  events: Iterable<string>,
): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.flushHeaders();
  for (const event of events) {
    if ((script.delayMs ?? 0) > 0) await sleep(script.delayMs);
    if (response.destroyed) return;
    request.events++;
    if (!response.write(event)) await drained(response);
  }
  response.end();
}

async function drained(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    response.once("drain", resolve);
    response.once("close", resolve);
  });
}
