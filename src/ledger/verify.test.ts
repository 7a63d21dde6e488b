import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isHoldfastError } from "../core/index.ts";
import { openLedger } from "./ledger.ts";
import { frameEntry, splitBundle } from "./tile.ts";
import { verifyLedger, type LedgerReport } from "./verify.ts";

let scratch: string;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "holdfast-verify-"));
});
after(() => rm(scratch, { recursive: true, force: true }));

interface Made {
  readonly folder: string;
  readonly vkey: string;
  /** Paths of all its files but the lock, below the folder. */
  readonly paths: readonly string[];
}

/** A ledger with a checkpoint after each of `counts` entries; `crashed` leaves the last count in the journal. */
async function make(name: string, counts: readonly number[], crashed = false): Promise<Made> {
  const folder = join(scratch, name);
  const options = { folder: `${folder}-live`, keyFile: join(scratch, `${name}.key`), checkpointEveryMs: 60_000 };
  const ledger = await openLedger(options);
  let index = 0;
  for (const [at, count] of counts.entries()) {
    await Promise.all(Array.from({ length: count }, () => ledger.append(Buffer.from(`entry ${index++}`))));
    if (!crashed || at < counts.length - 1) await ledger.checkpoint();
  }
  if (!crashed) await ledger.close();
  await cp(options.folder, folder, { recursive: true, filter: (path) => !path.endsWith("lock") });
  if (crashed) await ledger.close();
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return { folder, vkey: ledger.vkey, paths };
}

async function verify({ folder, vkey }: Made): Promise<LedgerReport> {
  return verifyLedger({ folder, vkey });
}

/** Replaces a file, verifies, and puts it back. */
async function withFile(made: Made, path: string, bytes: Uint8Array | undefined): Promise<LedgerReport> {
  const file = join(made.folder, path);
  const before = await readFile(file).catch(() => undefined);
  await mkdir(dirname(file), { recursive: true });
  if (bytes === undefined) await unlink(file);
  else await writeFile(file, bytes);
  try {
    return await verify(made);
  } finally {
    if (before === undefined) await rm(file);
    else await writeFile(file, before);
  }
}

/** Flips a byte of every file, one in `stride`, and expects the verification to fail each time. */
async function flipBytes(made: Made, stride: number): Promise<number> {
  let flips = 0;
  for (const path of made.paths) {
    const bytes = await readFile(join(made.folder, path));
    for (let at = bytes.length % stride; at < bytes.length; at += stride, flips++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      const report = await withFile(made, path, changed);
      assert.equal(report.ok, false, `${path}, byte ${at}`);
    }
  }
  assert.deepEqual((await verify(made)).problems, []);
  return flips;
}

describe("a ledger that is whole", () => {
  for (const counts of [[], [1], [3, 2], [255], [256], [257], [100, 200, 300], [513]]) {
    test(`verifies: checkpoints after ${counts.join(", ") || "nothing"}`, async () => {
      const made = await make(`whole-${counts.join("-")}`, counts);
      const report = await verify(made);
      assert.deepEqual(report.problems, []);
      assert.ok(report.ok);
      assert.equal(
        report.size,
        counts.reduce((sum, count) => sum + count, 0),
      );
      assert.equal(report.uncheckpointed, 0);
      assert.equal(report.firstBadIndex, null);
    });
  }

  test("verifies with what waits in the journal, and says how much that is", async () => {
    const report = await verify(await make("crashed", [5, 7], true));
    assert.ok(report.ok);
    assert.deepEqual([report.size, report.uncheckpointed], [5, 7]);
  });

  test("verifies without its journal, as a copy over HTTP has none", async () => {
    const made = await make("copied", [5, 300]);
    await rm(join(made.folder, ".state"), { recursive: true });
    assert.ok((await verify(made)).ok);
  });

  test("verifies while it grows", async () => {
    const options = { folder: join(scratch, "growing"), keyFile: join(scratch, "growing.key"), checkpointEveryMs: 1 };
    const ledger = await openLedger(options);
    const stop = new AbortController();
    const appending = Promise.all(
      Array.from({ length: 8 }, async () => {
        while (!stop.signal.aborted) await ledger.append(Buffer.from(`entry ${Math.random()}`));
      }),
    );
    try {
      for (let round = 0; round < 10; round++) {
        const report = await verifyLedger({ folder: options.folder, vkey: ledger.vkey });
        assert.deepEqual(report.problems, []);
      }
    } finally {
      stop.abort();
      await appending;
      await ledger.close();
    }
  });

  test("tells its progress", async () => {
    const seen: [number, number][] = [];
    const { folder, vkey } = await make("progress", [600]);
    await verifyLedger({ folder, vkey, progress: (...at) => seen.push(at) });
    assert.deepEqual(seen, [
      [256, 600],
      [512, 600],
      [600, 600],
    ]);
  });
});

describe("any change of any byte", () => {
  test("of a small ledger with partial tiles of three checkpoints", async () => {
    assert.ok((await flipBytes(await make("small", [2, 1, 2]), 3)) > 250);
  });

  test("of a ledger of two levels", async () => {
    assert.ok((await flipBytes(await make("large", [250, 50, 3]), 151)) > 60);
  });

  test("of a ledger whose writer crashed", async () => {
    assert.ok((await flipBytes(await make("torn", [3, 4], true), 7)) > 90);
  });
});

describe("the first bad entry is named", () => {
  const BUNDLE = "tile/entries/000";
  const LAST = "tile/entries/001.p/47";
  let made: Made;
  let bundle: Buffer;
  let entries: Uint8Array[];
  before(async () => {
    made = await make("named", [100, 203]);
    bundle = await readFile(join(made.folder, BUNDLE));
    entries = splitBundle(bundle, 256).entries;
  });

  test("when one is changed", async () => {
    for (const index of [0, 1, 99, 100, 254, 255]) {
      const changed = entries.with(index, frameEntry(Buffer.from(`Entry ${index}`)));
      const report = await withFile(made, BUNDLE, Buffer.concat(changed));
      assert.equal(report.firstBadIndex, index);
      assert.equal(report.problems[0]?.file, BUNDLE);
    }
  });

  test("when one is dropped, inserted, swapped or cut off", async () => {
    for (const index of [0, 42, 255]) {
      const dropped = await withFile(made, BUNDLE, Buffer.concat(entries.toSpliced(index, 1)));
      assert.equal(dropped.firstBadIndex, index);
      const added = await withFile(
        made,
        BUNDLE,
        Buffer.concat(entries.toSpliced(index, 0, frameEntry(Buffer.from("x")))),
      );
      assert.equal(added.firstBadIndex, index);
    }
    const [left, right] = [entries[10] as Uint8Array, entries[20] as Uint8Array];
    const swapped = await withFile(made, BUNDLE, Buffer.concat(entries.with(10, right).with(20, left)));
    assert.equal(swapped.firstBadIndex, 10);
    const cut = await withFile(made, BUNDLE, bundle.subarray(0, Buffer.concat(entries.slice(0, 30)).length + 5));
    assert.equal(cut.firstBadIndex, 30);
    const more = await withFile(made, BUNDLE, Buffer.concat([bundle, frameEntry(Buffer.from("more"))]));
    assert.equal(more.firstBadIndex, 256);
    const last = await readFile(join(made.folder, LAST));
    assert.equal((await withFile(made, LAST, last.subarray(0, -1))).firstBadIndex, 302);
    assert.equal(
      (await withFile(made, LAST, Buffer.concat([last, frameEntry(Buffer.from("more"))]))).firstBadIndex,
      303,
    );
  });

  test("when an entry and its hash are changed together", async () => {
    const tile = await readFile(join(made.folder, "tile/0/000"));
    const { leafHash } = await import("./merkle.ts");
    leafHash(Buffer.from("Entry 77")).forEach((byte, at) => (tile[77 * 32 + at] = byte));
    const before = await readFile(join(made.folder, "tile/0/000"));
    await writeFile(join(made.folder, "tile/0/000"), tile);
    const report = await withFile(made, BUNDLE, Buffer.concat(entries.with(77, frameEntry(Buffer.from("Entry 77")))));
    await writeFile(join(made.folder, "tile/0/000"), before);
    // The tile above covers 256 entries: it cannot tell which of them.
    assert.equal(report.firstBadIndex, 0);
    assert.ok(report.problems.some(({ what }) => /entries 0 to 255/.test(what)));
  });

  test("when files are missing or changed places", async () => {
    for (const [path, index] of [
      [BUNDLE, 0],
      [LAST, 256],
      ["tile/0/000", 0],
      ["tile/0/001.p/47", 256],
      ["tile/1/000.p/1", 0],
    ] as const) {
      const report = await withFile(made, path, undefined);
      assert.deepEqual([report.ok, report.firstBadIndex], [false, index], path);
    }
    const last = await readFile(join(made.folder, LAST));
    assert.equal((await withFile(made, BUNDLE, last)).firstBadIndex, 0);
  });

  test("in the journal", async () => {
    const crashed = await make("journal", [3, 4], true);
    const journal = await readFile(join(crashed.folder, ".state/journal"));
    const at = journal.indexOf("entry 5");
    const changed = Buffer.from(journal);
    changed[at] = 0x45;
    assert.equal((await withFile(crashed, ".state/journal", changed)).firstBadIndex, 5);
    assert.equal((await withFile(crashed, ".state/journal", journal.subarray(0, at + 3))).firstBadIndex, 5);
  });
});

describe("what does not belong there", () => {
  test("unknown files, links, and tiles that nothing covers", async () => {
    const made = await make("strange", [5]);
    for (const path of [
      "other",
      "tile/0/001",
      "tile/0/000.p/6",
      "tile/2/000.p/1",
      "tile/entries/x",
      "tile/0/000.p/5.new",
    ]) {
      const report = await withFile(made, path, await readFile(join(made.folder, "tile/0/000.p/5")));
      assert.equal(report.ok, false, path);
      assert.equal(report.problems[0]?.file, path);
    }
    await symlink(join(made.folder, "checkpoint"), join(made.folder, "tile/link"));
    assert.equal((await verify(made)).problems[0]?.file, "tile/link");
  });

  test("a partial tile of an earlier checkpoint that says something else", async () => {
    const made = await make("earlier", [2, 3]);
    const tile = await readFile(join(made.folder, "tile/0/000.p/5"));
    const report = await withFile(made, "tile/0/000.p/2", Buffer.concat([tile.subarray(0, 32), tile.subarray(64, 96)]));
    assert.deepEqual([report.ok, report.firstBadIndex], [false, 1]);
  });

  test("a checkpoint of an earlier size, of another key, or none", async () => {
    const made = await make("rolled-back", [2]);
    const early = await readFile(join(made.folder, "checkpoint"));
    await rm(join(scratch, "rolled-back"), { recursive: true });
    const grown = await make("rolled-back", [300]);
    const report = await withFile(grown, "checkpoint", early);
    assert.equal(report.ok, false);
    const other = await make("other-key", [1]);
    assert.equal((await verifyLedger({ folder: grown.folder, vkey: other.vkey })).problems[0]?.file, "checkpoint");
    assert.equal((await withFile(grown, "checkpoint", undefined)).problems[0]?.what, "is missing");
  });

  test("a ledger where everything is wrong lists a hundred problems and counts the rest", async () => {
    const made = await make("ruined", [1]);
    await mkdir(join(made.folder, "junk"));
    await Promise.all(Array.from({ length: 120 }, (_, at) => writeFile(join(made.folder, `junk-${at}`), "")));
    const report = await verify(made);
    assert.deepEqual([report.problems.length, report.problemCount], [100, 121]);
  });
});

test("a journal that is gone where the writer kept one is a problem, and none in a copy without its state", async () => {
  const made = await make("without-journal", [5, 3], true);
  const report = await withFile(made, ".state/journal", undefined);
  assert.equal(report.ok, false);
  assert.deepEqual(
    report.problems.map(({ index, file }) => [index, file]),
    [[5, ".state/journal"]],
  );
  await rm(join(made.folder, ".state"), { recursive: true });
  assert.equal((await verify(made)).ok, true);
});

test("what cannot be verified at all is an error, not a result", async () => {
  const made = await make("errors", [1]);
  const nothing = join(scratch, "nothing");
  await mkdir(nothing);
  await assert.rejects(verifyLedger({ folder: nothing, vkey: made.vkey }), (error) =>
    isHoldfastError(error, "ledger.empty-folder"),
  );
  await assert.rejects(verifyLedger({ folder: made.folder, vkey: "x" }), (error) =>
    isHoldfastError(error, "ledger.vkey-invalid"),
  );
  await rename(join(made.folder, "tile/entries"), join(made.folder, "tile/entries-gone"));
  assert.equal((await verify(made)).ok, false);
});
