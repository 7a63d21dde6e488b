/**
 * Ids: UUID version 7 (RFC 9562 section 5.7), so that ids sort by the time they were made.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";

/**
 * Makes a generator of UUIDv7 strings that never goes backwards within one process: 12 bits of `rand_a` are a counter
 * within the millisecond (RFC 9562 section 6.2, method 1), and a clock that steps back or a counter that runs over
 * borrows from the next millisecond.
 */
export function uuidv7Generator(clock: Clock = systemClock): () => string {
  let lastMs = -1;
  let time = "";
  let counter = 0;

  const start = (ms: number, from: number): void => {
    lastMs = ms;
    counter = from;
    const hex = ms.toString(16).padStart(12, "0");
    time = `${hex.slice(0, 8)}-${hex.slice(8)}`;
  };

  return () => {
    const random = crypto.randomUUID();
    const now = clock.now();
    // Starting in the lower half leaves room for 2,048 ids in one millisecond before a millisecond is borrowed.
    if (now > lastMs) start(now, Number.parseInt(random.slice(0, 3), 16) & 0x7ff);
    else if (++counter > 0xfff) start(lastMs + 1, 0);
    // From its 19th character on, a version 4 UUID is what version 7 has there too: the variant and 62 random bits.
    return `${time}-7${counter.toString(16).padStart(3, "0")}-${random.slice(19)}`;
  };
}

/** A new UUIDv7, later than every one this process made before. */
export const uuidv7: () => string = uuidv7Generator();
