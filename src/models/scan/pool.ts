/**
 * Threads that scan files, each file in one of them alone, under hard limits: a thread that takes too long, or takes too
 * much memory, is ended, and its file is inconclusive. Another thread takes its place.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

import type { ScanRule } from "./finding.ts";
import { LIMIT_RULES } from "./limits.ts";
import type { SourceScan } from "./scan-source.ts";

export interface PoolOptions {
  /** Files at once. Default: as many as there are cores. */
  readonly threads?: number;
  /** Milliseconds that one file may take; large ones have more, by their size. */
  readonly timeoutMs?: number;
  /** MiB that the process may hold while files are scanned, beyond what it held before. */
  readonly memoryMb?: number;
}

export interface ScanPool {
  /** Scans the file at `path`, once a thread is free. Never rejects. */
  readonly scan: (path: string, size: number) => Promise<SourceScan>;
  readonly close: () => Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_MEMORY_MB = 2_048;
/** The slowest disk that a file is still read from in its time: bytes in a millisecond. */
const SLOWEST = 20_000;
/** Of JavaScript's own objects in one thread, MiB; buffers are limited by the budgets of the scan. */
const HEAP_MB = 1_024;
const WATCH_MS = 100;

interface Thread {
  readonly worker: Worker;
  /** Takes what becomes of the file that it works on. */
  settle: ((answer: SourceScan | { readonly rule: ScanRule; readonly detail: string }) => void) | undefined;
}

interface Seat {
  thread: Thread | undefined;
}

interface Waiting {
  readonly path: string;
  readonly size: number;
  readonly done: (scan: SourceScan) => void;
}

export function createScanPool({
  threads = availableParallelism(),
  timeoutMs = DEFAULT_TIMEOUT_MS,
  memoryMb = DEFAULT_MEMORY_MB,
}: PoolOptions = {}): ScanPool {
  const free: Seat[] = Array.from({ length: Math.max(1, threads) }, () => ({ thread: undefined }));
  const seats = [...free];
  const queue: Waiting[] = [];
  const before = process.memoryUsage.rss();

  /** Works in one seat for as long as something waits. */
  const serve = async (seat: Seat): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      // What a thread answers, or that there is none: a machine may be out of memory or of threads.
      job.done(await work(seat, job).catch(() => gaveUp(LIMIT_RULES.error, "no thread could be started")));
    }
    free.push(seat);
  };

  const work = async (seat: Seat, { path, size }: Waiting): Promise<SourceScan> => {
    seat.thread ??= startThread();
    const { thread } = seat;
    const limit = timeoutMs + Math.ceil(size / SLOWEST);
    return await new Promise((resolve) => {
      const started = performance.now();
      const settle = (scan: SourceScan): void => {
        clearInterval(watch);
        thread.settle = undefined;
        thread.worker.unref();
        resolve(scan);
      };
      const giveUp = (rule: ScanRule, detail: string): void => {
        seat.thread = undefined;
        void thread.worker.terminate();
        settle(gaveUp(rule, detail));
      };
      const watch = setInterval(() => {
        if (performance.now() - started > limit) giveUp(LIMIT_RULES.time, `limit ${limit} ms`);
        else if (process.memoryUsage.rss() - before > memoryMb * 1024 * 1024) {
          giveUp(LIMIT_RULES.memory, `limit ${memoryMb} MiB`);
        }
      }, WATCH_MS);
      thread.settle = (answer) => ("rule" in answer ? giveUp(answer.rule, answer.detail) : settle(answer));
      thread.worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
      thread.worker.postMessage(path);
    });
  };

  return {
    scan: (path, size) =>
      new Promise((done) => {
        queue.push({ path, size, done });
        const seat = free.pop();
        if (seat !== undefined) void serve(seat);
      }),
    close: async () => {
      for (const { thread } of seats) await thread?.worker.terminate();
    },
  };
}

function gaveUp(rule: ScanRule, detail: string): SourceScan {
  return { verdict: "inconclusive", findings: [{ rule, members: [], detail }], formats: [] };
}

function startThread(): Thread {
  const how = { execArgv: [], resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 16 } };
  // The published package holds .js; a clone runs .ts.
  const worker = import.meta.url.endsWith(".ts")
    ? new Worker(new URL("./thread.ts", import.meta.url), how)
    : new Worker(new URL("./thread.js", import.meta.url), how);
  const thread: Thread = { worker, settle: undefined };
  worker.on("message", (scan: SourceScan) => thread.settle?.(scan));
  worker.on("error", (error: NodeJS.ErrnoException) => {
    const memory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
    const detail = memory ? `limit ${HEAP_MB} MiB of a thread` : "its thread failed";
    thread.settle?.({ rule: memory ? LIMIT_RULES.memory : LIMIT_RULES.error, detail });
  });
  worker.on("exit", () => thread.settle?.({ rule: LIMIT_RULES.error, detail: "its thread ended" }));
  return thread;
}
