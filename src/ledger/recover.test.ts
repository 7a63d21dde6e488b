import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isHoldfastError } from "../core/index.ts";
import { openLedger, type LedgerOptions } from "./ledger.ts";
import { openLedgerReader } from "./reader.ts";
import { verifyLedger } from "./verify.ts";

let scratch: string;
/** A ledger whose writer died: 300 entries published, then 20 and 5 in two writes to the journal. */
let crashed: LedgerOptions;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "holdfast-recover-"));
  const live = { folder: join(scratch, "live"), keyFile: join(scratch, "ledger.key"), checkpointEveryMs: 60_000 };
  const ledger = await openLedger(live);
  let index = 0;
  const append = (count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => ledger.append(Buffer.from(`entry ${index++}`))));
  await append(300);
  await ledger.checkpoint();
  await append(20);
  await append(5);
  crashed = { ...live, folder: join(scratch, "crashed") };
  await cp(live.folder, crashed.folder, { recursive: true, filter: (path) => !path.endsWith("lock") });
  await ledger.close();
});
after(() => rm(scratch, { recursive: true, force: true }));

let copies = 0;
async function copy(): Promise<LedgerOptions & { readonly file: (path: string) => string }> {
  const folder = join(scratch, `copy-${copies++}`);
  await cp(crashed.folder, folder, { recursive: true });
  return { ...crashed, folder, file: (path) => join(folder, path) };
}

async function change(path: string, at: (bytes: Buffer) => number): Promise<void> {
  const bytes = await readFile(path);
  const place = at(bytes);
  bytes[place] = (bytes[place] as number) ^ 1;
  await writeFile(path, bytes);
}

async function refusesToOpen(options: LedgerOptions, code: string): Promise<void> {
  await assert.rejects(openLedger(options), (error) => isHoldfastError(error, code) || assert.fail(String(error)));
}

test("what was acknowledged is there again, and published at once", async () => {
  const options = await copy();
  const ledger = await openLedger(options);
  assert.equal(ledger.size, 325);
  const reader = openLedgerReader(options.folder);
  assert.equal((await reader.checkpoint())?.size, 325);
  assert.equal(Buffer.from(await reader.entry(324)).toString(), "entry 324");
  assert.equal(await ledger.append(Buffer.from("next")), 325);
  await ledger.close();
  assert.ok((await verifyLedger({ folder: options.folder, vkey: ledger.vkey })).ok);
});

test("a torn write at the journal's end is cut, whatever is left of it", async () => {
  const whole = (await readFile(join(crashed.folder, ".state/journal"))).length;
  const last = whole - (16 + 4 + 5 * (32 + 2 + "entry 320".length));
  for (const length of [last + 1, last + 20, last + 60, whole - 1]) {
    const options = await copy();
    await truncate(options.file(".state/journal"), length);
    const ledger = await openLedger(options);
    assert.ok(ledger.size >= 320 && ledger.size < 325, `${ledger.size}`);
    await ledger.close();
    assert.ok((await verifyLedger({ folder: options.folder, vkey: ledger.vkey })).ok);
  }
});

test("damage to acknowledged entries in the journal is never cut", async () => {
  const options = await copy();
  await change(options.file(".state/journal"), (bytes) => bytes.indexOf("entry 305"));
  const before = await readFile(options.file(".state/journal"));
  await refusesToOpen(options, "ledger.journal-damaged");
  assert.deepEqual(await readFile(options.file(".state/journal")), before);
});

test("a journal that lost what the checkpoint covers is refused", async () => {
  const options = await copy();
  const bytes = await readFile(options.file(".state/journal"));
  await truncate(options.file(".state/journal"), bytes.indexOf("entry 200"));
  await refusesToOpen(options, "ledger.journal-damaged");
});

test("a journal that is missing, changed in its header, or of another ledger is refused", async () => {
  const missing = await copy();
  await rm(missing.file(".state/journal"));
  await refusesToOpen(missing, "ledger.damaged");
  for (const at of [0, 40, 100, 180]) {
    const changed = await copy();
    await change(changed.file(".state/journal"), () => at);
    await refusesToOpen(changed, "ledger.damaged");
  }
  const other = { folder: join(scratch, "other"), keyFile: join(scratch, "other.key") };
  await (await openLedger(other)).close();
  const swapped = await copy();
  await cp(join(other.folder, ".state/journal"), swapped.file(".state/journal"));
  await refusesToOpen(swapped, "ledger.damaged");
});

test("tiles, entries or a checkpoint that disagree are refused: nothing more is signed", async () => {
  for (const path of ["tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1"]) {
    const options = await copy();
    await change(options.file(path), (bytes) => bytes.length - 1);
    const before = await readFile(options.file("checkpoint"));
    await refusesToOpen(options, "ledger.damaged");
    assert.deepEqual(await readFile(options.file("checkpoint")), before);
    const without = await copy();
    await rm(without.file(path));
    await refusesToOpen(without, "ledger.damaged");
  }
  const changed = await copy();
  await change(changed.file("checkpoint"), (bytes) => bytes.indexOf("\n300\n") + 1);
  await refusesToOpen(changed, "ledger.damaged");
  const gone = await copy();
  await rm(gone.file("checkpoint"));
  await refusesToOpen(gone, "ledger.damaged");
});

test("a checkpoint older than the journal is refused: it may have been rolled back", async () => {
  const options = await copy();
  const old = await readFile(options.file("checkpoint"));
  await (await openLedger(options)).close();
  await writeFile(options.file("checkpoint"), old);
  await refusesToOpen(options, "ledger.damaged");
});

test("a refused ledger is not locked", async () => {
  const options = await copy();
  const checkpoint = await readFile(options.file("checkpoint"));
  await rm(options.file("checkpoint"));
  await refusesToOpen(options, "ledger.damaged");
  await writeFile(options.file("checkpoint"), checkpoint);
  await (await openLedger(options)).close();
});
