/**
 * Takes a whole file through encryption or decryption: on threads where it is large, here where it is small.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { sealError, SealErrors } from "./errors.ts";
import { doSegment, segmentBuffer, segmentCount, type Passage } from "./segment.ts";

export interface PassageOptions {
  /** Threads. Default: one for each core, 2 at most: each takes some 35 MB, and two are faster than most disks. */
  readonly threads?: number;
  /** Called some times a second with the bytes done so far. */
  readonly progress?: (done: number, total: number) => void;
  /** Ends the work early: it rejects with the signal's reason, and leaves no output. */
  readonly signal?: AbortSignal;
}

/** What a thread is started with. */
export interface ThreadData {
  readonly passage: Passage;
  /** At {@link NEXT}, {@link DONE} and {@link STOP}. */
  readonly shared: BigInt64Array<SharedArrayBuffer>;
}

/** How a thread ended: with an error of ours, one of the system, or well. */
export interface Ending {
  readonly code?: string;
  readonly detail?: string | undefined;
  readonly system?: string;
}

/** Number of the segment that is taken next. */
export const NEXT = 0;
/** Bytes of the content done. */
export const DONE = 1;
/** Not 0: take no more. */
export const STOP = 2;

/** Up to so many bytes are done here: some 10 ms of work, less than a thread takes to start. */
const INLINE_BYTES = 8 * 1024 * 1024;
const MAX_THREADS = 2;
const PROGRESS_MS = 100;

/**
 * Does all segments of a passage. What it has written when it rejects is not to be used.
 *
 * @throws `seal.payload-invalid`, `seal.source-changed`, `seal.thread-failed`, and the reason of the signal
 */
export async function passAll(passage: Passage, options: PassageOptions = {}): Promise<void> {
  options.signal?.throwIfAborted();
  if (passage.size <= INLINE_BYTES) await passHere(passage, options);
  else await passOnThreads(passage, options);
  options.progress?.(passage.size, passage.size);
}

async function passHere(passage: Passage, { signal }: PassageOptions): Promise<void> {
  const buffer = segmentBuffer(passage.size);
  for (let segment = 0; segment < segmentCount(passage.size); segment++) {
    doSegment(passage, segment, buffer);
    await setImmediate();
    signal?.throwIfAborted();
  }
}

async function passOnThreads(passage: Passage, { threads, progress, signal }: PassageOptions): Promise<void> {
  const shared = new BigInt64Array(new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT));
  const most = threads ?? Math.min(availableParallelism(), MAX_THREADS);
  const count = Math.max(1, Math.min(most, segmentCount(passage.size)));
  const stop = (): void => {
    Atomics.store(shared, STOP, 1n);
  };
  const timer = setInterval(() => progress?.(Number(Atomics.load(shared, DONE)), passage.size), PROGRESS_MS);
  signal?.addEventListener("abort", stop);
  try {
    // All of them, also where one fails: none may write any more when the output is removed.
    const ended = await Promise.allSettled(
      Array.from({ length: count }, () =>
        runThread({ passage, shared }).catch((error: unknown) => {
          stop();
          throw error;
        }),
      ),
    );
    const failed = ended.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason as Error;
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener("abort", stop);
    clearInterval(timer);
  }
}

async function runThread(workerData: ThreadData): Promise<void> {
  const how = { workerData, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64 } };
  // The published package holds .js; a clone runs .ts.
  const worker = import.meta.url.endsWith(".ts")
    ? new Worker(new URL("./segment-thread.ts", import.meta.url), how)
    : new Worker(new URL("./segment-thread.js", import.meta.url), how);
  const { promise, resolve, reject } = Promise.withResolvers<Ending>();
  let ending: Ending | undefined;
  worker.on("message", (message: Ending) => {
    ending = message;
  });
  worker.on("error", (cause) => reject(sealError("seal.thread-failed", { cause })));
  worker.on("exit", () => (ending === undefined ? reject(sealError("seal.thread-failed")) : resolve(ending)));
  const { code, detail, system } = await promise;
  if (system !== undefined)
    throw sealError("seal.thread-failed", { detail: system, hint: "check the disk and its free space" });
  if (code === undefined) return;
  throw sealError(
    code in SealErrors ? (code as keyof typeof SealErrors) : "seal.thread-failed",
    detail === undefined ? {} : { detail },
  );
}
