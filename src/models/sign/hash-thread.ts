/**
 * A thread that hashes: one batch after the other, in the order in which they come.
 *
 * @module
 */

import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { digestStretch, type Digested } from "./digest.ts";
import type { Batch, BatchDone, HashThreadData } from "./pool.ts";

if (parentPort !== null) serve(parentPort, workerData as HashThreadData);

function serve(port: MessagePort, { hashType, counters, place, ahead }: HashThreadData): void {
  const read = (bytes: number): void => {
    Atomics.add(counters, place, BigInt(bytes));
  };
  const work = async ({ first, stretches }: Batch): Promise<void> => {
    const digests: Digested[] = [];
    for (const stretch of stretches) digests.push(await digestStretch(stretch, hashType, { read, ahead }));
    port.postMessage({ first, digests } satisfies BatchDone);
  };
  let before = Promise.resolve();
  port.on("message", (batch: Batch) => {
    before = before.then(() => work(batch));
  });
}
