/**
 * The gateway's server: `node:http` in, undici out. This file owns the listening socket and the connections; what
 * happens on them is `serving.ts`.
 *
 * @module
 */

import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";

import { withFallback } from "../storage/index.ts";
import type { GatewayConfig } from "./config.ts";
import { gatewayError } from "./errors.ts";
import { openGeneration, type Generation } from "./generation.ts";
import { recorder } from "./receipt/recorder.ts";
import { restartNeeded, type PreparedReload } from "./reload.ts";
import { routes } from "./route/table.ts";
import { Serving, type GatewayOptions, type Tally } from "./serving.ts";
import { startTelemetry } from "./telemetry/telemetry.ts";
import { openExtraction } from "./theft/extraction.ts";
import { openTlsListener } from "./tls/listener.ts";

/** A running gateway. */
export interface Gateway {
  readonly address: { readonly host: string; readonly port: number };
  /** Whether it can serve: listening, the ledger writable, at least one upstream known. */
  readonly ready: () => { readonly ready: boolean; readonly why?: string };
  readonly tally: () => Tally;
  /** Prometheus text, when metrics are on. */
  readonly metricsText?: () => Promise<string>;
  /** PEM of the certificate that it shows, where it speaks TLS. */
  readonly certificate?: () => string;
  /**
   * Checks and opens another configuration beside the one in use. Requests under way stay on theirs, whatever becomes of
   * it.
   *
   * @throws `gateway.restart-needed`, and what `startGateway` throws; then nothing has changed
   */
  prepare(config: GatewayConfig): Promise<PreparedReload>;
  /**
   * Stops taking requests, lets those in flight end for at most `graceMs` milliseconds (default:
   * `gateway.timeouts.drainMs`), then closes.
   */
  close(graceMs?: number): Promise<void>;
}

const HEADER_BYTES = 16_384;
const HEADERS_MS = 10_000;
const KEEP_ALIVE_MS = 65_000;
/** Connections at a time. Each costs a descriptor, and without descriptors nothing can be written to disk either. */
const CONNECTIONS = 10_000;
/** How long a client has to read why its connection is cut, in milliseconds. */
const LAST_WORDS_MS = 500;

/**
 * Starts the gateway and resolves when it listens.
 *
 * @throws `gateway.listen-failed`, `gateway.route-without-policy`, `gateway.tls-…`, and what `openGeneration` throws
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { clock, log } = options;
  let { config } = options;
  const table = routes();
  const tls =
    config.tls === undefined
      ? undefined
      : openTlsListener({ config: config.tls, env: options.env ?? process.env, clock, log });
  const extraction = openExtraction({
    ...options,
    config: config.extraction,
    counters: withFallback(options.counters, clock, () => current.services.budgets.share()),
    secret: options.committer.commit("extraction", "watch", Buffer.from("sketches")),
  });
  let current = await openGeneration(options, config, { extraction }).catch(async (error: unknown) => {
    await extraction.close();
    throw error;
  });
  const living = new Set<Generation>([current]);
  const retiring = new Set<Promise<void>>();
  /** As telemetry shows them: those of the current generation. */
  const targets = [...current.services.routing.targets];
  const telemetry = await startTelemetry(options.telemetry, targets, () => current.services.budgets.countersAway());
  const receipts = recorder(options.ledger, config.receipts, log);
  const serving = new Serving(options, table, current, telemetry, receipts);
  const settings = {
    maxHeaderSize: HEADER_BYTES,
    // How exactly the times of `setTimes` are kept. It cannot change while the server runs; they can.
    connectionsCheckingInterval: Math.min(1_000, config.timeouts.clientMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
    noDelay: true,
  };
  const onRequest: RequestListener = (request, response) => {
    void serving.handle(request, response);
  };
  const secure =
    tls === undefined
      ? undefined
      : createTlsServer({ ...settings, ...tls.options, handshakeTimeout: HEADERS_MS }, onRequest);
  const server: Server = secure ?? createServer(settings, onRequest);
  setTimes(server, config.timeouts);
  server.maxConnections = CONNECTIONS;
  server.on("timeout", (socket: Socket) => socket.destroy());
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const timedOut = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    if (!serving.connectionFailed(socket, timedOut)) refuseConnection(error, socket);
  });
  const address = await listen(server, config.listen).catch(async (error: unknown) => {
    await current.close([]);
    await extraction.close();
    throw error;
  });
  if (secure !== undefined) tls?.watch(secure);

  /** Closes a generation that no exchange begins on any more, once the last on it has ended. */
  const retire = async (old: Generation): Promise<void> => {
    await old.idle();
    living.delete(old);
    await old.close([...living]);
  };

  return {
    address,
    ready: () => serving.ready(),
    tally: () => serving.tally(),
    ...(telemetry.metricsText === undefined ? {} : { metricsText: telemetry.metricsText }),
    ...(tls === undefined ? {} : { certificate: tls.certificate }),
    async prepare(next) {
      const needed = restartNeeded(config, next);
      if (needed.length > 0) throw gatewayError("gateway.restart-needed", { detail: needed.join(", ") });
      const certificate = next.tls === undefined ? undefined : tls?.prepare(next.tls);
      const opened = await openGeneration(options, next, { extraction }, current);
      return {
        commit() {
          const old = serving.swap(opened);
          living.add(opened);
          [config, current] = [next, opened];
          extraction.configure(next.extraction);
          targets.splice(0, targets.length, ...opened.services.routing.targets);
          certificate?.use();
          setTimes(server, next.timeouts);
          const retired = retire(old)
            .catch(() => log.warn("what an earlier configuration had open could not be closed"))
            .finally(() => retiring.delete(retired));
          retiring.add(retired);
        },
        abort: () => opened.close([...living]),
      };
    },
    async close(graceMs = config.timeouts.drainMs) {
      tls?.stop();
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
      await receipts.flush();
      await Promise.all(retiring);
      await current.close([]);
      await extraction.close();
      await telemetry.close();
      log.info("gateway stopped");
    },
  };
}

/** The times of connections, which a reload may change. */
function setTimes(server: Server, { clientMs, firstByteMs, idleMs }: GatewayConfig["timeouts"]): void {
  server.headersTimeout = Math.min(HEADERS_MS, clientMs);
  server.requestTimeout = clientMs;
  // No byte either way for longer than an upstream may be silent: the client reads no more, or is not there any more.
  server.timeout = Math.max(firstByteMs, idleMs) + HEADERS_MS;
}

/** What Node's parser could not take for HTTP. There is no request yet, so there is no protocol and no receipt. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  // Below HTTP, as a handshake that failed, there is nobody who would understand its words.
  const isHttp = /^(?:HPE_|ERR_HTTP_)/.test(error.code ?? "");
  if (!socket.writable || !isHttp) {
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
