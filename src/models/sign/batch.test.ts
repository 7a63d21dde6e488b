import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { packBatch, unpackBatch } from "./batch.ts";
import { digestStretch, type FileStretch } from "./digest.ts";
import { walkModel } from "./walk.ts";

test("stretches come out of a batch as they went in, their identities modulo 2^64", () => {
  const wide = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
  const stretch: fc.Arbitrary<FileStretch> = fc.record({
    path: fc.string(),
    identity: fc.record({ device: wide, inode: wide, size: wide, modifiedNs: wide }),
    from: fc.maxSafeNat(),
    to: fc.maxSafeNat(),
  });
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.array(stretch), (first, stretches) => {
      const batch = structuredClone(packBatch(first, stretches));
      const out = unpackBatch(batch);
      assert.equal(batch.first, first);
      assert.deepEqual(
        out.map(({ path, from, to }) => ({ path, from, to })),
        stretches.map(({ path, from, to }) => ({ path, from, to })),
      );
      const numbersOf = ({ identity }: FileStretch): bigint[] =>
        Object.values(identity).map((one: bigint) => BigInt.asUintN(64, one));
      assert.deepEqual(out.map(numbersOf), stretches.map(numbersOf));
    }),
  );
});

test("a file is known again by an identity that went through a batch, and another file is not", async () => {
  const folder = mkdtempSync(join(tmpdir(), "batch-"));
  try {
    writeFileSync(join(folder, "a"), "a");
    const [file] = (await walkModel(folder)).files;
    assert.ok(file);
    const identity = { ...file.identity, inode: file.identity.inode - 2n ** 64n };
    const stretch = { path: file.path, identity, from: 0, to: 1 };
    assert.ok("digest" in (await digestStretch(stretch, "sha256")));
    for (const key of ["device", "inode", "size", "modifiedNs"] as const) {
      const other = { ...stretch, identity: { ...identity, [key]: identity[key] + 1n } };
      assert.deepEqual(await digestStretch(other, "sha256"), { code: "models.file-changed" });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
