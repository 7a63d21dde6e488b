/**
 * The gateway's server: `node:http` in, the pipeline through, undici out. This file owns the lives: of the listening
 * socket, of each exchange, of the connections to the upstreams.
 *
 * @module
 */

import { hash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { canonicalJson, isHoldfastError, uuidv7, type Clock, type HoldfastError } from "../core/index.ts";
import { createGuard, secretsDetector, unicodeDetector } from "../guard/index.ts";
import type { Committer, Ledger } from "../ledger/index.ts";
import type { Counters, Db } from "../storage/index.ts";
import { discardRest } from "./admission/body.ts";
import { answer } from "./answer.ts";
import type { GatewayConfig, TelemetryConfig } from "./config.ts";
import { gatewayError } from "./errors.ts";
import { authenticator } from "./identity/principal.ts";
import { clear, identify, lease, outcomeOf, receive, type PipelineServices } from "./pipeline.ts";
import { encodeReceipt, type Exchange } from "./receipt/receipt.ts";
import { recorder, type Recorder } from "./receipt/recorder.ts";
import { Reply } from "./reply.ts";
import { router, routes, type Route } from "./route/table.ts";
import { startTelemetry, type Telemetry } from "./telemetry/telemetry.ts";
import type { Cancellation } from "./upstream/dispatch.ts";
import { openTargets, type Target } from "./upstream/target.ts";
import { errorBody, errorEvent, type ProtocolId } from "./wire/index.ts";

/** Where the gateway writes what an operator must know. Nothing of a request's content is ever passed to it. */
export interface Log {
  readonly info: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly warn: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly error: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly db: Db;
  readonly ledger: Pick<Ledger, "append">;
  readonly committer: Committer;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: TelemetryConfig;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A running gateway. */
export interface Gateway {
  readonly address: { readonly host: string; readonly port: number };
  /** Whether it can serve: listening, the ledger writable, at least one upstream known. */
  readonly ready: () => { readonly ready: boolean; readonly why?: string };
  /** Requests that came in since the start, and receipts recorded of them: equal when nothing is in flight. */
  readonly tally: () => Tally;
  /** Prometheus text, when metrics are on. */
  readonly metricsText?: () => Promise<string>;
  /** Stops taking requests, lets those in flight end for at most `graceMs`, then closes. */
  close(graceMs?: number): Promise<void>;
}

export interface Tally {
  readonly received: number;
  readonly inFlight: number;
  readonly recorded: number;
  /** Turned away without a valid key, too many a minute to give each a receipt; counted in the next receipt. */
  readonly unrecorded: number;
  /** Ended without a receipt because the ledger did not take it. Always answered with an error. */
  readonly lost: number;
}

const HEADER_BYTES = 16_384;
const HEADERS_MS = 10_000;
const KEEP_ALIVE_MS = 65_000;
const GRACE_MS = 10_000;
/** Refusals without a valid key that get a receipt, a minute. Beyond it they are counted: a flood must not fill a disk. */
const ANONYMOUS_RECEIPTS_PER_MINUTE = 120;

/**
 * Starts the gateway and resolves when it listens.
 *
 * @throws `gateway.listen-failed`, `gateway.route-without-policy`, `gateway.upstream-secret`
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, log } = options;
  const table = routes();
  const targets = openTargets(config.upstreams, config.timeouts, options.env ?? process.env);
  const telemetry = await startTelemetry(options.telemetry);
  const record = recorder(options.ledger, config.receipts, log);
  const gateway = new Serving(options, table, targets, telemetry, record);
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: Math.min(HEADERS_MS, config.timeouts.clientMs),
      requestTimeout: config.timeouts.clientMs,
      connectionsCheckingInterval: Math.min(1_000, config.timeouts.clientMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
      noDelay: true,
    },
    (request, response) => {
      void gateway.handle(request, response);
    },
  );
  server.on("clientError", refuseConnection);
  const address = await listen(server, config.listen);

  return {
    address,
    ready: () => gateway.ready(),
    tally: () => gateway.tally(),
    ...(telemetry.metricsText === undefined ? {} : { metricsText: telemetry.metricsText }),
    async close(graceMs = GRACE_MS) {
      gateway.stop();
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      server.closeIdleConnections();
      const timer = setTimeout(() => {
        server.closeAllConnections();
      }, graceMs);
      await closed;
      clearTimeout(timer);
      await gateway.drained();
      await Promise.all(targets.map((target) => target.pool.destroy()));
      await record.flush();
      await telemetry.close();
      log.info("gateway stopped");
    },
  };
}

/** What a started gateway holds between requests. */
class Serving {
  readonly #services: PipelineServices;
  readonly #options: GatewayOptions;
  readonly #route: (method: string, path: string) => Route;
  readonly #telemetry: Telemetry;
  readonly #record: Recorder;
  readonly #policyDigest: string;
  readonly #inFlight = new Set<Promise<void>>();
  #stopping = false;
  #received = 0;
  #lost = 0;
  #unrecorded = 0;
  #unreported = 0;
  #anonymous = { minute: 0, count: 0 };

  constructor(
    options: GatewayOptions,
    table: readonly Route[],
    targets: readonly Target[],
    telemetry: Telemetry,
    record: Recorder,
  ) {
    this.#options = options;
    this.#route = router(table);
    this.#telemetry = telemetry;
    this.#record = record;
    this.#policyDigest = hash("sha256", canonicalJson(options.config));
    this.#services = {
      config: options.config,
      clock: options.clock,
      counters: options.counters,
      authenticate: authenticator(options.db, options.clock),
      guard: createGuard({ detectors: [unicodeDetector, secretsDetector], settings: options.config.guards }),
      targets,
    };
  }

  async handle(http: IncomingMessage, response: ServerResponse): Promise<void> {
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

  ready(): { ready: boolean; why?: string } {
    if (this.#stopping) return { ready: false, why: "shutting down" };
    const failure = this.#record.failure();
    if (failure !== undefined) return { ready: false, why: failure.message };
    if (this.#services.targets.length === 0) return { ready: false, why: "no upstream is configured" };
    return { ready: true };
  }

  tally(): Tally {
    return {
      received: this.#received,
      inFlight: this.#inFlight.size,
      recorded: this.#record.recorded(),
      unrecorded: this.#unrecorded,
      lost: this.#lost,
    };
  }

  stop(): void {
    this.#stopping = true;
  }

  async drained(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
  }

  /** One exchange from its first header to its receipt. Never rejects: whatever happens ends as an answer. */
  async #exchange(http: IncomingMessage, response: ServerResponse, path: string, query: string): Promise<void> {
    const { clock, committer } = this.#options;
    const exchange: Exchange = {
      id: uuidv7(),
      receivedAt: clock.now(),
      startedAt: clock.monotonic(),
      outcome: "failed",
      status: 0,
    };
    const reply = new Reply(
      response,
      exchange,
      async (ended) => {
        if (this.#unreported > 0) {
          ended.unrecordedBefore = this.#unreported;
          this.#unreported = 0;
        }
        await this.#record.record(encodeReceipt(ended, this.#policyDigest, committer));
      },
      clock,
    );
    const ending = watchEnd(response, this.#options.config.timeouts.totalMs);
    let place: { release(): void } | undefined;
    let protocol: ProtocolId = http.headers["anthropic-version"] === undefined ? "openai" : "anthropic";
    try {
      if (this.#stopping) throw gatewayError("gateway.stopping");
      const failure = this.#record.failure();
      if (failure !== undefined) throw failure;
      const route = this.#route(http.method ?? "GET", path);
      protocol = route.operation.protocol;
      const received = receive(exchange, route, http, query);
      const leased = await lease(await identify(received, this.#services), this.#services);
      place = leased.lease;
      await answer(await clear(leased, this.#services), reply, this.#services, ending.cancellation);
    } catch (error) {
      await this.#refuse(
        exchange,
        protocol,
        this.#known(error, ending, exchange),
        http,
        response,
        reply,
        ending.gone(),
      );
    } finally {
      ending.dispose();
      place?.release();
      this.#telemetry.ended(exchange, http.headers["traceparent"]);
    }
  }

  /** Turns whatever was thrown into an error that may be shown. */
  #known(error: unknown, ending: Ending, exchange: Exchange): HoldfastError {
    if (ending.timedOut()) return gatewayError("gateway.upstream-timeout", { detail: "the whole answer (totalMs)" });
    if (isHoldfastError(error)) return error;
    this.#options.log.error("request failed", { id: exchange.id, error: error instanceof Error ? error.stack : "" });
    return gatewayError("gateway.internal");
  }

  async #refuse(
    exchange: Exchange,
    protocol: ProtocolId,
    error: HoldfastError,
    http: IncomingMessage,
    response: ServerResponse,
    reply: Reply,
    gone: boolean,
  ): Promise<void> {
    exchange.outcome = outcomeOf(error, gone);
    if (!gone) exchange.error = error.code;
    if (error.code === "gateway.ledger-unavailable") {
      await this.#withoutReceipt(exchange, protocol, error, response, reply);
      return;
    }
    try {
      if (reply.opened) {
        await reply.end(response.destroyed ? "" : errorEvent(protocol, error, exchange.id));
        return;
      }
      if (gone) {
        await reply.nothing();
        return;
      }
      const recorded = this.#mayRecord(exchange);
      const { status, body } = errorBody(protocol, error, exchange.id);
      const headers: Record<string, string> = {};
      if (error.retryAfter !== undefined) headers["retry-after"] = String(error.retryAfter);
      if (!http.complete) headers["connection"] = "close";
      await reply.whole(status, headers, body, recorded);
      discardRest(http);
    } catch (failure) {
      await this.#withoutReceipt(exchange, protocol, failure, response, reply);
    }
  }

  /** The ledger did not take the receipt: then nothing is served, and that is all the client learns. */
  async #withoutReceipt(
    exchange: Exchange,
    protocol: ProtocolId,
    failure: unknown,
    response: ServerResponse,
    reply: Reply,
  ): Promise<void> {
    this.#lost++;
    const error = isHoldfastError(failure) ? failure : gatewayError("gateway.ledger-unavailable", { cause: failure });
    if (response.destroyed) return;
    if (reply.opened) {
      response.end(errorEvent(protocol, error, exchange.id));
      return;
    }
    const { status, body } = errorBody(protocol, error, exchange.id);
    await reply.whole(status, { connection: "close" }, body, false);
  }

  /** Everyone who shows a valid key gets a receipt for everything; without one there are only so many a minute. */
  #mayRecord(exchange: Exchange): boolean {
    if (exchange.principal === undefined) {
      const minute = Math.floor(this.#options.clock.monotonic() / 60_000);
      if (minute !== this.#anonymous.minute) this.#anonymous = { minute, count: 0 };
      if (++this.#anonymous.count > ANONYMOUS_RECEIPTS_PER_MINUTE) {
        this.#unrecorded++;
        this.#unreported++;
        return false;
      }
    }
    return true;
  }

  #answerProbe(path: string, response: ServerResponse): void {
    const state = path === "/healthz" ? { ready: true } : this.ready();
    response.writeHead(state.ready ? 200 : 503, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(
      JSON.stringify({ status: state.ready ? "ok" : "unavailable", ...("why" in state ? { why: state.why } : {}) }),
    );
  }
}

/** How an exchange may end from outside: the client leaves, or its time is up. Both cancel what is under way. */
interface Ending {
  readonly cancellation: Cancellation;
  readonly gone: () => boolean;
  readonly timedOut: () => boolean;
  readonly dispose: () => void;
}

function watchEnd(response: ServerResponse, totalMs: number): Ending {
  const cancellation: Cancellation = { cancelled: false, onCancel: undefined };
  const cancel = (): void => {
    cancellation.cancelled = true;
    cancellation.onCancel?.();
  };
  let gone = false;
  let timedOut = false;
  const onClose = (): void => {
    if (response.writableFinished) return;
    gone = true;
    cancel();
  };
  response.on("close", onClose);
  const timer = setTimeout(() => {
    timedOut = true;
    cancel();
  }, totalMs);
  return {
    cancellation,
    gone: () => gone,
    timedOut: () => timedOut,
    dispose: () => {
      clearTimeout(timer);
      response.off("close", onClose);
    },
  };
}

/** What Node's parser could not take for HTTP. There is no request yet, so there is no protocol and no receipt. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, reason] =
    error.code === "HPE_HEADER_OVERFLOW"
      ? [431, "Request Header Fields Too Large"]
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? [408, "Request Timeout"]
        : [400, "Bad Request"];
  const body = JSON.stringify({ error: { message: reason, type: "invalid_request_error", param: null, code: null } });
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function listen(server: Server, where: string): Promise<{ host: string; port: number }> {
  const at = where.lastIndexOf(":");
  const host = where.slice(0, at).replace(/^\[(.*)\]$/, "$1");
  const port = Number(where.slice(at + 1));
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(gatewayError("gateway.listen-failed", { detail: `${where}: ${cause.code ?? "error"}`, cause }));
    });
    server.listen(port, host, () => {
      const address = server.address() as AddressInfo;
      resolve({ host: address.address, port: address.port });
    });
  });
}

/** Splits the request target. No decoding: the routes are plain ASCII, and anything else is unknown. */
function splitUrl(url: string): { path: string; query: string } {
  const at = url.indexOf("?");
  return at === -1 ? { path: url, query: "" } : { path: url.slice(0, at), query: url.slice(at + 1) };
}
