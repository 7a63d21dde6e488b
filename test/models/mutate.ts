/**
 * Mutates bytes for fuzzing, the same way each time: a generator of numbers with a seed, and the damage that finds most:
 * bits, bytes, numbers at their limits, cuts, repeats and splices. And the clock of what an input may cost.
 *
 * @module
 */

import { mulberry32 } from "../../src/core/index.ts";

/** Numbers from 0 to below `limit`, always the same for a seed. */
export function randomOf(seed: number): (limit: number) => number {
  const random = mulberry32(seed);
  return (limit) => Math.floor(random() * limit);
}

/** Milliseconds of processor time that this thread has used: what an input costs, whoever else keeps the machine busy. */
export function cpuTime(): number {
  const { system, user } = process.threadCpuUsage();
  return (system + user) / 1_000;
}

/**
 * Lets the event loop turn after some inputs. Buffers that native code made are freed there, and not between the calls of a
 * loop that never ends its turn: a hundred thousand inputs would hold all theirs.
 */
export async function freed(input: number): Promise<void> {
  if (input % 256 === 255) await new Promise((resolve) => setImmediate(resolve));
}

const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] as const;

/** A damaged copy of `seed`; `other` is what it may be spliced with. */
export function mutate(seed: Uint8Array, other: Uint8Array, random: (limit: number) => number): Uint8Array {
  let bytes = Uint8Array.from(seed);
  for (let rounds = 1 + random(4); rounds > 0; rounds--) {
    const at = random(Math.max(1, bytes.length));
    const length = 1 + random(Math.min(64, Math.max(1, bytes.length - at)));
    switch (random(8)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
        break;
      case 1:
        bytes[at] = random(256);
        break;
      case 2: {
        const value = EXTREMES[random(EXTREMES.length)] ?? 0;
        const size = [1, 2, 4, 8][random(4)] ?? 1;
        for (let byte = 0; byte < size && at + byte < bytes.length; byte++) {
          bytes[at + byte] = byte < 4 ? (value >>> (8 * byte)) & 0xff : value >= 0x8000_0000 ? 0xff : 0;
        }
        break;
      }
      case 3:
        bytes = bytes.slice(0, at);
        break;
      case 4:
        bytes = concatenated(bytes.subarray(0, at), bytes.subarray(at + length));
        break;
      case 5:
        bytes = concatenated(bytes.subarray(0, at + length), bytes.subarray(at));
        break;
      case 6: {
        const from = random(Math.max(1, other.length));
        bytes = concatenated(bytes.subarray(0, at), other.subarray(from));
        break;
      }
      default: {
        const noise = Uint8Array.from({ length: 1 + random(16) }, () => random(256));
        bytes = concatenated(concatenated(bytes.subarray(0, at), noise), bytes.subarray(at));
      }
    }
  }
  return bytes;
}

function concatenated(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(one.length + other.length);
  bytes.set(one);
  bytes.set(other, one.length);
  return bytes;
}
