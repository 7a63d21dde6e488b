/**
 * A thread that encrypts or decrypts segments of one file until none is left. It takes their numbers from memory that all
 * threads share, and says by one message how it ended.
 *
 * @module
 */

import { parentPort, workerData } from "node:worker_threads";
import { isHoldfastError } from "../../core/index.ts";
import { doSegment, segmentBuffer, segmentCount } from "./segment.ts";
import { DONE, NEXT, STOP, type Ending, type ThreadData } from "./passage.ts";

const { passage, shared } = workerData as ThreadData;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
parentPort?.postMessage(work());

function work(): Ending {
  const count = segmentCount(passage.size);
  const buffer = segmentBuffer(passage.size);
  try {
    while (Atomics.load(shared, STOP) === 0n) {
      const segment = Number(Atomics.add(shared, NEXT, 1n));
      if (segment >= count) break;
      Atomics.add(shared, DONE, BigInt(doSegment(passage, segment, buffer)));
    }
    return {};
  } catch (error) {
    Atomics.store(shared, STOP, 1n);
    if (isHoldfastError(error)) return { code: error.code, detail: error.detail };
    const { code, syscall } = error as NodeJS.ErrnoException;
    return { system: [code, syscall].join(" ") };
  }
}
