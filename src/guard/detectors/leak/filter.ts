/**
 * A blocked Bloom filter: a set of hashes in little memory that never forgets one and sometimes thinks it knows another
 * (B. Bloom, 1970; F. Putze, P. Sanders and J. Singler, «Cache-, hash- and space-efficient Bloom filters», 2007). All
 * bits of a hash lie in one block of 512, one cache line, so a look-up costs one miss.
 *
 * How often it is wrong is not estimated but counted: with a share `s` of a block's bits set, a hash that is not in the
 * set passes in that block with probability `s^probes`, and every block is as likely as another.
 *
 * @module
 */

import { mix } from "./words.ts";

/** Bits of a block. */
const BLOCK_BITS = 512;
const BLOCK_BYTES = BLOCK_BITS / 8;
const MAX_PROBES = 30;

/** Size and shape of a filter. */
export interface FilterPlan {
  readonly blocks: number;
  /** Bits that a hash sets. */
  readonly probes: number;
}

export interface Filter extends FilterPlan {
  readonly bytes: Uint8Array;
}

/** The smallest filter that is wrong about other hashes with probability `chance` when `items` are in it. */
export function planFilter(items: number, chance: number): FilterPlan {
  for (let bits = 6; ; bits += 0.5) {
    const load = BLOCK_BITS / bits;
    for (let probes = 1; probes <= MAX_PROBES; probes++) {
      if (expectedChance(load, probes) <= chance) return { blocks: Math.max(1, Math.ceil(items / load)), probes };
    }
  }
}

/** Formula 3 of Putze et al.: the items of a block are Poisson distributed around `load`. */
function expectedChance(load: number, probes: number): number {
  let chance = 0;
  let poisson = Math.exp(-load);
  for (let items = 0; items < load + 12 * Math.sqrt(load) + 24; items++) {
    chance += poisson * (1 - (1 - 1 / BLOCK_BITS) ** (items * probes)) ** probes;
    poisson *= load / (items + 1);
  }
  return chance;
}

export function filterBytes({ blocks }: FilterPlan): number {
  return blocks * BLOCK_BYTES;
}

export function openFilter(plan: FilterPlan, bytes: Uint8Array = new Uint8Array(filterBytes(plan))): Filter {
  return { ...plan, bytes };
}

export function addHash({ bytes, blocks, probes }: Filter, one: number, two: number): void {
  const block = blockOf(one, blocks);
  let bits = 0;
  for (let probe = 0; probe < probes; probe++) {
    bits = probe % 3 === 0 ? mix(two + Math.imul(probe + 1, STRIDE)) : bits >>> 9;
    const place = block + ((bits & 511) >>> 3);
    bytes[place] = (bytes[place] as number) | (1 << (bits & 7));
  }
}

export function hasHash({ bytes, blocks, probes }: Filter, one: number, two: number): boolean {
  const block = blockOf(one, blocks);
  let bits = 0;
  for (let probe = 0; probe < probes; probe++) {
    bits = probe % 3 === 0 ? mix(two + Math.imul(probe + 1, STRIDE)) : bits >>> 9;
    if (((bytes[block + ((bits & 511) >>> 3)] as number) & (1 << (bits & 7))) === 0) return false;
  }
  return true;
}

/** The probability that a hash that was not added passes. */
export function measuredChance({ bytes, blocks, probes }: Filter): number {
  let chance = 0;
  for (let block = 0; block < blocks; block++) {
    let set = 0;
    for (let at = block * BLOCK_BYTES; at < (block + 1) * BLOCK_BYTES; at++) set += ONES[bytes[at] as number] as number;
    chance += (set / BLOCK_BITS) ** probes;
  }
  return chance / blocks;
}

/** Ones in a byte. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

/** 2^32 divided by the golden ratio: spreads consecutive numbers. */
const STRIDE = 0x9e3779b9;

/** First byte of the block: `one` scaled to the number of blocks. */
function blockOf(one: number, blocks: number): number {
  return Math.floor(((one >>> 0) * blocks) / 0x1_0000_0000) * BLOCK_BYTES;
}
