/**
 * Asking an MCP server, and reading what it answers: one JSON message, or a stream of them. What comes is bounded in size,
 * number and depth, and is a message of JSON-RPC before anybody looks at what it says.
 *
 * A stream's event ids and retry times go no further: they would let a client resume, and what it then got would be
 * another stream than the one that was judged. A request is never sent twice: a tool may have done its work.
 *
 * @module
 */

import { isHoldfastError, parseJson, type Clock } from "../../core/index.ts";
import { gatewayError, type GatewayError } from "../errors.ts";
import { createSseDecoder } from "../sse/index.ts";
import type { Attempt } from "../upstream/attempts.ts";
import { send, type Cancellation, type ExchangeEnd, type UpstreamAnswer } from "../upstream/dispatch.ts";
import type { Target } from "../upstream/target.ts";
import { readMessage, type Message } from "./message.ts";
import type { McpServer } from "./servers.ts";

export interface ServerRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Those of the protocol; the gateway's own key is added here. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** Over the pool of streams. */
  readonly listens: boolean;
}

export interface Limits {
  readonly messageBytes: number;
  readonly messages: number;
  readonly jsonDepth: number;
}

/** What a reader says of a message: whether it waits for more. */
export type Taken = "more" | "enough";

const USER_AGENT = "holdfast";

/**
 * Sends a request to a server, and waits for the status line.
 *
 * @throws the `gateway.upstream-…` errors
 */
export async function askServer(
  server: McpServer,
  request: ServerRequest,
  cancellation: Cancellation,
  attempt: Attempt,
  clock: Clock,
): Promise<UpstreamAnswer> {
  const target: Target = request.listens ? server.streams : server.calls;
  const { circuit, gate, name } = target;
  let end: ExchangeEnd | undefined;
  if (circuit.waitMs > 0) throw circuitOpen(name, circuit.waitMs);
  const leave = await gate.enter(cancellation);
  const settle = circuit.enter();
  try {
    if (settle === undefined) throw circuitOpen(name, circuit.waitMs);
    const started = clock.monotonic();
    const answer = await send(
      target,
      { method: request.method, path: server.path, headers: headersOf(server, request), body: request.body },
      cancellation,
      (ended) => {
        end = ended;
        const { how, status } = ended;
        settle(status >= 500 ? "failure" : how === "whole" ? "success" : how === "failed" ? "failure" : "none");
        leave();
      },
    );
    attempt.status = answer.status;
    attempt.firstByteMs = clock.monotonic() - started;
    if ((answer.headers["content-encoding"] ?? "identity") !== "identity") {
      answer.abort();
      throw gatewayError("gateway.upstream-invalid", { detail: `${name}: a content encoding nobody asked for` });
    }
    return answer;
  } catch (error) {
    if (end === undefined) {
      settle?.("none");
      leave();
    }
    if (isHoldfastError(error)) attempt.error = error.code;
    throw error;
  }
}

/**
 * Reads the messages of an answer, one after another, until `take` has enough or there are no more. `text` is the message
 * as it came.
 *
 * @throws `gateway.upstream-invalid`, `gateway.upstream-too-large`, what `take` throws, and the transport's errors
 */
export async function readMessages(
  name: string,
  answer: UpstreamAnswer,
  limits: Limits,
  take: (message: Message, text: string) => Promise<Taken>,
): Promise<void> {
  const type = answer.headers["content-type"] ?? "";
  if (/^application\/json *(?:;|$)/i.test(type)) {
    const bytes = await answer.collect(limits.messageBytes, "messageBytes");
    await take(understand(name, bytes, limits), bytes.toString("utf8"));
    return;
  }
  if (!/^text\/event-stream *(?:;|$)/i.test(type)) {
    answer.abort();
    throw gatewayError("gateway.upstream-invalid", { detail: `${name}: neither JSON nor a stream of events` });
  }
  const decoder = createSseDecoder(limits.messageBytes);
  let messages = 0;
  const takeEvent = async ({
    data,
    type: kind,
  }: {
    data: string | undefined;
    type: string | undefined;
  }): Promise<Taken> => {
    // Other types of events are no messages of this protocol, and clients pass over them; empty data primes a resumption.
    if (data === undefined || data === "" || (kind !== undefined && kind !== "message")) return "more";
    if (++messages > limits.messages) {
      throw gatewayError("gateway.upstream-too-large", {
        detail: `${name}: limit ${limits.messages} (mcp.limits.messages)`,
      });
    }
    return await take(understand(name, data, limits), data);
  };
  let enough = false;
  await answer.forEach(async (chunk) => {
    for (const event of decoder.push(chunk).events) {
      if ((await takeEvent(event)) === "enough") {
        enough = true;
        return "enough";
      }
    }
    return "more";
  });
  if (enough) return;
  for (const event of decoder.end()) if ((await takeEvent(event)) === "enough") return;
}

/** Bytes of a refusal that are read at most. */
const REFUSAL_BYTES = 65_536;

/**
 * What a server's refusal says, where it is an error of JSON-RPC; undefined for anything else. Consumes the answer.
 */
export async function readRefusal(
  answer: UpstreamAnswer,
): Promise<{ readonly message: Message; readonly text: string } | undefined> {
  try {
    const bytes = await answer.collect(REFUSAL_BYTES);
    const message = readMessage(parseJson(bytes, { maxBytes: REFUSAL_BYTES, maxDepth: 16 }));
    return message.kind === "error" ? { message, text: bytes.toString("utf8") } : undefined;
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return undefined;
  }
}

/** The error for a status that is none of the protocol. */
export function refused(name: string, status: number): GatewayError {
  const detail = `${name}: ${status}`;
  if (status === 401 || status === 403 || status === 407)
    return gatewayError("gateway.upstream-credentials", { detail });
  if (status === 429) return gatewayError("gateway.upstream-rate-limited", { detail });
  if (status >= 500) return gatewayError("gateway.upstream-error", { detail });
  if (status >= 400) return gatewayError("gateway.mcp-server-rejected", { detail });
  return gatewayError("gateway.upstream-invalid", { detail: `${name}: answered ${status} to a request` });
}

function headersOf({ key }: McpServer, { body, headers, method }: ServerRequest): Record<string, string> {
  return {
    "accept-encoding": "identity",
    "user-agent": USER_AGENT,
    ...(method === "DELETE"
      ? {}
      : { accept: method === "GET" ? "text/event-stream" : "application/json, text/event-stream" }),
    ...(body === null ? {} : { "content-type": "application/json" }),
    ...headers,
    ...(key === undefined ? {} : { authorization: `Bearer ${key.reveal()}` }),
  };
}

function understand(name: string, input: Uint8Array | string, limits: Limits): Message {
  try {
    return readMessage(parseJson(input, { maxBytes: limits.messageBytes, maxDepth: limits.jsonDepth }));
  } catch (cause) {
    if (!isHoldfastError(cause)) throw cause;
    const why = cause.code === "gateway.mcp-message-invalid" ? (cause.detail ?? "") : "not JSON that can be judged";
    throw gatewayError("gateway.upstream-invalid", { detail: `${name}: ${why}`, cause });
  }
}

function circuitOpen(name: string, waitMs: number): GatewayError {
  const retryAfter = Math.max(1, Math.ceil(waitMs / 1_000));
  return gatewayError("gateway.upstream-circuit-open", { detail: name, retryAfter });
}
