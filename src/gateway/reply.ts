/**
 * What the client gets, and the rule that goes with it: the receipt is recorded before the response ends.
 *
 * @module
 */

import type { ServerResponse } from "node:http";

import type { Clock } from "../core/index.ts";
import type { CommitmentInProgress, Committer } from "../ledger/index.ts";
import type { Exchange } from "./receipt/receipt.ts";
import { encodeEvent } from "./sse/index.ts";

/** Records an exchange that is over but for its last bytes. Rejects when the receipt could not be written. */
export type Record = (exchange: Exchange) => Promise<void>;

/** How often a stream is looked at for silence, in milliseconds: what is silent for long is cut by somebody on the way. */
const LIFE_MS = 25_000;
/** Stands between two events, and is none. */
const SIGN_OF_LIFE = encodeEvent({ type: undefined, data: undefined });

/**
 * The response to one request. It names the request's id in two headers: both SDK families show it in their errors, each
 * from one of its own.
 *
 * Either {@link Reply.whole} is called once, or `open`, `write`… and `end`.
 */
export class Reply {
  readonly #response: ServerResponse;
  readonly #exchange: Exchange;
  readonly #record: Record;
  readonly #committer: Committer;
  readonly #clock: Clock;
  #commitment: CommitmentInProgress | undefined;
  #bytes = 0;
  #life: NodeJS.Timeout | undefined;
  #isSilent = true;

  constructor(response: ServerResponse, exchange: Exchange, record: Record, committer: Committer, clock: Clock) {
    this.#response = response;
    this.#exchange = exchange;
    this.#record = record;
    this.#committer = committer;
    this.#clock = clock;
  }

  /** True once a status line went out: an error can then only be told within the stream. */
  get opened(): boolean {
    return this.#response.headersSent;
  }

  /** The whole response at once. `recorded: false` sends it without a receipt. */
  async whole(
    status: number,
    headers: Readonly<globalThis.Record<string, string>>,
    body: Uint8Array | string,
    recorded = true,
  ): Promise<void> {
    const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
    this.#exchange.status = status;
    const { id } = this.#exchange;
    this.#exchange.response = { bytes: bytes.length, commitment: this.#committer.commit(id, "response", bytes) };
    this.#exchange.endedAt = this.#clock.monotonic();
    if (recorded) await this.#record(this.#exchange);
    if (this.#response.destroyed) return;
    this.#response.writeHead(status, {
      "content-type": "application/json",
      "content-length": bytes.length,
      "cache-control": "no-store",
      "x-request-id": id,
      "request-id": id,
      ...this.#exchange.budget?.headers,
      ...headers,
    });
    this.#response.end(bytes);
  }

  /** For a client that has gone: a receipt, and no response. */
  async nothing(): Promise<void> {
    this.#exchange.endedAt = this.#clock.monotonic();
    await this.#record(this.#exchange);
  }

  /**
   * Starts a stream of server-sent events, each piece of which is whole events. While it is silent it shows a sign of life
   * from time to time: a model may think for long before its first word, and a tool may work.
   */
  open(): void {
    const { id } = this.#exchange;
    this.#exchange.status = 200;
    this.#commitment = this.#committer.begin(id, "response");
    this.#response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "x-request-id": id,
      "request-id": id,
      ...this.#exchange.budget?.headers,
    });
    this.#response.flushHeaders();
    this.#life = setInterval(() => {
      if (this.#response.writableEnded || this.#response.destroyed) clearInterval(this.#life);
      else if (this.#isSilent) void this.write(SIGN_OF_LIFE);
      this.#isSilent = true;
    }, LIFE_MS).unref();
  }

  /** A piece of the stream. The promise, where there is one, resolves when the client has made room for more. */
  write(bytes: Uint8Array | string): Promise<void> | undefined {
    if (bytes.length === 0 || this.#response.destroyed) return undefined;
    this.#isSilent = false;
    this.#count(bytes);
    if (this.#response.write(bytes)) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        this.#response.off("drain", done);
        this.#response.off("close", done);
        resolve();
      };
      this.#response.on("drain", done);
      this.#response.on("close", done);
    });
  }

  /** The last piece of the stream: it leaves only once the receipt is recorded. */
  async end(tail: Uint8Array | string): Promise<void> {
    if (tail.length > 0) this.#count(tail);
    this.close();
    await this.#record(this.#exchange);
    if (!this.#response.destroyed) this.#response.end(tail.length > 0 ? tail : undefined);
  }

  /** Settles what the receipt says of a stream: the bytes counted so far. */
  close(): void {
    clearInterval(this.#life);
    if (this.#commitment !== undefined) {
      this.#exchange.response = { bytes: this.#bytes, commitment: this.#commitment.digest() };
      this.#commitment = undefined;
    }
    this.#exchange.endedAt = this.#clock.monotonic();
  }

  #count(bytes: Uint8Array | string): void {
    this.#bytes += typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length;
    this.#commitment?.update(bytes);
  }
}
