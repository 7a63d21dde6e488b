/**
 * Hashes stretches of files on all cores, with one thread each and one small buffer a thread. A single file is one stretch
 * and so one thread, since SHA-256 goes from the first byte to the last: another core reads ahead for it.
 *
 * The largest stretches go first, so that no thread is left with a long one at the end; small ones travel in batches, so
 * that a folder of many small files is not a folder of many messages. Little work is done where it is asked for, since
 * starting a thread costs more.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { packBatch, type BatchDone } from "./batch.ts";
import { digestStretch, type Digested, type DigestOptions, type FileStretch, type HashType } from "./digest.ts";
import { signError } from "./errors.ts";

export interface HashingOptions {
  /** Threads, at most. Default: one for each core, and for large models up to four besides. */
  readonly threads?: number;
  /** Called some times a second with the bytes hashed so far. */
  readonly progress?: (done: number, total: number) => void;
  /** Ends the work early: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a thread is started with. */
export interface HashThreadData {
  readonly hashType: HashType;
  /** Bytes that the thread has hashed: one place of a shared array. */
  readonly counters: BigInt64Array<SharedArrayBuffer>;
  readonly place: number;
  readonly ahead: Required<DigestOptions>["ahead"];
}

/** One stretch to hash, with its name in the manifest. */
export interface Stretch extends FileStretch {
  readonly name: string;
}

/** Stretches that go to a thread together. */
interface Load {
  /** Place of the first among all. */
  readonly first: number;
  readonly stretches: readonly Stretch[];
}

/** Up to so many bytes and stretches are hashed without a thread: some 10 ms of work. */
const INLINE_BYTES: Readonly<Record<HashType, number>> = { sha256: 4 << 20, blake2b: 4 << 20, blake3: 128 << 10 };
const INLINE_STRETCHES = 100;

/** A batch is closed when it has so many bytes, or so many stretches. */
const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_STRETCHES = 128;

/** Batches that a thread has: the one it works on, and the next, so that it does not wait for this side. */
const AT_WORK = 2;

/** No thread is started for less than this: it would take longer to start than it saves. */
const THREAD_BYTES = 32 * 1024 * 1024;

/**
 * Threads besides those for the cores, since one that waits for the disk hashes nothing: for models of so many bytes that
 * their start, for nothing where the files are in memory, is lost in the work.
 */
const SPARE_THREADS = 4;
const SPARE_BYTES = 16 * 1024 ** 3;

const PROGRESS_MS = 100;

/**
 * The digests of `stretches`, in their order.
 *
 * @throws `models.file-changed`, `models.file-unreadable`, `models.hashing-failed`, and the reason of the signal
 */
export async function hashStretches(
  stretches: readonly Stretch[],
  hashType: HashType,
  options: HashingOptions = {},
): Promise<string[]> {
  options.signal?.throwIfAborted();
  const total = stretches.reduce((sum, { from, to }) => sum + to - from, 0);
  const digests =
    total <= INLINE_BYTES[hashType] && stretches.length <= INLINE_STRETCHES
      ? await hashHere(stretches, hashType)
      : await hashOnThreads(stretches, hashType, total, options);
  options.progress?.(total, total);
  return digests;
}

async function hashHere(stretches: readonly Stretch[], hashType: HashType): Promise<string[]> {
  const digests: string[] = [];
  for (const stretch of stretches) digests.push(hexOf(await digestStretch(stretch, hashType), stretch.name));
  return digests;
}

async function hashOnThreads(
  stretches: readonly Stretch[],
  hashType: HashType,
  total: number,
  { threads = defaultThreads(total), progress, signal }: HashingOptions,
): Promise<string[]> {
  const order = stretches.map((_, index) => index).toSorted((one, other) => sizeAt(other) - sizeAt(one));
  const batches = batchesOf(order.map((index) => stretches[index] as Stretch));
  const count = Math.max(1, Math.min(threads, batches.length, Math.ceil(total / THREAD_BYTES)));
  const counters = new BigInt64Array(new SharedArrayBuffer(count * BigInt64Array.BYTES_PER_ELEMENT));
  const digests = Array.from<string>({ length: stretches.length });
  const ahead = count < availableParallelism();
  const workers = Array.from({ length: count }, (_, place) => startThread({ hashType, counters, place, ahead }));
  const timer = setInterval(() => progress?.(sumOf(counters), total), PROGRESS_MS);
  const abort = Promise.withResolvers<never>();
  const onAbort = (): void => abort.reject(signal?.reason as Error);
  signal?.addEventListener("abort", onAbort);
  try {
    const work = Promise.all(
      workers.map((worker) =>
        runThread(worker, batches, count, ({ first, digests: found }) => {
          for (const [at, digest] of found.entries()) {
            const place = order[first + at] as number;
            digests[place] = hexOf(digest, (stretches[place] as Stretch).name);
          }
        }),
      ),
    );
    await Promise.race([work, abort.promise]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    clearInterval(timer);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return digests;

  function sizeAt(index: number): number {
    const { from, to } = stretches[index] as Stretch;
    return to - from;
  }
}

/** Cuts stretches into batches; the first of the list goes first. */
function batchesOf(stretches: readonly Stretch[]): Load[] {
  const batches: Load[] = [];
  let first = 0;
  let bytes = 0;
  for (const [index, { from, to }] of stretches.entries()) {
    bytes += to - from;
    const count = index + 1 - first;
    if (bytes >= BATCH_BYTES || count >= BATCH_STRETCHES || index === stretches.length - 1) {
      batches.push({ first, stretches: stretches.slice(first, index + 1) });
      first = index + 1;
      bytes = 0;
    }
  }
  return batches.toReversed();
}

function startThread(workerData: HashThreadData): Worker {
  const how = { workerData, execArgv: [] };
  // The published package holds .js; a clone runs .ts.
  return import.meta.url.endsWith(".ts")
    ? new Worker(new URL("./hash-thread.ts", import.meta.url), how)
    : new Worker(new URL("./hash-thread.js", import.meta.url), how);
}

/** Feeds `worker` from the end of `batches` until none is left and all of its own are done. */
function runThread(worker: Worker, batches: Load[], threads: number, done: (answer: BatchDone) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let atWork = 0;
  const pump = (): void => {
    for (; atWork < roomFor(batches, threads); atWork++) {
      const { first, stretches } = batches.pop() as Load;
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
      worker.postMessage(packBatch(first, stretches));
    }
    if (atWork === 0) resolve();
  };
  worker.on("message", (answer: BatchDone) => {
    atWork--;
    try {
      done(answer);
      pump();
    } catch (error) {
      reject(error);
    }
  });
  worker.on("error", (cause) => reject(signError("models.hashing-failed", { cause })));
  worker.on("exit", () => reject(signError("models.hashing-failed")));
  pump();
  return promise;
}

/**
 * Batches that a thread may have when it gets the next one. Of the last large ones it gets only what it works on, so that
 * no file waits for its thread while another thread has nothing to do.
 */
function roomFor(batches: readonly Load[], threads: number): number {
  const stretches = batches.at(-1)?.stretches ?? [];
  const [only] = stretches;
  if (only === undefined) return 0;
  const isLarge = stretches.length === 1 && only.to - only.from > BATCH_BYTES;
  return isLarge && batches.length <= threads ? 1 : AT_WORK;
}

function defaultThreads(total: number): number {
  const cores = availableParallelism();
  return total < SPARE_BYTES ? cores : cores + Math.min(cores, SPARE_THREADS);
}

/** @throws `models.file-changed`, `models.file-unreadable` where a stretch has no digest */
function hexOf(digested: Digested, name: string): string {
  if ("digest" in digested) return digested.digest;
  throw signError(digested.code, { detail: "reason" in digested ? `${name}: ${digested.reason}` : name });
}

function sumOf(counters: BigInt64Array): number {
  let sum = 0n;
  for (let place = 0; place < counters.length; place++) sum += Atomics.load(counters, place);
  return Number(sum);
}
