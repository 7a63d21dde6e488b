/**
 * A thread that hashes: one batch after the other, in the order in which they come.
 *
 * @module
 */

import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { unpackBatch, type Batch, type BatchDone } from "./batch.ts";
import { digestStretch, type Digested } from "./digest.ts";
import type { HashThreadData } from "./pool.ts";

if (parentPort !== null) serve(parentPort, workerData as HashThreadData);

function serve(port: MessagePort, { hashType, counters, place, ahead }: HashThreadData): void {
  const read = (bytes: number): void => {
    Atomics.add(counters, place, BigInt(bytes));
  };
  const work = async (batch: Batch): Promise<void> => {
    const digests: Digested[] = [];
    for (const stretch of unpackBatch(batch)) digests.push(await digestStretch(stretch, hashType, { read, ahead }));
    port.postMessage({ first: batch.first, digests } satisfies BatchDone);
  };
  let before = Promise.resolve();
  port.on("message", (batch: Batch) => {
    before = before.then(() => work(batch));
  });
}
