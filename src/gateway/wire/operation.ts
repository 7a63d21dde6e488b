/**
 * What the gateway needs to know of a wire protocol, one {@link Operation} for each route: which text a request
 * carries to the model, which text an answer carries back, and how a streamed answer is let through piece by piece.
 *
 * Everything here reads values that were already parsed by `core`'s `parseJson`, or bytes of an upstream, and treats
 * both as hostile. Nothing here opens a socket or knows a policy.
 *
 * @module
 */

import type { GuardStream, Origin, Restorer, TextSpan } from "../../guard/index.ts";
import type { MediaPart } from "./media.ts";
import type { EventShape, Shape } from "./shape.ts";

/** What an upstream speaks, and the header that carries its key. */
export type ProtocolId = "openai" | "anthropic" | "gemini";

/** The form of errors. In the middle of a stream the Responses API has a form of its own. */
export type ErrorFormat = ProtocolId | "openai-responses" | "open-inference";

/** A part of a message that no guard reads as text. It is named in the receipt: not scanned is never clean. */
export interface Unscanned {
  /** JSON Pointer to the field, in the form that {@link TextSpan} pointers have. */
  readonly pointer: string;
  /** A fixed sentence. */
  readonly why: string;
  /** How much: characters of base64 or of an id, or numbers of a list of token ids or of an embedding. */
  readonly size: number;
  /** `reference`: an id or a URL of what the upstream puts in its place, and no guard sees. */
  readonly kind: "base64" | "token-ids" | "vector" | "reference";
}

export interface ParsedRequest {
  /** The model that is asked for; `""` where the operation has none. */
  readonly model: string;
  readonly stream: boolean;
  /** Every string of the body, known fields under their origin, unknown ones and property names as `metadata`. */
  readonly spans: readonly TextSpan[];
  readonly unscanned: readonly Unscanned[];
  /** Images and files, for policy to pass or refuse. */
  readonly media: readonly MediaPart[];
  /** Messages, or inputs to embed. */
  readonly messages: number;
  /** The caller's own bound on the answer. */
  readonly maxTokens: number | undefined;
  /** UTF-16 units of all spans. */
  readonly inputChars: number;
}

/** Tokens as the upstream counted them, cached ones included. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of the input: read from the upstream's cache, and written to it, where it says so. */
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
}

export interface ParsedResponse {
  readonly spans: readonly TextSpan[];
  readonly unscanned: readonly Unscanned[];
  readonly usage: Usage | undefined;
  readonly model: string | undefined;
  /** What the upstream says of its own set-up (`system_fingerprint`), where the protocol has it. */
  readonly fingerprint?: string | undefined;
  /** Ids under which the upstream keeps the answer, or parts of it: a later request may refer to them. */
  readonly made?: readonly string[];
}

/** One route of one protocol. */
export interface Operation {
  /** `openai.chat`, `openai.responses`, `anthropic.messages`, `gemini.stream`. */
  readonly id: string;
  /** The gateway answers it itself: no upstream is asked. */
  readonly local?: boolean;
  readonly protocol: ProtocolId;
  readonly errors: ErrorFormat;
  readonly method: "GET" | "POST";
  /** `/v1/chat/completions`: what a client calls. `{model}` stands for the name of a model. */
  readonly path: string;
  /** `/chat/completions`: relative to the upstream's base URL. `{model}` as in `path`. */
  readonly upstreamPath: string;
  /** Query strings that are passed on: what the official clients send. Every other one is refused. */
  readonly queries: readonly string[];
  /** What is known of the fields, as data: for the matrix of what is read (`matrix/`). */
  readonly shapes: OperationShapes;
  /**
   * @param inPath the model that the path names, where it does
   * @throws `gateway.request-invalid` with the pointer of the first field of a wrong type, `gateway.request-unsupported`,
   *   and nothing else
   */
  parseRequest(value: unknown, inPath?: string): ParsedRequest;
  /** Reads a whole answer with status 200. @throws `gateway.upstream-invalid`, and nothing else */
  parseResponse(value: unknown): ParsedResponse;
  /** Lets a streamed answer through. Absent where the operation never streams. */
  responseStream?(hooks: StreamHooks): ResponseStream;
}

interface OperationShapes {
  readonly request?: Shape;
  readonly response: Shape;
  /** The events of a stream; absent where the operation never streams. */
  readonly events?: readonly EventShape[];
}

export interface StreamHooks {
  /**
   * A guard for one channel of text: one choice's content, one tool call's arguments, one string that came whole. A
   * stream opens one for each, up to a limit, and ends every one that it opened unless the stream is cut off.
   *
   * @param restores placeholders of the request come back in this text (`guard/vault.ts`): not where a change would
   * break what the text is part of
   */
  openChannel(origin: Origin, pointer: string, restores: boolean): GuardStream;
  /** The usage that a stream says in an event of its own was asked for by the gateway: the client does not get it. */
  readonly dropUsage?: boolean;
  /** Turns placeholders of the request back in a JSON text. Absent where the request has none. */
  jsonRestorer?(): Restorer;
  /**
   * A guard has ended: its verdict is final, and the stream holds on to it no longer. Called once for each guard that
   * ends, which is every one that was opened unless the stream blocks, fails or is cut off. Whoever collects verdicts
   * can add this one up and forget the guard: a stream may open far more guards than are open at a time.
   */
  closed?(channel: GuardStream): void;
}

/** What a piece of the upstream's bytes becomes for the client. */
export interface StreamOutput {
  /** To be written to the client now; `""` while everything is held back. */
  readonly bytes: string | Uint8Array;
  /**
   * A guard blocked: write `bytes`, which hold nothing of the match, then the protocol's error event (`errorEvent`),
   * and stop.
   */
  readonly blocked: boolean;
  /** Nothing comes after this: stop reading the upstream. */
  readonly ended: boolean;
}

/** Upstream bytes in, judged client bytes out. One call at a time: await the last one first. */
export interface ResponseStream {
  /**
   * @throws `gateway.upstream-invalid` for what is not the protocol, `gateway.upstream-too-large` for a limit, and
   *   `gateway.upstream-error` or `gateway.upstream-rate-limited` for an error that the upstream reports in mid-stream
   */
  push(bytes: Uint8Array): Promise<StreamOutput> | StreamOutput;
  /**
   * The upstream closed: flushes what was held back. Where the answer was cut off, `complete` is false afterwards, and
   * an error event is due. @throws as `push`
   */
  end(): Promise<StreamOutput> | StreamOutput;
  readonly usage: Usage | undefined;
  readonly model: string | undefined;
  readonly fingerprint?: string | undefined;
  /** As in a {@link ParsedResponse}, of what has come so far. */
  readonly made?: readonly string[];
  /** The answer came whole: its last event was seen, or all of it that a client needs. */
  readonly complete: boolean;
  /** What was not read as text so far, one entry for each field. */
  readonly unscanned: readonly Unscanned[];
}
