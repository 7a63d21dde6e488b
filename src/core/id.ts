/**
 * Ids: UUID version 7 (RFC 9562 section 5.7), so that ids sort by the time they were made.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * Makes a generator of UUIDv7 strings that never goes backwards within one process: 12 bits of `rand_a` are a counter
 * within the millisecond (RFC 9562 section 6.2, method 1), and a clock that steps back or a counter that runs over
 * borrows from the next millisecond.
 */
export function uuidv7Generator(clock: Clock = systemClock): () => string {
  const pool = new Uint8Array(2048);
  let used = pool.length;
  let lastMs = -1;
  let counter = 0;

  return () => {
    if (used + 10 > pool.length) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    const random = pool.subarray(used, used + 10);
    used += 10;

    const now = clock.now();
    if (now > lastMs) {
      lastMs = now;
      // Starting in the lower half leaves room for 2,048 ids in one millisecond before a millisecond is borrowed.
      counter = ((byte(random, 8) << 8) | byte(random, 9)) & 0x7ff;
    } else if (++counter > 0xfff) {
      lastMs += 1;
      counter = 0;
    }

    const bytes = [
      Math.floor(lastMs / 0x100_0000_0000),
      Math.floor(lastMs / 0x1_0000_0000),
      lastMs >>> 24,
      lastMs >>> 16,
      lastMs >>> 8,
      lastMs,
      0x70 | (counter >>> 8),
      counter,
      0x80 | (byte(random, 0) & 0x3f),
      ...random.subarray(1, 8),
    ].map((value) => HEX[value & 0xff]);
    return `${join(bytes, 0, 4)}-${join(bytes, 4, 6)}-${join(bytes, 6, 8)}-${join(bytes, 8, 10)}-${join(bytes, 10, 16)}`;
  };
}

/** A new UUIDv7, later than every one this process made before. */
export const uuidv7: () => string = uuidv7Generator();

function byte(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}

function join(hex: readonly (string | undefined)[], from: number, to: number): string {
  return hex.slice(from, to).join("");
}
