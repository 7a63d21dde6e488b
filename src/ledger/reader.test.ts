import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isHoldfastError } from "../core/index.ts";
import { openLedger, type Ledger } from "./ledger.ts";
import { leafHash, verifyConsistency, verifyInclusion } from "./merkle.ts";
import { openLedgerReader, type LedgerReader } from "./reader.ts";

let scratch: string;
let ledger: Ledger;
let reader: LedgerReader;
/** Root of each published size. */
const roots = new Map<number, Uint8Array>();

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "holdfast-reader-"));
  ledger = await openLedger({
    folder: join(scratch, "ledger"),
    keyFile: join(scratch, "ledger.key"),
    checkpointEveryMs: 60_000,
  });
  reader = openLedgerReader(ledger.folder);
  let index = 0;
  for (const count of [1, 2, 252, 1, 1, 260, 90]) {
    await Promise.all(Array.from({ length: count }, () => ledger.append(Buffer.from(`entry ${index++}`))));
    const { size, root } = await ledger.checkpoint();
    roots.set(size, root);
  }
  await ledger.append(Buffer.from("not published yet"));
});
after(async () => {
  await ledger.close();
  await rm(scratch, { recursive: true, force: true });
});

function refuses(code: string): (error: unknown) => boolean {
  return (error) => isHoldfastError(error, code);
}

async function read(from?: number, to?: number): Promise<[number, string][]> {
  const found: [number, string][] = [];
  for await (const { index, bytes } of reader.entries(from, to)) found.push([index, Buffer.from(bytes).toString()]);
  return found;
}

test("entries come in order, whole or in ranges, up to the checkpoint", async () => {
  const all = await read();
  assert.equal(all.length, 607);
  assert.ok(all.every(([index, text], at) => index === at && text === `entry ${at}`));
  assert.deepEqual(await read(254, 258), all.slice(254, 258));
  assert.deepEqual(await read(600), all.slice(600));
  assert.deepEqual(await read(607), []);
  assert.deepEqual(await read(5, 5), []);
  assert.equal(Buffer.from(await reader.entry(511)).toString(), "entry 511");
});

test("what the checkpoint does not cover is refused by name", async () => {
  for (const index of [607, -1, 0.5, Number.NaN]) {
    await assert.rejects(reader.entry(index), refuses("ledger.entry-unknown"));
    await assert.rejects(reader.inclusionProof(index, 600), refuses("ledger.entry-unknown"));
  }
  await assert.rejects(read(608), refuses("ledger.range-invalid"));
  await assert.rejects(read(0, 608), refuses("ledger.range-invalid"));
  await assert.rejects(reader.inclusionProof(0, 608), refuses("ledger.range-invalid"));
  await assert.rejects(reader.consistencyProof(5, 4), refuses("ledger.range-invalid"));
  await assert.rejects(reader.consistencyProof(-1, 4), refuses("ledger.range-invalid"));
});

test("proofs for every published size verify, though its partial tiles are gone", async () => {
  for (const [size, root] of roots) {
    for (const index of new Set([0, Math.floor(size / 2), size - 1])) {
      const proof = await reader.inclusionProof(index, size);
      const leaf = leafHash(Buffer.from(`entry ${index}`));
      assert.ok(verifyInclusion({ index, size, leaf, proof, root }), `${index} of ${size}`);
    }
    for (const [from, fromRoot] of roots) {
      if (from > size) continue;
      const proof = await reader.consistencyProof(from, size);
      assert.ok(verifyConsistency({ from, to: size, fromRoot, toRoot: root, proof }), `${from} to ${size}`);
    }
  }
});

test("a folder without a ledger has no checkpoint and no entries", async () => {
  const nothing = openLedgerReader(join(scratch, "nothing"));
  assert.equal(await nothing.checkpoint(), undefined);
  await assert.rejects(nothing.entry(0), refuses("ledger.entry-unknown"));
});
