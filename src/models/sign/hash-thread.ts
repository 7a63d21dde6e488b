/**
 * A thread that hashes: one batch after the other, in the order in which they come.
 *
 * @module
 */

import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { digestStretch } from "./digest.ts";
import type { Batch, BatchDone, HashThreadData } from "./pool.ts";

if (parentPort !== null) serve(parentPort, workerData as HashThreadData);

function serve(port: MessagePort, { hashType, counters, place }: HashThreadData): void {
  const count = (bytes: number): void => {
    Atomics.add(counters, place, BigInt(bytes));
  };
  port.on("message", ({ first, stretches }: Batch) => {
    const digests = stretches.map((stretch) => digestStretch(stretch, hashType, count));
    port.postMessage({ first, digests } satisfies BatchDone);
  });
}
