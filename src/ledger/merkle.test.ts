import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { emptyEdge, pushLeaf } from "./edge.ts";
import {
  EMPTY_ROOT,
  equalHashes,
  largestPowerOfTwo,
  leafHash,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from "./merkle.ts";
import { consistencyPath, inclusionPath, type TileSource } from "./proof.ts";

/** MTH of RFC 6962 section 2.1, word for word. */
function reference(entries: readonly Uint8Array[]): Buffer {
  const sha = (...parts: readonly Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();
  if (entries.length === 0) return sha();
  if (entries.length === 1) return sha(Buffer.from([0]), entries[0] as Uint8Array);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return sha(Buffer.from([1]), reference(entries.slice(0, k)), reference(entries.slice(k)));
}

const entries = Array.from({ length: 600 }, (_, index) => Buffer.from(`entry ${index}`));
const roots = Array.from({ length: 70 }, (_, size) => reference(entries.slice(0, size)));

/** The tiles of the tree over all `entries`. */
function tilesInMemory(): TileSource {
  const edge = emptyEdge();
  const tiles = new Map<string, Uint8Array[]>();
  for (const entry of entries) {
    pushLeaf(edge, leafHash(entry), ({ level, index, hashes }) => tiles.set(`${level}/${index}`, [...hashes]));
  }
  for (const [level, hashes] of edge.levels.entries()) {
    tiles.set(`${level}/${Math.floor(edge.size / 256 ** (level + 1))}`, hashes);
  }
  return async (level, index) => tiles.get(`${level}/${index}`) ?? [];
}
const tiles = tilesInMemory();

test("the hashes are those of RFC 6962", () => {
  assert.equal(
    Buffer.from(EMPTY_ROOT).toString("hex"),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  // The leaf of the empty entry: a known value of Certificate Transparency's test vectors.
  assert.equal(
    Buffer.from(leafHash(new Uint8Array())).toString("hex"),
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  );
  const [left, right] = [leafHash(entries[0] as Buffer), leafHash(entries[1] as Buffer)];
  assert.deepEqual(Buffer.from(nodeHash(left, right)), roots[2]);
});

test("hashing reuses its buffer without mixing up inputs", () => {
  const long = leafHash(Buffer.alloc(0xffff, 1));
  assert.deepEqual(leafHash(Buffer.from("a")), leafHash(Buffer.from("a")));
  assert.deepEqual(leafHash(Buffer.alloc(0xffff, 1)), long);
  assert.equal(equalHashes(long, leafHash(Buffer.alloc(0xfffe, 1))), false);
});

test("every inclusion proof up to 69 leaves verifies, and only for its own leaf, index, size and root", async () => {
  for (let size = 1; size < roots.length; size++) {
    const root = roots[size] as Buffer;
    for (let index = 0; index < size; index++) {
      const proof = await inclusionPath(index, size, tiles);
      const leaf = leafHash(entries[index] as Buffer);
      assert.ok(verifyInclusion({ index, size, leaf, proof, root }), `${index} of ${size}`);
      const other = leafHash(Buffer.from("another"));
      assert.ok(!verifyInclusion({ index, size, leaf: other, proof, root }));
      assert.ok(!verifyInclusion({ index: (index + 1) % (size + 1), size, leaf, proof, root }));
      assert.ok(!verifyInclusion({ index, size, leaf, proof: [...proof, other], root }));
      assert.ok(!verifyInclusion({ index, size, leaf, proof, root: roots[size - 1] as Buffer }));
      if (proof.length > 0) assert.ok(!verifyInclusion({ index, size, leaf, proof: proof.slice(1), root }));
    }
  }
});

test("every consistency proof up to 69 leaves verifies, and only for its own sizes and roots", async () => {
  for (let to = 0; to < roots.length; to++) {
    for (let from = 0; from <= to; from++) {
      const proof = await consistencyPath(from, to, tiles);
      const claim = { from, to, fromRoot: roots[from] as Buffer, toRoot: roots[to] as Buffer, proof };
      assert.ok(verifyConsistency(claim), `${from} to ${to}`);
      const other = leafHash(Buffer.from("another"));
      assert.ok(!verifyConsistency({ ...claim, fromRoot: other }));
      assert.ok(!verifyConsistency({ ...claim, proof: [...proof, other] }));
      if (from === 0 || from === to) continue;
      assert.ok(!verifyConsistency({ ...claim, toRoot: other }));
      assert.ok(!verifyConsistency({ ...claim, proof: proof.slice(1) }));
      assert.ok(!verifyConsistency({ ...claim, from: to, to: from }));
    }
  }
});

test("proofs across tiles verify", async () => {
  const root = reference(entries);
  for (const index of [0, 1, 255, 256, 257, 511, 512, 599]) {
    const proof = await inclusionPath(index, 600, tiles);
    assert.ok(verifyInclusion({ index, size: 600, leaf: leafHash(entries[index] as Buffer), proof, root }));
  }
  for (const from of [1, 255, 256, 257, 512, 513, 599]) {
    const proof = await consistencyPath(from, 600, tiles);
    assert.ok(verifyConsistency({ from, to: 600, fromRoot: reference(entries.slice(0, from)), toRoot: root, proof }));
  }
});

test("arbitrary claims never verify and never throw", () => {
  const hashes = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 70 });
  const size = fc.maxSafeNat();
  const root = roots[69] as Buffer;
  fc.assert(
    fc.property(size, size, hashes, (a, b, proof) => {
      const leaf = leafHash(Buffer.from("x"));
      assert.equal(verifyInclusion({ index: a, size: b, leaf, proof, root }), false);
      const from = Math.max(1, Math.min(a, b));
      const to = Math.max(a, b) + 1;
      assert.equal(verifyConsistency({ from, to, fromRoot: root, toRoot: leaf, proof }), false);
    }),
  );
});

test("the largest power of two is exact where the logarithm is not", () => {
  assert.equal(largestPowerOfTwo(1), 1);
  assert.equal(largestPowerOfTwo(2 ** 49 - 1), 2 ** 48);
  assert.equal(largestPowerOfTwo(Number.MAX_SAFE_INTEGER), 2 ** 52);
});
