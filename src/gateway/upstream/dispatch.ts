/**
 * The only place where the gateway opens sockets. One request to one upstream over undici's dispatcher, which neither
 * follows redirects nor decompresses nor retries: what the upstream answers is what is judged.
 *
 * @module
 */

import type { IncomingHttpHeaders } from "node:http";

import type { Dispatcher } from "undici";

import { gatewayError, type GatewayError } from "../errors.ts";
import type { Target } from "./target.ts";

export interface UpstreamRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Relative to the target's base URL, with a leading slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

export type Taken = "more" | "enough";

/** How long an upstream may go on after it said enough, in milliseconds; then its connection is closed. */
const LINGER_MS = 1_000;

/**
 * How a caller calls an exchange off. An AbortSignal would do, but costs as much as reading a request's headers; here
 * there is one listener at a time.
 */
export interface Cancellation {
  cancelled: boolean;
  /** Called once, when it is called off. */
  onCancel: (() => void) | undefined;
}

/** How an exchange with an upstream ended, told once, before its promises settle. */
export interface ExchangeEnd {
  /** `aborted`: the gateway ended it itself, which says nothing of the upstream. */
  readonly how: "whole" | "failed" | "aborted";
  /** A connection was there, so a part of the request may have gone out. */
  readonly sent: boolean;
  /** 0 where none has come. */
  readonly status: number;
}

/** An answer whose headers have come. Its body must be consumed by one of the two methods, or aborted. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /**
   * The whole body. `setting` is what the configuration calls the limit, where it is one of those.
   *
   * @throws `gateway.upstream-too-large` and the transport's errors
   */
  collect(limit: number, setting?: string): Promise<Buffer>;
  /**
   * Each piece of the body in turn; the upstream is held back while `take` is pending. Resolves at the end, or as soon
   * as `take` says `"enough"`: what still comes is thrown away, so that the connection can serve again.
   */
  forEach(take: (chunk: Buffer) => Taken | Promise<Taken>): Promise<void>;
  /** Closes the connection to the upstream. */
  abort(): void;
}

/**
 * Sends a request and waits for the answer's headers. When it is called off the connection to the upstream is closed
 * at once, at whatever stage. `ended` is called when the exchange is over, its body included.
 *
 * @throws `gateway.upstream-unreachable`, `gateway.upstream-address`, `gateway.upstream-timeout`,
 *   `gateway.upstream-broken`, `gateway.upstream-invalid`
 */
export function send(
  target: Pick<Target, "name" | "pool" | "basePath">,
  request: UpstreamRequest,
  cancellation: Cancellation,
  ended: (end: ExchangeEnd) => void = () => undefined,
): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    const exchange = new Exchange(target.name, cancellation, resolve, reject, ended);
    target.pool.dispatch(
      {
        method: request.method,
        path: `${target.basePath}${request.path}`,
        headers: request.headers,
        body: request.body,
      },
      exchange,
    );
  });
}

/** One exchange's life between undici's callbacks and the two promises that the pipeline awaits. */
class Exchange implements Dispatcher.DispatchHandler, UpstreamAnswer {
  status = 0;
  headers: IncomingHttpHeaders = {};

  readonly #name: string;
  readonly #cancellation: Cancellation;
  readonly #answered: (answer: UpstreamAnswer) => void;
  readonly #failed: (error: GatewayError) => void;
  readonly #tellEnd: (end: ExchangeEnd) => void;

  #controller: Dispatcher.DispatchController | undefined;
  #queue: Buffer[] = [];
  #ended = false;
  #aborted = false;
  #error: GatewayError | undefined;
  #wake: (() => void) | undefined;
  #unwanted: NodeJS.Timeout | undefined;

  constructor(
    name: string,
    cancellation: Cancellation,
    answered: (answer: UpstreamAnswer) => void,
    failed: (error: GatewayError) => void,
    ended: (end: ExchangeEnd) => void,
  ) {
    this.#name = name;
    this.#cancellation = cancellation;
    this.#answered = answered;
    this.#failed = failed;
    this.#tellEnd = ended;
    cancellation.onCancel = () => {
      this.abort();
    };
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#cancellation.cancelled) this.abort();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // 1xx answers are hints; the answer itself follows.
    if (status < 200) return;
    this.status = status;
    this.headers = headers;
    this.#answered(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#unwanted !== undefined) return;
    this.#queue.push(chunk);
    if (this.#queue.length > 1) controller.pause();
    this.#wake?.();
  }

  onResponseEnd(): void {
    this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#error = transportError(this.#name, error);
    this.#finish();
    this.#failed(this.#error);
  }

  async collect(limit: number, setting?: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    await this.forEach((chunk) => {
      size += chunk.length;
      if (size > limit) {
        const named = setting === undefined ? "" : ` (${setting})`;
        throw gatewayError("gateway.upstream-too-large", { detail: `limit ${limit} bytes${named}` });
      }
      chunks.push(chunk);
      return "more";
    });
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
  }

  async forEach(take: (chunk: Buffer) => Taken | Promise<Taken>): Promise<void> {
    try {
      for (;;) {
        const chunk = this.#queue.shift();
        if (chunk !== undefined) {
          const taken = take(chunk);
          if ((typeof taken === "string" ? taken : await taken) === "more") continue;
          this.#throwAwayRest();
          return;
        }
        if (this.#error !== undefined) throw this.#error;
        if (this.#ended) return;
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        // After the waiter is in place: resuming may hand over the next piece before it returns.
        if (this.#controller?.paused === true) this.#controller.resume();
        await woken;
        this.#wake = undefined;
      }
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  abort(): void {
    if (this.#ended) return;
    this.#aborted = true;
    const reason = gatewayError("gateway.upstream-broken", { detail: `${this.#name}: aborted` });
    // Before there is a connection there is no controller: the caller is let go now, undici when it starts the request.
    if (this.#controller === undefined) this.#failed(reason);
    else this.#controller.abort(reason);
  }

  #throwAwayRest(): void {
    if (this.#ended) return;
    this.#unwanted = setTimeout(() => {
      this.abort();
    }, LINGER_MS);
    if (this.#controller?.paused === true) this.#controller.resume();
  }

  #finish(): void {
    this.#ended = true;
    clearTimeout(this.#unwanted);
    this.#cancellation.onCancel = undefined;
    const how = this.#aborted ? "aborted" : this.#error === undefined ? "whole" : "failed";
    this.#tellEnd({ how, sent: this.#controller !== undefined, status: this.status });
    this.#wake?.();
  }
}

/** Codes of undici and Node, by what they mean to a caller. Nothing of the cause's text is passed on. */
const CODES: Readonly<Record<string, { code: Parameters<typeof gatewayError>[0]; detail: string }>> = {
  UND_ERR_CONNECT_TIMEOUT: { code: "gateway.upstream-timeout", detail: "connecting (connectMs)" },
  UND_ERR_HEADERS_TIMEOUT: { code: "gateway.upstream-timeout", detail: "waiting for an answer (firstByteMs)" },
  UND_ERR_BODY_TIMEOUT: { code: "gateway.upstream-timeout", detail: "between two pieces of the answer (idleMs)" },
  UND_ERR_HEADERS_OVERFLOW: { code: "gateway.upstream-invalid", detail: "its header section is too large" },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { code: "gateway.upstream-broken", detail: "shorter or longer than announced" },
  UND_ERR_SOCKET: { code: "gateway.upstream-broken", detail: "the connection was closed" },
  ECONNRESET: { code: "gateway.upstream-broken", detail: "the connection was reset" },
  EPIPE: { code: "gateway.upstream-broken", detail: "the connection was closed" },
};

function transportError(name: string, error: Error): GatewayError {
  if ("hint" in error) return error as GatewayError;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const known = Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  if (known !== undefined) return gatewayError(known.code, { detail: `${name}: ${known.detail}`, cause: error });
  if (error.name === "HTTPParserError") {
    return gatewayError("gateway.upstream-invalid", { detail: `${name}: not HTTP/1.1`, cause: error });
  }
  return gatewayError("gateway.upstream-unreachable", { detail: name, cause: error });
}
