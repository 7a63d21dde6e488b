/**
 * A thread that encrypts or decrypts segments of one file until none is left. It takes their numbers from memory that all
 * threads share, and says by one message how it ended.
 *
 * @module
 */

import { parentPort, workerData } from "node:worker_threads";
import { segmentCount, segmentWork, Shared, type Ending, type ThreadData } from "./segment.ts";

const { passage, shared } = workerData as ThreadData;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
parentPort?.postMessage(work());

function work(): Ending {
  const count = segmentCount(passage.size);
  try {
    const doSegment = segmentWork(passage);
    while (Atomics.load(shared, Shared.stop) === 0n) {
      const segment = Number(Atomics.add(shared, Shared.next, 1n));
      if (segment >= count) break;
      const done = doSegment(segment);
      if (typeof done === "object") {
        Atomics.store(shared, Shared.stop, 1n);
        return { fault: done };
      }
      Atomics.add(shared, Shared.done, BigInt(done));
    }
    return {};
  } catch (error) {
    Atomics.store(shared, Shared.stop, 1n);
    const { code, syscall } = error as NodeJS.ErrnoException;
    return { system: [code, syscall].join(" ") };
  }
}
