/** The spool before a ledger that takes entries, hangs, refuses or dies as the test says, on a disk that can fail. */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { diskInMemory, type Disk } from "../../../test/crash/disk.ts";
import { isHoldfastError } from "../../core/index.ts";
import { ledgerError } from "../errors.ts";
import { openSpool, type Spool, type SpoolOptions } from "./spool.ts";

const FOLDER = "/ledger";
const SPOOL = "/ledger/.state/spool";

const entry = (text: string): Uint8Array => new TextEncoder().encode(text);
const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);
const unavailable = (): Error => ledgerError("ledger.unavailable");

/** A ledger that knows its entries by their bytes, as the shared one does by their leaf hash. */
function fakeLedger() {
  const ledger = {
    origin: "example.com/log",
    folder: FOLDER,
    /** What is in it, in order. */
    entries: [] as string[],
    appends: 0,
    /** What happens at an append. `after` takes the entry, and then fails: the answer was lost. */
    state: "takes" as "takes" | "away" | "hangs" | "after" | "dead",
    async append(bytes: Uint8Array): Promise<number> {
      const text = new TextDecoder().decode(bytes);
      const { state } = ledger;
      ledger.appends++;
      if (state === "hangs") return await new Promise(() => undefined);
      if (state === "dead") throw ledgerError("ledger.failed");
      await delay(0);
      if (state === "away") throw unavailable();
      if (!ledger.entries.includes(text)) ledger.entries.push(text);
      if (state === "after") throw unavailable();
      return ledger.entries.indexOf(text);
    },
  };
  return ledger;
}

async function emptyDisk(from: Disk = diskInMemory()): Promise<Disk> {
  for (const path of [FOLDER, `${FOLDER}/.state`, `${FOLDER}/.state/staging`]) {
    await from.files.makeFolder(path);
    await from.files.syncFolder(dirname(path));
  }
  return from;
}

function logLines() {
  const lines: string[] = [];
  const log = (message: string): void => void lines.push(message);
  return { lines, log: { info: log, warn: log } };
}

async function open(
  ledger: ReturnType<typeof fakeLedger>,
  disk: Disk,
  more: Partial<SpoolOptions> = {},
): Promise<Spool> {
  return await openSpool({ ledger, files: disk.files, log: logLines().log, patienceMs: 20, retryMs: 5, ...more });
}

/** Waits until it holds; the time limit of the suite ends it otherwise. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(1);
}

describe("the spool", { timeout: 30_000 }, () => {
  it("is no detour while the ledger takes entries", async () => {
    const [ledger, disk] = [fakeLedger(), await emptyDisk()];
    const spool = await open(ledger, disk);
    const before = disk.calls().length;
    await spool.append(entry("a"));
    await spool.append(entry("b"));
    assert.deepEqual(ledger.entries, ["a", "b"]);
    assert.equal(disk.calls().length, before, "nothing is written here");
    assert.equal(spool.waiting, 0);
    await spool.close();
  });

  for (const state of ["away", "hangs"] as const) {
    it(`keeps what a ledger that ${state === "away" ? "is away" : state} does not take, and delivers it in order`, async () => {
      const [ledger, disk, { lines, log }] = [fakeLedger(), await emptyDisk(), logLines()];
      const spool = await open(ledger, disk, { log });
      ledger.state = state;
      const texts = Array.from({ length: 700 }, (_, index) => `entry ${index}`);
      await spool.append(entry(texts[0] as string));
      assert.equal(spool.waiting, 1);
      await Promise.all(texts.slice(1).map((text) => spool.append(entry(text))));
      assert.equal(spool.waiting, texts.length);
      ledger.state = "away";
      if (state === "hangs") {
        // What hangs ends with the connection: a batch that does is sent again by the next process.
        await spool.append(entry("last"));
        const next = fakeLedger();
        const again = await open(next, disk);
        await until(() => again.waiting === 0);
        assert.deepEqual(next.entries, [...texts, "last"]);
        return;
      }
      ledger.state = "takes";
      await until(() => spool.waiting === 0);
      await spool.append(entry("last"));
      assert.deepEqual(ledger.entries, [...texts, "last"]);
      assert.deepEqual(
        lines.map((line) => line.slice(0, 30)),
        ["the database does not take ent", "what was kept in the data fold"],
      );
      await spool.close();
    });
  }

  it("lets nothing overtake what waits", async () => {
    const [ledger, disk] = [fakeLedger(), await emptyDisk()];
    const spool = await open(ledger, disk, { retryMs: 40 });
    ledger.state = "away";
    await spool.append(entry("first"));
    await until(() => ledger.appends >= 2);
    // The ledger is back, and the next attempt to deliver is still to come.
    ledger.state = "takes";
    await spool.append(entry("second"));
    await until(() => spool.waiting === 0);
    assert.deepEqual(ledger.entries, ["first", "second"]);
    await spool.close();
  });

  it("delivers what a process that died had acknowledged, once, also where the ledger has it already", async () => {
    const [ledger, disk] = [fakeLedger(), await emptyDisk()];
    const spool = await open(ledger, disk, { retryMs: 100_000 });
    // The ledger has it, and could not say so.
    ledger.state = "after";
    await spool.append(entry("a"));
    ledger.state = "away";
    await spool.append(entry("b"));
    assert.deepEqual(ledger.entries, ["a"]);
    // No close: the power fails, and nothing of what was not certain survives.
    const survivor = await emptyDisk(disk.afterPowerCut(() => false));
    ledger.state = "takes";
    const next = await open(ledger, survivor);
    await until(() => next.waiting === 0);
    assert.deepEqual(ledger.entries, ["a", "b"]);
    await next.close();
    // Delivered is gone from here.
    const third = await open(fakeLedger(), survivor);
    assert.equal(third.waiting, 0);
    await third.close();
  });

  it("leaves what is not delivered at its end to the next", async () => {
    const [ledger, disk, { lines, log }] = [fakeLedger(), await emptyDisk(), logLines()];
    const spool = await open(ledger, disk, { log });
    ledger.state = "away";
    await spool.append(entry("a"));
    await spool.close();
    assert.match(lines.at(-1) as string, /delivered at the next start/);
    await assert.rejects(spool.append(entry("b")), code("ledger.closed"));
    ledger.state = "takes";
    const next = await open(ledger, disk);
    await until(() => next.waiting === 0);
    assert.deepEqual(ledger.entries, ["a"]);
    await next.close();
  });

  it("refuses by name what it has no room for, and takes more once there is some", async () => {
    const [ledger, disk] = [fakeLedger(), await emptyDisk()];
    const spool = await open(ledger, disk, { maxBytes: 100 });
    ledger.state = "away";
    // 2 bytes of length and a leaf hash of 32 beside each.
    await spool.append(entry("x".repeat(16)));
    await spool.append(entry("y".repeat(16)));
    await assert.rejects(spool.append(entry("z")), code("ledger.spool-full"));
    ledger.state = "takes";
    await until(() => spool.waiting === 0);
    ledger.state = "away";
    await spool.append(entry("z"));
    await spool.close();
  });

  it("refuses an entry that no ledger takes", async () => {
    const [ledger, disk] = [fakeLedger(), await emptyDisk()];
    const spool = await open(ledger, disk);
    ledger.state = "away";
    await assert.rejects(spool.append(new Uint8Array(65_536)), code("ledger.entry-too-large"));
    await spool.append(new Uint8Array(65_535));
    await spool.close();
  });

  it("keeps nothing for a ledger that takes nothing any more", async () => {
    const [ledger, disk] = [fakeLedger(), await emptyDisk()];
    const spool = await open(ledger, disk);
    ledger.state = "dead";
    await assert.rejects(spool.append(entry("a")), code("ledger.failed"));
    assert.equal(spool.waiting, 0);
    // And what it kept before stays.
    ledger.state = "away";
    await spool.append(entry("b"));
    ledger.state = "dead";
    await delay(30);
    assert.equal(spool.waiting, 1);
    await spool.close();
  });

  it("stops where it cannot write, and delivers what it has all the same", async () => {
    for (const fault of ["error", "torn", "late"] as const) {
      const [ledger, disk] = [fakeLedger(), await emptyDisk()];
      const spool = await open(ledger, disk);
      ledger.state = "away";
      await spool.append(entry("a"));
      disk.failAt(disk.calls().length + 1, fault);
      await assert.rejects(spool.append(entry("b")), code("ledger.write-failed"));
      await assert.rejects(spool.append(entry("c")), code("ledger.write-failed"));
      ledger.state = "takes";
      await until(() => spool.waiting === 0);
      assert.deepEqual(ledger.entries, ["a"]);
      await spool.close();
      const next = await open(ledger, disk);
      await until(() => next.waiting === 0);
      // Only what may or may not have been written, and was not acknowledged, differs.
      assert.deepEqual(ledger.entries, fault === "late" ? ["a", "b"] : ["a"]);
      await next.close();
    }
  });

  it("begins its journal anew when much of it is delivered", async () => {
    const [ledger, disk] = [fakeLedger(), await emptyDisk()];
    const spool = await open(ledger, disk, { maxBytes: 1e9 });
    ledger.state = "away";
    const large = (index: number): Uint8Array => entry(`${index}`.padEnd(60_000, "x"));
    for (let index = 0; index < 100; index++) await spool.append(large(index));
    ledger.state = "takes";
    for (let index = 100; spool.waiting > 0; index++) await spool.append(large(index));
    await until(() => spool.waiting === 0);
    assert.ok((disk.visible().get(SPOOL)?.length ?? 0) < 1_000);
    assert.deepEqual(
      ledger.entries.map((text) => Number.parseInt(text, 10)),
      ledger.entries.map((_, index) => index),
    );
    await spool.close();
  });

  it("does not open on a journal that is damaged, or of another ledger", async () => {
    const [ledger, disk] = [fakeLedger(), await emptyDisk()];
    const spool = await open(ledger, disk, { retryMs: 100_000 });
    ledger.state = "away";
    await spool.append(entry("one entry"));
    await spool.append(entry("another"));
    const stored = Buffer.from(disk.visible().get(SPOOL) as Uint8Array);
    const damaged = Buffer.from(stored);
    damaged.write("One", damaged.indexOf("one entry"));
    await assert.rejects(
      open(ledger, await emptyDisk(diskInMemory(new Map([[SPOOL, damaged]])))),
      code("ledger.journal-damaged"),
    );
    const other = { ...fakeLedger(), origin: "example.com/other" };
    await assert.rejects(
      open(other, await emptyDisk(diskInMemory(new Map([[SPOOL, stored]])))),
      code("ledger.journal-damaged"),
    );
    // A write that was torn off was not acknowledged.
    const torn = await emptyDisk(diskInMemory(new Map([[SPOOL, stored.subarray(0, -3)]])));
    ledger.state = "takes";
    const next = await open(ledger, torn);
    await until(() => next.waiting === 0);
    assert.deepEqual(ledger.entries, ["one entry"]);
    await next.close();
  });
});
