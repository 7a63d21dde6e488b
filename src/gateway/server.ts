/**
 * The gateway's server: `node:http` in, undici out. This file owns the listening socket and the connections; what
 * happens on them is `serving.ts`.
 *
 * @module
 */

import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { openAuthorizer } from "./authorize/authorizer.ts";
import { openBudgets } from "./budget/budgets.ts";
import { gatewayError } from "./errors.ts";
import { warmGuards } from "./guards.ts";
import { openPredictions } from "./predict/predictions.ts";
import { recorder } from "./receipt/recorder.ts";
import { routes } from "./route/table.ts";
import { withFallback } from "../storage/index.ts";
import { Serving, type GatewayOptions, type Tally } from "./serving.ts";
import { startTelemetry } from "./telemetry/telemetry.ts";
import { openExtraction } from "./theft/extraction.ts";
import { openRouting } from "./upstream/routing.ts";

/** A running gateway. */
export interface Gateway {
  readonly address: { readonly host: string; readonly port: number };
  /** Whether it can serve: listening, the ledger writable, at least one upstream known. */
  readonly ready: () => { readonly ready: boolean; readonly why?: string };
  readonly tally: () => Tally;
  /** Prometheus text, when metrics are on. */
  readonly metricsText?: () => Promise<string>;
  /** Stops taking requests, lets those in flight end for at most `graceMs` milliseconds, then closes. */
  close(graceMs?: number): Promise<void>;
}

const HEADER_BYTES = 16_384;
const HEADERS_MS = 10_000;
const KEEP_ALIVE_MS = 65_000;
const GRACE_MS = 10_000;
/** Connections at a time. Each costs a descriptor, and without descriptors nothing can be written to disk either. */
const CONNECTIONS = 10_000;
/** How long a client has to read why its connection is cut, in milliseconds. */
const LAST_WORDS_MS = 500;

/**
 * Starts the gateway and resolves when it listens.
 *
 * @throws `gateway.listen-failed`, `gateway.route-without-policy`, and what `warmGuards` and `openRouting` throw
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, log } = options;
  const { timeouts } = config;
  const table = routes();
  await warmGuards(config.guards);
  const routing = openRouting(config.upstreams, config.models, {
    timeouts,
    circuit: config.circuit,
    env: options.env ?? process.env,
    clock: options.clock,
    lookup: options.lookup,
  });
  const budgets = await openBudgets(options);
  const telemetry = await startTelemetry(options.telemetry, routing.targets, budgets.countersAway);
  const authorizer = await openAuthorizer(config.authorization);
  const predictions = await openPredictions(config.predict);
  const receipts = recorder(options.ledger, config.receipts, log);
  const extraction = openExtraction({
    ...options,
    config: config.extraction,
    counters: withFallback(options.counters, options.clock, budgets.share),
    secret: options.committer.commit("extraction", "watch", Buffer.from("sketches")),
  });
  const serving = new Serving(
    options,
    table,
    routing,
    telemetry,
    receipts,
    authorizer,
    budgets,
    extraction,
    predictions,
  );
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: Math.min(HEADERS_MS, timeouts.clientMs),
      requestTimeout: timeouts.clientMs,
      connectionsCheckingInterval: Math.min(1_000, timeouts.clientMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
      noDelay: true,
    },
    (request, response) => {
      void serving.handle(request, response);
    },
  );
  server.maxConnections = CONNECTIONS;
  // No byte either way for longer than an upstream may be silent: the client reads no more, or is not there any more.
  server.setTimeout(Math.max(timeouts.firstByteMs, timeouts.idleMs) + HEADERS_MS, (socket) => socket.destroy());
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const timedOut = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    if (!serving.connectionFailed(socket, timedOut)) refuseConnection(error, socket);
  });
  const address = await listen(server, config.listen).catch(async (error: unknown) => {
    await budgets.close();
    throw error;
  });

  return {
    address,
    ready: () => serving.ready(),
    tally: () => serving.tally(),
    ...(telemetry.metricsText === undefined ? {} : { metricsText: telemetry.metricsText }),
    async close(graceMs = GRACE_MS) {
      serving.stop();
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      server.closeIdleConnections();
      const timer = setTimeout(() => {
        server.closeAllConnections();
      }, graceMs);
      await serving.drained();
      server.closeIdleConnections();
      await closed;
      clearTimeout(timer);
      await serving.drained();
      await Promise.all(routing.targets.map((target) => target.pool.destroy()));
      await receipts.flush();
      await predictions.close();
      await extraction.close();
      await budgets.close();
      await telemetry.close();
      log.info("gateway stopped");
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
  // The other half of the connection stays open for as long as the client likes, unless it is cut.
  setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
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
