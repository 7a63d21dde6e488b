/**
 * A worker: a gateway in a process of its own. Its ledger is the primary's, and so are database and counters where those
 * are of one process alone. What a worker is told is durable when the primary says so, and not before.
 *
 * It ends when the primary is gone, at once: without a ledger nothing may be served.
 *
 * This file is the whole program of the process.
 *
 * @module
 */

import { systemClock } from "../../core/index.ts";
import {
  startGateway,
  type Gateway,
  type GatewayConfig,
  type GatewayOptions,
  type PreparedReload,
} from "../../gateway/index.ts";
import { openCommitter } from "../../ledger/index.ts";
import { openAdmission } from "../../models/index.ts";
import {
  openCounters,
  openDb,
  remoteStorage,
  type Counters,
  type Db,
  type RemoteStorage,
} from "../../storage/index.ts";
import { errorFields, type Logger, type LogLevel } from "../log.ts";
import {
  fromFault,
  toFault,
  type Appended,
  type Start,
  type Status,
  type ToPrimary,
  type ToWorker,
} from "./protocol.ts";

/** How often the primary is told how this worker stands, where that changed, in milliseconds. */
const STATUS_MS = 100;
/** How long an error that ends this process has to reach the primary, in milliseconds. */
const LAST_WORDS_MS = 200;

interface Serving {
  readonly gateway: Gateway;
  readonly db: Db;
  readonly counters: Counters;
  /** As this worker was started. */
  readonly begin: Start;
}

const tell = (message: ToPrimary): void => {
  // A primary that is gone takes this process with it.
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
};
const log = Object.fromEntries(
  (["debug", "info", "warn", "error"] as const satisfies readonly LogLevel[]).map((level) => [
    level,
    (message: string, fields = {}) => tell({ kind: "log", level, message, fields }),
  ]),
) as Logger;

const storage = remoteStorage((requests) => tell({ kind: "storage", requests }));
const ledger = remoteLedger();
const prepared = new Map<number, PreparedReload>();
let serving: Serving | undefined;
let statusTimer: NodeJS.Timeout | undefined;

// Signals of a terminal or a service manager reach every process of the group: the primary says what they mean.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("uncaughtException", (error) => {
  log.error("a worker failed", errorFields(error));
  setTimeout(() => process.exit(1), LAST_WORDS_MS);
});
process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToWorker) => {
  act(message).catch((error: unknown) => {
    throw error;
  });
});
tell({ kind: "hello" });

async function act(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "start":
      await start(message);
      break;
    case "storage":
      storage.receive(message.replies);
      break;
    case "appended":
      ledger.receive(message.replies);
      break;
    case "prepare":
      await prepare(message.call, message);
      break;
    case "commit":
      prepared.get(message.call)?.commit();
      prepared.delete(message.call);
      break;
    case "abort":
      await prepared.get(message.call)?.abort();
      prepared.delete(message.call);
      break;
    case "metrics":
      tell({ kind: "metrics", call: message.call, text: (await serving?.gateway.metricsText?.()) ?? "" });
      break;
    case "stop":
      await stop(message.graceMs);
      break;
  }
}

async function start(begin: Start): Promise<void> {
  try {
    serving = await open(begin, storage);
    tell({ kind: "status", status: status(serving) });
    tell({ kind: "listening", address: serving.gateway.address });
    let last = "";
    statusTimer = setInterval(() => {
      if (serving === undefined) return;
      const now = status(serving);
      const text = JSON.stringify(now);
      if (text !== last) tell({ kind: "status", status: now });
      last = text;
    }, STATUS_MS);
  } catch (error) {
    tell({ kind: "failed", fault: toFault(error) });
  }
}

async function open(begin: Start, remote: RemoteStorage): Promise<Serving> {
  const { telemetry, storageUrl, countersUrl, home } = begin;
  const db = storageUrl === undefined ? remote.db : await openDb({ url: storageUrl, home });
  const counters = countersUrl === undefined ? remote.counters : await openCounters({ url: countersUrl });
  const options: GatewayOptions = {
    config: withListen(begin, begin.config),
    telemetry,
    db,
    counters,
    ledger,
    committer: await openCommitter(begin.commitmentKeyFile),
    clock: systemClock,
    log,
    releases: openAdmission({ db, clock: systemClock, config: begin.registry }),
  };
  return { gateway: await startGateway(options), db, counters, begin };
}

/** A configuration with the address at which this worker listens, unless it asks for another one than at the start. */
function withListen({ config, listen }: Start, next: GatewayConfig): GatewayConfig {
  return listen === undefined || next.listen !== config.listen ? next : { ...next, listen };
}

async function prepare(call: number, { config }: Extract<ToWorker, { kind: "prepare" }>): Promise<void> {
  try {
    if (serving === undefined) throw new Error("not started");
    prepared.set(call, await serving.gateway.prepare(withListen(serving.begin, config)));
    tell({ kind: "prepared", call });
  } catch (error) {
    tell({ kind: "prepared", call, fault: toFault(error) });
  }
}

/** Lets requests under way end, says how it stands then, and leaves. */
async function stop(graceMs: number | undefined): Promise<void> {
  clearInterval(statusTimer);
  if (serving !== undefined) {
    const { gateway, db, counters } = serving;
    await gateway.close(graceMs);
    await counters.close();
    await db.close();
    const last: ToPrimary = { kind: "stopped", status: status(serving) };
    await new Promise((resolve) => process.send?.(last, undefined, {}, resolve));
  }
  process.disconnect();
}

function status({ gateway }: Serving): Status {
  const certificate = gateway.certificate?.();
  return {
    tally: gateway.tally(),
    ready: gateway.ready(),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

/** The primary's ledger. An entry's bytes are copied, as by the ledger itself. */
function remoteLedger(): GatewayOptions["ledger"] & { receive(replies: readonly Appended[]): void } {
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  let outgoing: { call: number; entry: Uint8Array }[] = [];
  let calls = 0;
  const flush = (): void => {
    tell({ kind: "append", entries: outgoing });
    outgoing = [];
  };
  return {
    append(entry) {
      const call = ++calls;
      const one = Promise.withResolvers<void>();
      waiting.set(call, one);
      // All that ends in one turn of the event loop is one message, and one durable write.
      if (outgoing.push({ call, entry: new Uint8Array(entry) }) === 1) queueMicrotask(flush);
      return one.promise;
    },
    receive(replies) {
      for (const reply of replies) {
        const one = waiting.get(reply.call);
        waiting.delete(reply.call);
        if (reply.fault === undefined) one?.resolve();
        else one?.reject(fromFault(reply.fault));
      }
    },
  };
}
