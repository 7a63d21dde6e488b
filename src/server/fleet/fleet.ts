/**
 * The fleet: one gateway in several processes that share a port. The primary owns what there can be only one of, the
 * ledger, and the database and counters where those are of one process; workers reach them by messages. It starts workers
 * again that end, and looks to the rest of the product like the gateway itself.
 *
 * Why `node:cluster` shares the port: docs/decisions/0010-workers.md.
 *
 * @module
 */

import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import type { Gateway, GatewayConfig, PreparedReload, Tally, TelemetryConfig } from "../../gateway/index.ts";
import type { RegistryConfig } from "../../models/index.ts";
import { storageHost, type Counters, type Db, type StorageHost } from "../../storage/index.ts";
import { formatListen, parseListen, type ListenAddress } from "../config/listen.ts";
import { serverError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { mergeMetrics } from "./metrics.ts";
import { fromFault, toFault, type Appended, type Status, type ToPrimary, type ToWorker } from "./protocol.ts";

export interface FleetOptions {
  readonly workers: number;
  readonly config: GatewayConfig;
  readonly telemetry: TelemetryConfig;
  /** Where receipts go. */
  readonly ledger: { append(entry: Uint8Array): Promise<unknown> };
  readonly db: Db;
  readonly counters: Counters;
  /** URLs that workers open themselves; undefined: they use `db` and `counters` through the primary. */
  readonly storageUrl: string | undefined;
  readonly countersUrl: string | undefined;
  readonly home: string;
  readonly commitmentKeyFile: string;
  readonly registry: RegistryConfig;
  readonly log: Logger;
  readonly backoff?: Backoff;
}

/** Before a worker that ended is started again: doubled each time in a row, in milliseconds. */
export interface Backoff {
  readonly leastMs: number;
  readonly mostMs: number;
  /** One that served this long begins anew. */
  readonly healthyMs: number;
}

const BACKOFF: Backoff = { leastMs: 100, mostMs: 30_000, healthyMs: 60_000 };
/** For a worker to end beyond the time that its requests have, in milliseconds; then it is ended. */
const END_MS = 5_000;
/** For all workers to say that they took in a configuration, or their metrics, in milliseconds. */
const ANSWER_MS = 60_000;

/** One place of the fleet, and the process that fills it now. */
interface Slot {
  readonly number: number;
  worker: Worker | undefined;
  host: StorageHost | undefined;
  status: Status | undefined;
  /** The configuration that it runs on. */
  config: GatewayConfig;
  listening: boolean;
  startedAt: number;
  failures: number;
  timer: NodeJS.Timeout | undefined;
}

/** How long to wait before the next start, after so many failures in a row. */
export function backoffMs({ leastMs, mostMs }: Backoff, failures: number): number {
  return Math.min(mostMs, leastMs * 2 ** Math.min(failures - 1, 30));
}

/**
 * Starts the workers and resolves when all of them listen.
 *
 * @throws what a worker could not start for
 */
export async function startFleet(options: FleetOptions): Promise<Gateway> {
  const { log, backoff = BACKOFF } = options;
  let { config } = options;
  const listen = await chosenPort(config.listen);
  let address: Gateway["address"] | undefined;
  let stopping = false;
  let calls = 0;
  /** Of processes that ended: what they had in flight left no receipt. */
  const ended: Tally = { received: 0, inFlight: 0, recorded: 0, pending: 0, unrecorded: 0, lost: 0 };
  const answers = new Map<number, (message: ToPrimary | undefined) => void>();
  const starting = new Map<number, PromiseWithResolvers<void>>();
  const slots: Slot[] = Array.from({ length: options.workers }, (_, index) => ({
    number: index + 1,
    worker: undefined,
    host: undefined,
    status: undefined,
    config,
    listening: false,
    startedAt: 0,
    failures: 0,
    timer: undefined,
  }));
  cluster.setupPrimary({
    // The published package holds .js; a clone runs .ts.
    exec: fileURLToPath(
      import.meta.url.endsWith(".ts")
        ? new URL("./worker.ts", import.meta.url)
        : new URL("./worker.js", import.meta.url),
    ),
    args: [],
    execArgv: [],
    serialization: "advanced",
  });

  for (const slot of slots) starting.set(slot.number, Promise.withResolvers());
  for (const slot of slots) fill(slot);
  try {
    await Promise.all([...starting.values()].map(({ promise }) => promise));
  } catch (error) {
    stopping = true;
    for (const { worker } of slots) worker?.process.kill("SIGKILL");
    throw error;
  }

  return {
    get address() {
      return address as Gateway["address"];
    },
    ready() {
      if (stopping) return { ready: false, why: "shutting down" };
      const listening = slots.filter((slot) => slot.listening);
      if (listening.length === 0) return { ready: false, why: "no worker runs" };
      return (
        listening.find(({ status }) => status?.ready.ready === true)?.status?.ready ?? { ready: false, why: whyNot() }
      );
    },
    tally() {
      const sum = { ...ended };
      for (const { status } of slots) if (status !== undefined) add(sum, status.tally);
      return sum;
    },
    ...(options.telemetry.metrics ? { metricsText } : {}),
    ...(config.tls === undefined
      ? {}
      : { certificate: () => slots.find(({ status }) => status?.certificate)?.status?.certificate ?? "" }),
    prepare,
    close,
  };

  function whyNot(): string {
    return slots.find(({ status }) => status?.ready.why !== undefined)?.status?.ready.why ?? "no worker is ready";
  }

  /** Puts a new process into a place. */
  function fill(slot: Slot): void {
    const worker = cluster.fork();
    slot.worker = worker;
    slot.startedAt = performance.now();
    slot.host = storageHost(options, (replies) => send(worker, { kind: "storage", replies }));
    worker.on("message", (message: ToPrimary) => hear(slot, worker, message));
    worker.once("exit", (code: number | null, signal: string | null) => leave(slot, code, signal));
    worker.on("error", () => log.error("a worker could not be reached", { worker: slot.number }));
  }

  function hear(slot: Slot, worker: Worker, message: ToPrimary): void {
    switch (message.kind) {
      case "hello":
        slot.config = config;
        send(worker, {
          kind: "start",
          config,
          listen,
          telemetry: options.telemetry,
          storageUrl: options.storageUrl,
          countersUrl: options.countersUrl,
          home: options.home,
          commitmentKeyFile: options.commitmentKeyFile,
          registry: options.registry,
        });
        break;
      case "listening":
        address ??= message.address;
        slot.listening = true;
        starting.get(slot.number)?.resolve();
        // Another configuration was taken up while it started.
        if (slot.config !== config) worker.process.kill("SIGKILL");
        break;
      case "failed":
        starting.get(slot.number)?.reject(fromFault(message.fault));
        log.error("a worker could not start", { worker: slot.number, code: message.fault.code });
        worker.process.kill("SIGKILL");
        break;
      case "storage":
        slot.host?.receive(message.requests);
        break;
      case "append":
        void append(worker, message.entries);
        break;
      case "prepared":
      case "metrics":
        answers.get(message.call)?.(message);
        break;
      case "status":
      case "stopped":
        slot.status = message.status;
        break;
      case "log":
        log[message.level](message.message, { worker: slot.number, ...message.fields });
        break;
    }
  }

  /** Each entry is acknowledged once it is durable, and those of one message are one durable write. */
  async function append(worker: Worker, entries: readonly { call: number; entry: Uint8Array }[]): Promise<void> {
    const replies = await Promise.all(
      entries.map(async ({ call, entry }): Promise<Appended> => {
        try {
          await options.ledger.append(entry);
          return { call };
        } catch (error) {
          return { call, fault: toFault(error) };
        }
      }),
    );
    send(worker, { kind: "appended", replies });
  }

  /** A process ended: its transactions are rolled back, its requests counted, and its place is filled again. */
  function leave(slot: Slot, code: number | null, signal: string | null): void {
    slot.host?.end();
    if (slot.status !== undefined) {
      const { inFlight, pending, ...tally } = slot.status.tally;
      add(ended, { ...tally, inFlight: 0, pending: 0, lost: tally.lost + inFlight + pending });
    }
    Object.assign(slot, { worker: undefined, host: undefined, status: undefined, listening: false });
    starting.get(slot.number)?.reject(serverError("server.worker-ended", { detail: signal ?? `exit code ${code}` }));
    if (stopping) return;
    slot.failures = performance.now() - slot.startedAt >= backoff.healthyMs ? 1 : slot.failures + 1;
    const waitMs = backoffMs(backoff, slot.failures);
    log.error("a worker ended and is started again", { worker: slot.number, code, signal, waitMs });
    slot.timer = setTimeout(() => fill(slot), waitMs);
  }

  /** Asks every worker that serves, and waits for all answers. Of one that ends or says nothing it is undefined. */
  async function askAll(
    message: (call: number) => ToWorker,
  ): Promise<readonly (readonly [Slot, number, ToPrimary?])[]> {
    return await Promise.all(
      slots
        .filter(({ listening }) => listening)
        .map(async (slot): Promise<readonly [Slot, number, ToPrimary?]> => {
          const call = ++calls;
          const worker = slot.worker as Worker;
          const { promise, resolve } = Promise.withResolvers<ToPrimary | undefined>();
          answers.set(call, resolve);
          const gone = (): void => resolve(undefined);
          worker.once("exit", gone);
          const timer = setTimeout(gone, ANSWER_MS);
          send(worker, message(call));
          const answer = await promise;
          clearTimeout(timer);
          worker.off("exit", gone);
          answers.delete(call);
          return answer === undefined ? [slot, call] : [slot, call, answer];
        }),
    );
  }

  async function metricsText(): Promise<string> {
    const texts = new Map<number, string>();
    for (const [slot, , answer] of await askAll((call) => ({ kind: "metrics", call }))) {
      if (answer?.kind === "metrics") texts.set(slot.number, answer.text);
    }
    return mergeMetrics(texts);
  }

  /** All workers open the configuration before one of them uses it. One that cannot keeps all of them from it. */
  async function prepare(next: GatewayConfig): Promise<PreparedReload> {
    const asked = await askAll((call) => ({ kind: "prepare", call, config: next }));
    const tellAll = (kind: "commit" | "abort"): void => {
      for (const [{ worker }, call] of asked) if (worker !== undefined) send(worker, { kind, call });
    };
    const fault = asked
      .flatMap(([, , answer]) => (answer?.kind === "prepared" ? [answer.fault] : []))
      .find((one) => one !== undefined);
    if (fault !== undefined) {
      tellAll("abort");
      throw fromFault(fault);
    }
    if (asked.length === 0) throw serverError("server.worker-ended", { detail: "no worker runs" });
    return {
      commit() {
        config = next;
        for (const [slot, call, answer] of asked) {
          if (slot.worker === undefined) continue;
          // Who could not say that it is ready begins again, on the new configuration.
          if (answer === undefined) slot.worker.process.kill("SIGKILL");
          else send(slot.worker, { kind: "commit", call });
          slot.config = next;
        }
      },
      abort: async () => tellAll("abort"),
    };
  }

  async function close(graceMs = config.timeouts.drainMs): Promise<void> {
    stopping = true;
    await Promise.all(
      slots.map(async ({ worker, timer }) => {
        clearTimeout(timer);
        if (worker === undefined) return;
        const gone = new Promise((resolve) => worker.once("exit", resolve));
        send(worker, { kind: "stop", graceMs });
        const kill = setTimeout(() => worker.process.kill("SIGKILL"), graceMs + END_MS);
        await gone;
        clearTimeout(kill);
      }),
    );
    log.info("gateway stopped", { workers: slots.length });
  }
}

/**
 * A free port, where the configuration leaves it to the system; undefined where it names one. Left to the workers, the port
 * would be another one each time that none of them was left.
 */
async function chosenPort(text: string): Promise<string | undefined> {
  const { host, port } = parseListen(text) as ListenAddress;
  if (port !== 0) return undefined;
  const server = createServer().listen(0, host);
  try {
    await once(server, "listening");
  } catch {
    // The workers meet it too, and say it in the gateway's words.
    return undefined;
  }
  const free = (server.address() as AddressInfo).port;
  server.close();
  await once(server, "close");
  return formatListen({ host, port: free });
}

/** A worker that has gone hears nothing, and leaves by its own event. */
function send(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, undefined, () => undefined);
}

function add(sum: { -readonly [Name in keyof Tally]: Tally[Name] }, more: Tally): void {
  for (const name of Object.keys(sum) as (keyof Tally)[]) sum[name] += more[name];
}
