/**
 * The crash rule of the ledger, by fault injection at every single call that changes the disk: an index that was
 * returned is never lost and never given out again, and no checkpoint is ever published that is not a prefix of every
 * later one.
 */

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openLedger, openLedgerReader, verifyLedger, type Checkpoint, type Ledger } from "../../src/ledger/index.ts";
import { verifyConsistency } from "../../src/ledger/merkle.ts";
import { diskInMemory, type Disk, type Fault } from "./disk.ts";

const FOLDER = "/data/ledger";
export const OPTIONS = {
  folder: FOLDER,
  keyFile: "/data/keys/ledger.key",
  origin: "example.com/log",
  checkpointEveryMs: 60_000,
};

/** What the world was told before the fault. */
interface Seen {
  readonly acknowledged: Map<number, string>;
  readonly rejected: Set<string>;
  readonly published: { readonly size: number; readonly root: Uint8Array }[];
}

/** Open, append across a tile's boundary, publish, append more, close; stops where something fails. */
async function work(disk: Disk, seen: Seen, round: string): Promise<void> {
  let ledger: Ledger | undefined;
  const append = async (text: string): Promise<void> => {
    try {
      const index = await (ledger as Ledger).append(Buffer.from(text));
      assert.ok(!seen.acknowledged.has(index), `index ${index} was given out twice`);
      seen.acknowledged.set(index, text);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      seen.rejected.add(text);
    }
  };
  const note = ({ size, root }: Checkpoint): unknown => seen.published.push({ size, root });
  try {
    ledger = await openLedger({ ...OPTIONS, files: disk.files });
    note(await ledger.checkpoint());
    await Promise.all(Array.from({ length: 250 }, (_, at) => append(`${round} first ${at}`)));
    note(await ledger.checkpoint());
    await Promise.all([append(`${round} alone`), append(`${round} and together`)]);
    await Promise.all(Array.from({ length: 10 }, (_, at) => append(`${round} second ${at}`)));
    note(await ledger.checkpoint());
    await append(`${round} last`);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
  } finally {
    await ledger?.close().catch(() => undefined);
  }
}

/** Opens what survived, checks the rule, and that the ledger works on. */
async function checkRule(survived: Disk, seen: Seen, what: string): Promise<void> {
  const ledger = await openLedger({ ...OPTIONS, files: survived.files }).catch((error: unknown) => {
    throw new Error(`${what}: does not open: ${String(error)}`, { cause: error });
  });
  const { size } = await ledger.checkpoint();
  const index = await ledger.append(Buffer.from("after"));
  assert.ok(!seen.acknowledged.has(index), `${what}: index ${index} is given out again`);
  await ledger.close();

  const folder = await mkdtemp(join(tmpdir(), "holdfast-faults-"));
  for (const [path, bytes] of survived.visible()) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, bytes);
  }
  const report = await verifyLedger({ folder: join(folder, FOLDER), vkey: ledger.vkey });
  assert.deepEqual(report.problems, [], what);
  const reader = openLedgerReader(join(folder, FOLDER));
  const texts: string[] = [];
  for await (const { bytes } of reader.entries()) texts.push(Buffer.from(bytes).toString());
  assert.equal(texts.length, size + 1, what);
  assert.equal(new Set(texts).size, texts.length, `${what}: an entry is there twice`);
  for (const [at, text] of seen.acknowledged) assert.equal(texts[at], text, `${what}: entry ${at} was acknowledged`);
  for (const { size: from, root } of seen.published) {
    const proof = await reader.consistencyProof(from, report.size);
    const claim = { from, to: report.size, fromRoot: root, toRoot: report.checkpoint?.root as Uint8Array, proof };
    assert.ok(verifyConsistency(claim), `${what}: the checkpoint of size ${from} is contradicted`);
  }
  await rm(folder, { recursive: true });
}

function nothingSeen(): Seen {
  return { acknowledged: new Map(), rejected: new Set(), published: [] };
}

function copyOf({ acknowledged, rejected, published }: Seen): Seen {
  return { acknowledged: new Map(acknowledged), rejected: new Set(rejected), published: [...published] };
}

/** A mixture of what survives, the same for the same seed. */
function luck(seed: number): (path: string) => boolean {
  return (path) => {
    let mixed = seed + 1;
    for (let at = 0; at < path.length; at++) mixed = Math.imul(mixed ^ path.charCodeAt(at), 0x01000193);
    return ((mixed >>> 13) & 1) === 1;
  };
}

async function callsOfAWholeRun(): Promise<number> {
  const disk = diskInMemory();
  const seen = nothingSeen();
  await work(disk, seen, "a");
  assert.equal(seen.rejected.size, 0);
  assert.equal(seen.acknowledged.size, 263);
  await checkRule(
    disk.afterPowerCut(() => false),
    seen,
    "no fault",
  );
  return disk.calls().length;
}

/**
 * One call in `stride` fails once. Then the process's successor sees what it saw, or the power goes as well.
 *
 * @returns how many calls were made to fail
 */
export async function failEveryCall(fault: Fault, stride: number): Promise<number> {
  const calls = await callsOfAWholeRun();
  let failed = 0;
  for (let at = 1; at <= calls; at += stride, failed++) {
    const disk = diskInMemory();
    disk.failAt(at, fault);
    const seen = nothingSeen();
    await work(disk, seen, "a");
    const what = `${fault} at call ${at}: ${disk.calls()[at - 1] ?? "not reached"}`;
    await checkRule(diskInMemory(disk.visible()), seen, what);
    await checkRule(
      disk.afterPowerCut(() => false),
      seen,
      `${what}, then power cut`,
    );
  }
  return failed;
}

/** The power goes at one call in `stride`, with every kind of luck. */
export async function cutPowerAtEveryCall(stride: number): Promise<number> {
  const calls = await callsOfAWholeRun();
  let cuts = 0;
  for (let at = 1; at <= calls; at += stride, cuts++) {
    const disk = diskInMemory();
    disk.failAt(at, "power");
    const seen = nothingSeen();
    await work(disk, seen, "a");
    const what = `power cut at call ${at}: ${disk.calls()[at - 1] ?? "not reached"}`;
    for (const lucky of [() => false, () => true, luck(at)]) await checkRule(disk.afterPowerCut(lucky), seen, what);
  }
  return cuts;
}

/** The power goes, and goes again while a successor recovers. */
export async function cutPowerTwice(stride: number, strideAgain: number): Promise<number> {
  const calls = await callsOfAWholeRun();
  let cuts = 0;
  for (let at = 1; at <= calls; at += stride) {
    const first = diskInMemory();
    first.failAt(at, "power");
    const seen = nothingSeen();
    await work(first, seen, "a");
    for (let again = 1 + (at % strideAgain); again <= 45; again += strideAgain, cuts++) {
      const second = first.afterPowerCut(luck(at));
      second.failAt(again, "power");
      const known = copyOf(seen);
      await work(second, known, "b");
      await checkRule(second.afterPowerCut(luck(again)), known, `power cut at call ${at}, again at ${again}`);
    }
  }
  return cuts;
}

/** One call in `stride` fails, a successor goes on with what it sees, and then the power goes. */
export async function failThenCutPower(fault: Fault, stride: number): Promise<number> {
  const calls = await callsOfAWholeRun();
  let failed = 0;
  for (let at = 1; at <= calls; at += stride, failed++) {
    const disk = diskInMemory();
    disk.failAt(at, fault);
    const seen = nothingSeen();
    await work(disk, seen, "a");
    const what = `${fault} at call ${at}: ${disk.calls()[at - 1] ?? "not reached"}, a successor, then power cut`;
    await work(disk, seen, "b");
    await checkRule(
      disk.afterPowerCut(() => false),
      seen,
      what,
    );
  }
  return failed;
}
