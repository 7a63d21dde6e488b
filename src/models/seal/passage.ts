/**
 * Takes a whole file through encryption or decryption: on threads where it is large, here where it is small.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { chunkInvalid } from "./age/payload.ts";
import { sealError } from "./errors.ts";
import {
  segmentCount,
  segmentWork,
  Shared,
  type Ending,
  type Passage,
  type SegmentFault,
  type ThreadData,
} from "./segment.ts";

export interface PassageOptions {
  /** Threads. Default: one for each core, 2 at most: each takes some 35 MB, and two are faster than most disks. */
  readonly threads?: number;
  /** Called some times a second with the bytes done so far. */
  readonly progress?: (done: number, total: number) => void;
  /** Ends the work early: it rejects with the signal's reason, and leaves no output. */
  readonly signal?: AbortSignal;
}

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
  const doSegment = segmentWork(passage);
  for (let segment = 0; segment < segmentCount(passage.size); segment++) {
    const done = doSegment(segment);
    if (typeof done === "object") throw errorOf(done);
    await setImmediate();
    signal?.throwIfAborted();
  }
}

async function passOnThreads(passage: Passage, { threads, progress, signal }: PassageOptions): Promise<void> {
  const shared = new BigInt64Array(new SharedArrayBuffer(Object.keys(Shared).length * BigInt64Array.BYTES_PER_ELEMENT));
  const most = threads ?? Math.min(availableParallelism(), MAX_THREADS);
  const count = Math.max(1, Math.min(most, segmentCount(passage.size)));
  const stop = (): void => {
    Atomics.store(shared, Shared.stop, 1n);
  };
  const timer = setInterval(() => progress?.(Number(Atomics.load(shared, Shared.done)), passage.size), PROGRESS_MS);
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
  const { fault, system } = await promise;
  if (system !== undefined)
    throw sealError("seal.thread-failed", { detail: system, hint: "check the disk and its free space" });
  if (fault !== undefined) throw errorOf(fault);
}

function errorOf(fault: SegmentFault): Error {
  return fault.code === "seal.payload-invalid" ? chunkInvalid(fault.chunk) : sealError(fault.code);
}
