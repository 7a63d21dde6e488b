/** Tessera's test log, read by Holdfast: every checkpoint, root, tile, entry and proof. */

import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openLedgerReader, verifyLedger } from "../../../src/ledger/index.ts";
import { openCheckpoint } from "../../../src/ledger/checkpoint.ts";
import { edgeRoot, emptyEdge, pushLeaf } from "../../../src/ledger/edge.ts";
import { leafHash, verifyConsistency, verifyInclusion } from "../../../src/ledger/merkle.ts";
import { parseVkey } from "../../../src/ledger/note.ts";

const LOG = fileURLToPath(new URL("../../vectors/tlog", import.meta.url));
const VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
const SIZES = Array.from({ length: 16 }, (_, size) => size);

async function checkpointOf(size: number) {
  return openCheckpoint(await readFile(join(LOG, `checkpoint.${size}`)), parseVkey(VKEY));
}

test("all 16 checkpoints verify, and their roots recompute from the entries", async () => {
  const edge = emptyEdge();
  const entries: Uint8Array[] = [];
  for await (const { bytes } of openLedgerReader(LOG).entries()) entries.push(bytes);
  assert.equal(Buffer.from(entries[7] as Uint8Array).toString(), "eit");
  for (const size of SIZES) {
    if (size > 0) pushLeaf(edge, leafHash(entries[size - 1] as Uint8Array), () => undefined);
    const checkpoint = await checkpointOf(size);
    assert.equal(checkpoint.size, size);
    assert.deepEqual(Buffer.from(checkpoint.root), Buffer.from(edgeRoot(edge)), `size ${size}`);
  }
});

test("proofs made from its tiles verify against every one of its checkpoints", async () => {
  const reader = openLedgerReader(LOG);
  for (const size of SIZES) {
    const { root } = await checkpointOf(size);
    for (let index = 0; index < size; index++) {
      const proof = await reader.inclusionProof(index, size);
      assert.ok(verifyInclusion({ index, size, leaf: leafHash(await reader.entry(index)), proof, root }));
    }
    for (let from = 0; from <= size; from++) {
      const proof = await reader.consistencyProof(from, size);
      const { root: fromRoot } = await checkpointOf(from);
      assert.ok(verifyConsistency({ from, to: size, fromRoot, toRoot: root, proof }), `${from} to ${size}`);
    }
  }
});

test("the folder verifies as a whole, with the partial tiles of every size", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-tessera-"));
  try {
    await cp(join(LOG, "tile"), join(folder, "tile"), { recursive: true });
    await cp(join(LOG, "checkpoint"), join(folder, "checkpoint"));
    const report = await verifyLedger({ folder, vkey: VKEY });
    assert.deepEqual(report.problems, []);
    assert.equal(report.size, 15);
    // An older checkpoint does not explain the files of the newer ones.
    await cp(join(LOG, "checkpoint.9"), join(folder, "checkpoint"));
    assert.equal((await verifyLedger({ folder, vkey: VKEY })).firstBadIndex, 9);
  } finally {
    await rm(folder, { recursive: true });
  }
});
