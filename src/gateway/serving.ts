/**
 * One exchange after another: through the stages, to an answer, to a receipt. Whatever happens on the way ends as an
 * answer in the caller's protocol.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { LookupFunction } from "node:net";
import type { Duplex } from "node:stream";

import { isHoldfastError, uuidv7, type Clock, type HoldfastError, type ReleaseAdmission } from "../core/index.ts";
import type { Committer } from "../ledger/index.ts";
import type { Counters, Db } from "../storage/index.ts";
import { discardRest } from "./admission/body.ts";
import { answer } from "./answer.ts";
import type { GatewayConfig, TelemetryConfig } from "./config.ts";
import { watchEnd, type Ending } from "./ending.ts";
import { gatewayError, type GatewayError } from "./errors.ts";
import type { Generation } from "./generation.ts";
import { isMcpPath } from "./mcp/endpoint.ts";
import { Conversation, type ErrorWriter } from "./mcp/rpc-error.ts";
import { clear, identify, lease, outcomeOf, receive } from "./pipeline.ts";
import { encodeReceipt, type Exchange } from "./receipt/receipt.ts";
import type { ReceiptLog, Recorder } from "./receipt/recorder.ts";
import { Reply } from "./reply.ts";
import { router, type Route } from "./route/table.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import { errorBody, errorEvent, formatFor, type ErrorFormat } from "./wire/index.ts";

/** Where the gateway writes what an operator must know. Nothing of a request's content is ever passed to it. */
export interface Log {
  readonly info: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly warn: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly error: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly db: Db;
  readonly ledger: ReceiptLog;
  readonly committer: Committer;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: TelemetryConfig;
  /** The registry of models, where there is one. */
  readonly releases?: ReleaseAdmission;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How names of upstreams become addresses. Default: as the machine does it. */
  readonly lookup?: LookupFunction;
}

/** What became of the requests since the start. `received` is the sum of all others. */
export interface Tally {
  readonly received: number;
  readonly inFlight: number;
  /** Receipts on disk. */
  readonly recorded: number;
  /** Receipts on their way to it, with `receipts: buffered`. */
  readonly pending: number;
  /** Turned away without a valid key, too many a minute to give each a receipt; counted in the next receipt. */
  readonly unrecorded: number;
  /** Ended without a receipt because the ledger did not take it. */
  readonly lost: number;
}

/** Refusals without a valid key that get a receipt, a minute. Beyond it they are counted: a flood must not fill a disk. */
const ANONYMOUS_RECEIPTS_PER_MINUTE = 120;

/** What a started gateway holds between requests. */
export class Serving {
  readonly #options: GatewayOptions;
  readonly #route: (method: string, path: string) => Route;
  readonly #telemetry: Telemetry;
  readonly #recorder: Recorder;
  /** What new exchanges begin on. */
  #generation: Generation;
  readonly #inFlight = new Set<Promise<void>>();
  /** The exchange that each connection is busy with. */
  readonly #onConnection = new WeakMap<Duplex, { readonly response: ServerResponse; readonly ending: Ending }>();
  #stopping = false;
  #received = 0;
  #unrecorded = 0;
  #unreported = 0;
  #anonymous = { minute: 0, count: 0 };

  constructor(
    options: GatewayOptions,
    table: readonly Route[],
    generation: Generation,
    telemetry: Telemetry,
    recorder: Recorder,
  ) {
    this.#options = options;
    this.#route = router(table);
    this.#generation = generation;
    this.#telemetry = telemetry;
    this.#recorder = recorder;
  }

  /** New exchanges begin on `next`; those under way end on the one that is returned. */
  swap(next: Generation): Generation {
    const before = this.#generation;
    this.#generation = next;
    return before;
  }

  async handle(http: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#stopping) response.setHeader("connection", "close");
    const { path, query } = splitUrl(http.url ?? "/");
    if (path === "/healthz" || path === "/readyz") {
      this.#answerProbe(path, response);
      return;
    }
    this.#received++;
    const work = this.#exchange(http, response, path, query);
    this.#inFlight.add(work);
    try {
      await work;
    } finally {
      this.#inFlight.delete(work);
    }
  }

  /**
   * What Node's parser could not take for HTTP, or what came too slowly, on a connection that is busy with an exchange.
   * False where it is not: then nobody else answers.
   */
  connectionFailed(connection: Duplex, timedOut: boolean): boolean {
    const busy = this.#onConnection.get(connection);
    if (busy === undefined || busy.response.writableFinished) return false;
    // Words of another response within this one would desynchronise whoever shares the connection.
    if (timedOut && !busy.response.headersSent) busy.ending.end(gatewayError("gateway.request-timeout"));
    else connection.destroy();
    return true;
  }

  ready(): { ready: boolean; why?: string } {
    if (this.#stopping) return { ready: false, why: "shutting down" };
    const trouble = this.#recorder.trouble();
    if (trouble !== undefined) return { ready: false, why: trouble.message };
    // Without it no key can be looked up. What is in flight ends; a restart would mend nothing.
    if (this.#options.db.away?.() === true) return { ready: false, why: "the database does not answer" };
    const { config, predictions, routing } = this.#generation.services;
    if (routing.targets.length === 0 && predictions.models.size === 0 && config.mcp.servers.length === 0) {
      return { ready: false, why: "no upstream is configured" };
    }
    return { ready: true };
  }

  tally(): Tally {
    return {
      received: this.#received,
      inFlight: this.#inFlight.size,
      ...this.#recorder.counts,
      unrecorded: this.#unrecorded,
    };
  }

  stop(): void {
    this.#stopping = true;
  }

  async drained(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight);
  }

  /** One exchange from its first header to its receipt. Never rejects. */
  async #exchange(http: IncomingMessage, response: ServerResponse, path: string, query: string): Promise<void> {
    const { clock, committer } = this.#options;
    // One generation for all of an exchange: a reload in its middle changes nothing of it.
    const { services, mcp, policyDigest, enter } = this.#generation;
    const leave = enter();
    const exchange: Exchange = {
      id: uuidv7(),
      receivedAt: clock.now(),
      startedAt: clock.monotonic(),
      outcome: "failed",
      status: 0,
    };
    const reply = new Reply(response, exchange, (ended) => this.#record(ended, policyDigest), committer, clock);
    const ending = watchEnd(response, services.config.timeouts.totalMs);
    this.#onConnection.set(http.socket, { response, ending });
    let place: { release(): void } | undefined;
    const conversation = isMcpPath(path) ? new Conversation() : undefined;
    let errors: ErrorWriter = conversation ?? writers[formatFor(path, http.headers)];
    try {
      if (this.#stopping) throw gatewayError("gateway.stopping");
      this.#recorder.check();
      if (conversation !== undefined) {
        await mcp.serve(exchange, http, { path, query }, ending, reply, conversation);
        return;
      }
      const route = this.#route(http.method ?? "GET", path);
      errors = writers[route.operation.errors];
      const received = receive(exchange, route, http, query, ending.cancellation);
      const known = identify(received, services);
      const leased = await lease(known instanceof Promise ? await known : known, services);
      place = leased.lease;
      await answer(await clear(leased, services), reply, services);
    } catch (error) {
      await this.#refuse(exchange, errors, this.#known(error, ending, exchange), http, response, reply, ending);
    } finally {
      ending.dispose();
      place?.release();
      // Where the receipt was not even tried.
      const settling = this.#settle(exchange);
      if (settling !== undefined) await settling;
      this.#telemetry.ended(exchange, http.headers["traceparent"]);
      leave();
    }
  }

  async #record(exchange: Exchange, policyDigest: string): Promise<void> {
    // The receipt says what was settled.
    const settling = this.#settle(exchange);
    if (settling !== undefined) await settling;
    if (this.#unreported > 0) {
      exchange.unrecordedBefore = this.#unreported;
      this.#unreported = 0;
    }
    await this.#recorder.record(encodeReceipt(exchange, policyDigest));
  }

  /** Undefined where there is nothing to wait for. */
  #settle(exchange: Exchange): Promise<void> | undefined {
    try {
      const settling = exchange.budget?.settle(exchange);
      return settling?.catch((error: unknown) => this.#notSettled(exchange, error));
    } catch (error) {
      this.#notSettled(exchange, error);
      return undefined;
    }
  }

  #notSettled({ id }: Exchange, error: unknown): void {
    this.#options.log.error("a budget was not settled", { id, error: stackOf(error) });
  }

  /** Turns whatever was thrown into an error that a client may see. What is not the gateway's own goes to the log. */
  #known(error: unknown, ending: Ending, exchange: Exchange): GatewayError {
    const outside = ending.error();
    if (outside !== undefined) return outside;
    if (isHoldfastError(error)) {
      if (/^(?:gateway|core)\./.test(error.code)) return error;
      this.#options.log.error("request failed", { id: exchange.id, error: error.code });
      return gatewayError("gateway.unavailable");
    }
    this.#options.log.error("request failed", { id: exchange.id, error: stackOf(error) });
    return gatewayError("gateway.internal");
  }

  async #refuse(
    exchange: Exchange,
    errors: ErrorWriter,
    error: HoldfastError,
    http: IncomingMessage,
    response: ServerResponse,
    reply: Reply,
    ending: Ending,
  ): Promise<void> {
    const gone = ending.gone();
    exchange.outcome = outcomeOf(error, gone);
    if (!gone) exchange.error = error.code;
    try {
      if (error.code === "gateway.ledger-unavailable") throw error;
      if (reply.opened) {
        await reply.end(response.destroyed ? "" : errors.event(error, exchange.id));
        return;
      }
      const recorded = this.#mayRecord(exchange);
      if (gone) {
        if (recorded) await reply.nothing();
        return;
      }
      const { status, body } = errors.body(error, exchange.id);
      const headers: Record<string, string> = {};
      if (error.retryAfter !== undefined) headers["retry-after"] = String(error.retryAfter);
      // No `connection: close` here: Node would reset the connection under a client that is still sending, and the
      // refusal could be lost. What is still sent is thrown away, for a while.
      await reply.whole(status, headers, body, recorded);
      discardRest(http);
    } catch (failure) {
      await this.#withoutReceipt(exchange, errors, failure, response, reply);
    }
  }

  /** The ledger did not take the receipt: then nothing is served, and that is all the client learns. */
  async #withoutReceipt(
    exchange: Exchange,
    errors: ErrorWriter,
    failure: unknown,
    response: ServerResponse,
    reply: Reply,
  ): Promise<void> {
    const error = isHoldfastError(failure) ? failure : gatewayError("gateway.ledger-unavailable", { cause: failure });
    exchange.error = error.code;
    if (response.destroyed) return;
    if (reply.opened) {
      response.end(errors.event(error, exchange.id));
      return;
    }
    const { status, body } = errors.body(error, exchange.id);
    await reply.whole(status, { connection: "close" }, body, false);
  }

  /** Everyone who shows a valid key gets a receipt for everything; without one there are only so many a minute. */
  #mayRecord(exchange: Exchange): boolean {
    if (exchange.principal !== undefined) return true;
    const minute = Math.floor(this.#options.clock.monotonic() / 60_000);
    if (minute !== this.#anonymous.minute) this.#anonymous = { minute, count: 0 };
    if (++this.#anonymous.count <= ANONYMOUS_RECEIPTS_PER_MINUTE) return true;
    this.#unrecorded++;
    this.#unreported++;
    return false;
  }

  #answerProbe(path: string, response: ServerResponse): void {
    // A ledger that has stopped takes nothing until it is opened again: only a restart heals that.
    const failure = this.#recorder.failure()?.message;
    const { ready, why } =
      path === "/healthz" ? { ready: failure === undefined, why: failure } : { why: undefined, ...this.ready() };
    response.writeHead(ready ? 200 : 503, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify({ status: ready ? "ok" : "unavailable", why }));
  }
}

/** Errors in the form of a model API. */
function writerOf(format: ErrorFormat): ErrorWriter {
  return {
    body: (error, requestId) => errorBody(format, error, requestId),
    event: (error, requestId) => errorEvent(format, error, requestId),
  };
}

const writers: Readonly<Record<ErrorFormat, ErrorWriter>> = {
  openai: writerOf("openai"),
  "openai-responses": writerOf("openai-responses"),
  anthropic: writerOf("anthropic"),
  gemini: writerOf("gemini"),
  "open-inference": writerOf("open-inference"),
};

/** Splits the request target. No decoding: the routes are plain ASCII, and anything else is unknown. */
function splitUrl(url: string): { path: string; query: string } {
  const at = url.indexOf("?");
  return at === -1 ? { path: url, query: "" } : { path: url.slice(0, at), query: url.slice(at + 1) };
}

/** Where an unexpected error came from. Its message stays out: it may quote what the code was working on. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  return [error.name, ...frames].join("\n");
}
