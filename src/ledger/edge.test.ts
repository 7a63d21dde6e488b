import assert from "node:assert/strict";
import { test } from "node:test";
import { completeRoot, edgeRoot, emptyEdge, loadEdge, pushLeaf, type FullTile } from "./edge.ts";
import { EMPTY_ROOT, leafHash, nodeHash } from "./merkle.ts";

const leaves = Array.from({ length: 66_000 }, (_, index) => leafHash(Buffer.from(String(index))));

/** The root by joining neighbours row by row: an odd last one moves up as it is, which is the tree of RFC 6962. */
function rowByRow(row: readonly Uint8Array[]): Uint8Array {
  if (row.length <= 1) return row[0] ?? EMPTY_ROOT;
  const next: Uint8Array[] = [];
  for (let at = 0; at < row.length; at += 2) {
    const [left, right] = [row[at] as Uint8Array, row[at + 1]];
    next.push(right === undefined ? left : nodeHash(left, right));
  }
  return rowByRow(next);
}

test("the root of every size up to 300 is the tree's", () => {
  const edge = emptyEdge();
  assert.deepEqual(edgeRoot(edge), EMPTY_ROOT);
  for (let size = 1; size <= 300; size++) {
    pushLeaf(edge, leaves[size - 1] as Uint8Array, () => undefined);
    assert.deepEqual(edgeRoot(edge), rowByRow(leaves.slice(0, size)), `size ${size}`);
  }
});

test("tiles of three levels become full in order, and an edge loads back from them", async () => {
  const edge = emptyEdge();
  const full: FullTile[] = [];
  for (const leaf of leaves) pushLeaf(edge, leaf, (tile) => full.push(tile));
  assert.deepEqual(edgeRoot(edge), rowByRow(leaves));
  const zero = full.filter(({ level }) => level === 0);
  assert.deepEqual(
    zero.map(({ index }) => index),
    Array.from({ length: 257 }, (_, index) => index),
  );
  const one = full.filter(({ level }) => level === 1);
  assert.equal(one.length, 1);
  assert.deepEqual(one[0]?.hashes[3], completeRoot(leaves.slice(768, 1024)));
  assert.deepEqual(
    edge.levels.map(({ length }) => length),
    [66_000 % 256, 1, 1],
  );

  const asked: string[] = [];
  const loaded = await loadEdge(66_000, async (level, index, width) => {
    asked.push(`${level}/${index}/${width}`);
    return edge.levels[level] ?? [];
  });
  assert.deepEqual(asked, ["0/257/208", "1/1/1", "2/0/1"]);
  assert.deepEqual(edgeRoot(loaded), edgeRoot(edge));
  for (const leaf of leaves.slice(0, 300)) {
    pushLeaf(edge, leaf, () => undefined);
    pushLeaf(loaded, leaf, () => undefined);
  }
  assert.deepEqual(edgeRoot(loaded), edgeRoot(edge));
});

test("an edge at a tile's boundary asks for no empty tile", async () => {
  const edge = await loadEdge(256, async (level, index, width) => {
    assert.deepEqual([level, index, width], [1, 0, 1]);
    return [completeRoot(leaves.slice(0, 256))];
  });
  assert.deepEqual(edgeRoot(edge), rowByRow(leaves.slice(0, 256)));
});
