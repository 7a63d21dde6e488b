import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isHoldfastError } from "../core/index.ts";
import {
  decodeBundle,
  decodeTile,
  frameEntry,
  parseTilePath,
  splitBundle,
  tilePath,
  tileWidth,
  unframeEntry,
} from "./tile.ts";

test("paths are those of the specification", () => {
  assert.equal(tilePath({ level: 0, index: 1_234_067, width: 256 }), "tile/0/x001/x234/067");
  assert.equal(tilePath({ level: 1, index: 5, width: 17 }), "tile/1/005.p/17");
  assert.equal(tilePath({ level: "entries", index: 1000, width: 256 }), "tile/entries/x001/000");
});

test("every address has one path, and back", () => {
  const level = fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant("entries" as const));
  fc.assert(
    fc.property(level, fc.maxSafeNat(), fc.integer({ min: 1, max: 256 }), (at, index, width) => {
      const address = { level: at, index, width };
      assert.deepEqual(parseTilePath(tilePath(address)), address);
    }),
  );
});

test("no other path is an address", () => {
  const refused = [
    "",
    "checkpoint",
    "tile",
    "tile/0",
    "tile/64/000",
    "tile/00/000",
    "tile/-1/000",
    "tile/0/0",
    "tile/0/0000",
    "tile/0/x000/000",
    "tile/0/001/002",
    "tile/0/x001",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000.p",
    "tile/0/000/",
    "/tile/0/000",
    "tile/0/000\n",
    "tile/0/../0/000",
    "tile/entries/../../.state/journal",
    "tile/0/%30%30%30",
    "tile/0/x999/x999/x999/x999/x999/x999/999",
  ];
  for (const path of refused) assert.equal(parseTilePath(path), undefined, path);
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("tile/", "0", "1", "23", "x", ".p/", "entries", "/", "999") }),
      (path) => {
        const address = parseTilePath(path);
        if (address !== undefined) assert.equal(tilePath(address), path);
      },
    ),
  );
});

test("widths are those of the specification's example", () => {
  // "a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile of width 112, …"
  assert.equal(tileWidth(70_000, 0, 272), 256);
  assert.equal(tileWidth(70_000, 0, 273), 112);
  assert.equal(tileWidth(70_000, "entries", 273), 112);
  assert.equal(tileWidth(70_000, 0, 274), 0);
  assert.equal(tileWidth(70_000, 1, 0), 256);
  assert.equal(tileWidth(70_000, 1, 1), 17);
  assert.equal(tileWidth(70_000, 2, 0), 1);
  assert.equal(tileWidth(70_000, 3, 0), 0);
});

test("entries come out of a bundle as they went in", () => {
  const entry = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (entries) => {
      const bundle = Buffer.concat(entries.map(frameEntry));
      const decoded = decodeBundle(bundle, entries.length, "bundle").map((framed) => Buffer.from(unframeEntry(framed)));
      assert.deepEqual(
        decoded,
        entries.map((bytes) => Buffer.from(bytes)),
      );
    }),
  );
  const largest = frameEntry(new Uint8Array(0xffff));
  assert.equal(decodeBundle(largest, 1, "bundle")[0]?.length, 2 + 0xffff);
});

test("a bundle that does not end where its entries do is named", () => {
  const bundle = Buffer.concat([frameEntry(Buffer.from("one")), frameEntry(Buffer.from("two"))]);
  assert.deepEqual(splitBundle(bundle.subarray(0, 9), 2).problem, "ends within entry 2 of 2");
  assert.deepEqual(splitBundle(bundle.subarray(0, 6), 2).problem, "ends after 1 of 2 entries");
  assert.deepEqual(splitBundle(bundle, 1).problem, "has 5 bytes after its 1 entries");
  assert.throws(
    () => decodeBundle(bundle, 3, "x"),
    (error) => isHoldfastError(error, "ledger.bundle-invalid"),
  );
  assert.throws(
    () => decodeTile(new Uint8Array(33), 1, "x"),
    (error) => isHoldfastError(error, "ledger.tile-missing"),
  );
});

test("arbitrary bytes are split or refused, never more", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 1, max: 256 }), (bytes, width) => {
      const { entries, problem } = splitBundle(bytes, width);
      assert.ok(entries.length <= width);
      const used = entries.reduce((sum, { length }) => sum + length, 0);
      assert.equal(problem === undefined, entries.length === width && used === bytes.length);
    }),
  );
});
