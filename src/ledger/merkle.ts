/**
 * The Merkle tree of RFC 6962 section 2.1 with SHA-256: hashes, and the checks that a client makes.
 *
 * Leaves and nodes are hashed with different first bytes (0x00, 0x01), so that no entry can pose as an inner node. The
 * checks are the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2 (the same trees as RFC 6962). Numbers are
 * integers up to 2^53 - 1; no step uses 32-bit operators.
 *
 * @module
 */

import { hash } from "node:crypto";

export const HASH_BYTES = 32;

/** Largest entry: entry bundles give its length in 16 bits (tlog-tiles, "Log entries"). */
export const MAX_ENTRY_BYTES = 0xffff;

// One buffer for all hashing: `hash` runs to completion, so nothing else can write here in between. A one-shot hash of
// a contiguous buffer costs half as much as a streaming one of two parts.
const leafInput = Buffer.alloc(1 + MAX_ENTRY_BYTES);
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, 0x01);

/** Root of the tree without leaves: the hash of nothing. */
export const EMPTY_ROOT: Uint8Array = hash("sha256", Buffer.alloc(0), "buffer");

/** `SHA-256(0x00 || entry)`. The entry has at most {@link MAX_ENTRY_BYTES}. */
export function leafHash(entry: Uint8Array): Uint8Array {
  leafInput.set(entry, 1);
  return hash("sha256", leafInput.subarray(0, 1 + entry.length), "buffer");
}

/** `SHA-256(0x01 || left || right)`. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return hash("sha256", nodeInput, "buffer");
}

export function equalHashes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/** Whether `leaf` stands at `index` of the tree of `size` leaves with this `root`. */
export function verifyInclusion(claim: {
  readonly index: number;
  readonly size: number;
  readonly leaf: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}): boolean {
  if (!(claim.index < claim.size)) return false;
  let fn = claim.index;
  let sn = claim.size - 1;
  let hashed = claim.leaf;
  for (const sibling of claim.proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hashed = nodeHash(sibling, hashed);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      hashed = nodeHash(hashed, sibling);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equalHashes(hashed, claim.root);
}

/** Whether the tree of `from` leaves is a prefix of the tree of `to` leaves. */
export function verifyConsistency(claim: {
  readonly from: number;
  readonly to: number;
  readonly fromRoot: Uint8Array;
  readonly toRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}): boolean {
  const { from, to, fromRoot, toRoot } = claim;
  if (from > to) return false;
  if (from === to) return claim.proof.length === 0 && equalHashes(fromRoot, toRoot);
  // The empty tree is a prefix of every tree: there is nothing to prove.
  if (from === 0) return claim.proof.length === 0 && equalHashes(fromRoot, EMPTY_ROOT);

  // Where the smaller tree is complete, its root is the first node of the path and is left out of the proof.
  const path = isPowerOfTwo(from) ? [fromRoot, ...claim.proof] : claim.proof;
  let fn = from - 1;
  let sn = to - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  let fr = path[0];
  if (fr === undefined) return false;
  let sr = fr;
  for (const node of path.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(node, fr);
      sr = nodeHash(node, sr);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      sr = nodeHash(sr, node);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equalHashes(fr, fromRoot) && equalHashes(sr, toRoot);
}

/** The largest power of two up to `count`, for `count` from 1 on. (`Math.log2` rounds up just below large powers.) */
export function largestPowerOfTwo(count: number): number {
  let power = 1;
  while (power * 2 <= count) power *= 2;
  return power;
}

function isPowerOfTwo(size: number): boolean {
  return largestPowerOfTwo(size) === size;
}
