/**
 * A `fetch` with a guard in it: for every client of a model's API that lets its caller bring a `fetch`, which the
 * official ones of OpenAI and Anthropic do. It sees what goes over the wire, so nothing that a client's method does (parsing,
 * tools, helpers, raw responses) is a way around it.
 *
 *     request body -> texts -> guard -> body as sent      response body or events -> guard -> what the client reads
 *
 * Where the guard blocks, the client's call fails with `guard.blocked` as it reads the answer: the answer's body is an
 * error. It is not a rejection of the `fetch`, which clients take for a broken connection and try again.
 *
 * @module
 */

import { isHoldfastError, parseJson, type JsonLimits } from "../../core/index.ts";
import type { Guard } from "../guard.ts";
import { isJson, type Unread } from "./body.ts";
import { useError } from "./errors.ts";
import { guardEvents, type EventReading } from "./events.ts";
import { openExchange, type Exchange, type UseOptions } from "./exchange.ts";
import { readApiEvent } from "./protocol.ts";
import { readEvents, writeEvent, type ServerEvent } from "./sse.ts";

export interface GuardFetchOptions extends UseOptions {
  /** What sends the request. Default: the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Messages that the guard cannot read: uploads of files, audio. Default: `refuse`. */
  readonly unread?: Unread;
}

/** Files ride in messages as base64. */
const LIMITS: JsonLimits = { maxBytes: 64 * 1024 * 1024, maxDepth: 128 };

/**
 * Makes a `fetch` that guards the exchange.
 *
 * @example
 * ```ts
 * import { createGuard, guardFetch, secretsDetector } from "holdfast/guard";
 *
 * const guard = createGuard({
 *   detectors: [secretsDetector],
 *   settings: { secrets: { request: "mask", response: "mask", onError: "block" } },
 * });
 * const send = guardFetch(guard, { onVerdict: ({ action }) => console.log(action) });
 * ```
 */
export function guardFetch(guard: Guard, options: GuardFetchOptions = {}): typeof globalThis.fetch {
  const { fetch: send = globalThis.fetch, unread = "refuse" } = options;
  return async (url, init) => {
    const exchange = openExchange(guard, options);
    try {
      const guarded = await guardRequest(init, exchange, unread);
      return await guardResponse(await send(url, guarded), exchange, unread);
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      return failing(error);
    }
  };
}

async function guardRequest(
  init: RequestInit | undefined,
  exchange: Exchange,
  unread: Unread,
): Promise<RequestInit | undefined> {
  const body = init?.body;
  if (body === undefined || body === null) return init;
  if (typeof body !== "string") {
    if (unread === "refuse") throw useError("guard.body-unread", { detail: "the request is not JSON" });
    return init;
  }
  const message = parseJson(body, LIMITS);
  const changed = await exchange.request(message, { origin: "user" });
  if (changed === message) return init;
  const headers = new Headers(init?.headers);
  headers.delete("content-length");
  return { ...init, headers, body: JSON.stringify(changed) };
}

async function guardResponse(response: Response, exchange: Exchange, unread: Unread): Promise<Response> {
  const type = response.headers.get("content-type") ?? "";
  // An error of the provider is for the caller to read, and quotes what was sent.
  if (response.body === null) return response;
  if (type.startsWith("text/event-stream")) return guardEventStream(response, response.body, exchange);
  if (isJson(type)) {
    const text = await response.text();
    const message = parseJson(text, LIMITS);
    const changed = await exchange.response(message, { origin: "assistant" });
    return replaced(response, changed === message ? text : JSON.stringify(changed));
  }
  if (type.startsWith("text/")) {
    const text = await response.text();
    return replaced(response, String(await exchange.response(text, { origin: "assistant" })));
  }
  if (unread === "refuse") throw useError("guard.body-unread", { detail: "the response is neither JSON nor text" });
  return response;
}

function guardEventStream(response: Response, body: ReadableStream<Uint8Array>, exchange: Exchange): Response {
  const guarded = guardEvents(
    parsed(body),
    ({ message }) => (message === undefined ? NOTHING : within(readApiEvent(message))),
    exchange,
  );
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await guarded.next();
      if (next.done === true) controller.close();
      else controller.enqueue(written(next.value));
    },
    async cancel() {
      await guarded.return();
    },
  });
  return replaced(response, stream);
}

/** An event with its data read. `undefined`: no JSON, such as the `[DONE]` at the end. */
interface JsonEvent {
  readonly message: unknown;
  /** The event that came, for what is not its data. */
  readonly source: () => ServerEvent;
  /** The data as it came. */
  readonly original: () => unknown;
}

async function* parsed(body: ReadableStream<Uint8Array>): AsyncGenerator<JsonEvent, void, undefined> {
  for await (const source of readEvents(body)) {
    const message = source.data === undefined || source.data === "[DONE]" ? undefined : parseJson(source.data, LIMITS);
    // Functions, so that nothing but the message is read for texts, or copied.
    yield { message, source: () => source, original: () => message };
  }
}

function written({ message, source, original }: JsonEvent): Uint8Array {
  return writeEvent(source(), message === original() ? undefined : JSON.stringify(message));
}

const NOTHING: EventReading = { pieces: [], ends: () => false };

/** The reading of a message as that of the event around it. */
function within({ pieces, ends }: EventReading): EventReading {
  return { pieces: pieces.map((piece) => ({ ...piece, pointer: `/message${piece.pointer}` })), ends };
}

/** The response with another body. */
function replaced(response: Response, body: string | ReadableStream<Uint8Array>): Response {
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  // Of the body as it came.
  for (const name of ["content-length", "content-encoding", "content-md5", "digest"]) headers.delete(name);
  return Object.defineProperty(new Response(body, { status, statusText, headers }), "url", { value: response.url });
}

/** A response whose body is this error. Its status is one that clients read the body of. */
function failing(error: Error): Response {
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(error) });
  return new Response(body, { status: 200, headers: { "content-type": "application/json" } });
}
