/** Replicas of one log, over a store in memory: keys, take-over of a folder, a store that is away, loses answers or is set back. */

import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { signCheckpoint } from "../checkpoint.ts";
import { ledgerError } from "../errors.ts";
import { openLedger } from "../ledger.ts";
import { EMPTY_ROOT } from "../merkle.ts";
import { parsePrivateKey } from "../note.ts";
import { openLedgerReader } from "../reader.ts";
import { verifyLedger } from "../verify.ts";
import { openSharedLedger } from "./open.ts";
import type { SharedHead, SharedStore } from "./store.ts";

const entry = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Place {
  readonly name: string;
  readonly folder: string;
  readonly keyFile: string;
}

/** The rows of a store, and what goes wrong with it. */
interface Memory extends SharedStore {
  readonly entries: Uint8Array[];
  readonly row: { head: SharedHead | undefined; published: number; epoch: number; holder: string };
  /** Each call throws this first. */
  away: boolean;
  /** Appends take effect, and their answers are lost, so many times. */
  lostAnswers: number;
  /** Reads fail from this entry on. */
  readsUpTo: number;
}

function memoryStore(): Memory {
  const indices = new Map<string, number>();
  const store: Memory = {
    entries: [],
    row: { head: undefined, published: 0, epoch: 0, holder: "" },
    away: false,
    lostAnswers: 0,
    readsUpTo: Number.POSITIVE_INFINITY,
    async head() {
      check();
      return store.row.head === undefined ? undefined : { ...store.row.head, size: store.entries.length };
    },
    async begin({ vkey, note, published, entries }) {
      check();
      if (store.row.head !== undefined) return;
      for await (const one of entries) store.entries.push(one);
      Object.assign(store.row, { head: { vkey, note, size: 0 }, published });
    },
    async append(records) {
      check();
      const result = records.map(({ leaf, framed }) => {
        const key = Buffer.from(leaf).toString("hex");
        const known = indices.get(key) ?? store.entries.push(framed.subarray(2)) - 1;
        indices.set(key, known);
        return known;
      });
      if (store.lostAnswers-- > 0) throw gone();
      return result;
    },
    async read(from, to) {
      check();
      if (to > store.readsUpTo) throw gone();
      return store.entries.slice(from, to);
    },
    async lead(holder) {
      check();
      if (store.row.holder !== "" && store.row.holder !== holder) return undefined;
      if (store.row.holder === "") store.row.epoch++;
      store.row.holder = holder;
      return store.row.epoch;
    },
    async publish(epoch, from, to, note) {
      check();
      if (epoch !== store.row.epoch || from !== store.row.published) return false;
      store.row.head = { ...(store.row.head as SharedHead), note };
      store.row.published = to;
      return true;
    },
    async leave(holder) {
      if (store.row.holder === holder) store.row.holder = "";
    },
  };
  const gone = (): Error => ledgerError("ledger.unavailable", { detail: "away" });
  const check = (): void => {
    if (store.away) throw gone();
  };
  return store;
}

/** Folders of replicas; with `like` the keys of another. */
function places(context: TestContext): (like?: Place) => Place {
  const root = mkdtempSync(join(tmpdir(), "holdfast-shared-"));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  let count = 0;
  return (like) => {
    const name = `replica-${++count}`;
    if (like !== undefined) cpSync(join(like.keyFile, ".."), join(root, name, "keys"), { recursive: true });
    return { name, folder: join(root, name, "ledger"), keyFile: join(root, name, "keys", "ledger.key") };
  };
}

async function verified({ folder, keyFile }: Place): Promise<readonly string[]> {
  const vkey = readFileSync(keyFile.replace(/\.key$/, ".vkey"), "utf8").trim();
  const report = await verifyLedger({ folder, vkey });
  assert.deepEqual(report.problems, []);
  const texts: string[] = [];
  for await (const { bytes } of openLedgerReader(folder).entries(0, report.size)) {
    texts.push(new TextDecoder().decode(bytes));
  }
  return texts;
}

/** The checkpoint of the empty tree under a replica's key, as the one that the log began with. */
function firstNote({ keyFile }: Place): string {
  return signCheckpoint(0, EMPTY_ROOT, parsePrivateKey(readFileSync(keyFile, "utf8").trim())).note;
}

const quick = { checkpointEveryMs: 10 };

test("a replica without the ledger's key makes none, and one with another is refused", async (context) => {
  const store = memoryStore();
  const place = places(context);
  const one = await openSharedLedger({ store, ...place() });
  const stranger = place();
  await assert.rejects(openSharedLedger({ store, ...stranger }), { code: "ledger.key-missing" });
  assert.equal(existsSync(stranger.keyFile), false);
  await (await openLedger(stranger)).close();
  await assert.rejects(openSharedLedger({ store, ...stranger }), { code: "ledger.not-shared" });
  await one.close();
});

test("the ledger of a folder goes on in the store, and never again without it", async (context) => {
  const store = memoryStore();
  const place = places(context);
  const here = place();
  const alone = await openLedger(here);
  for (const what of ["old 1", "old 2", "old 2"]) await alone.append(entry(what));
  await alone.checkpoint();
  await alone.append(entry("old 3"));
  await alone.close();
  const ledger = await openSharedLedger({ store, ...here });
  assert.equal(ledger.vkey, alone.vkey);
  assert.equal(await ledger.append(entry("new")), 4);
  await ledger.checkpoint();
  const all = ["old 1", "old 2", "old 2", "old 3", "new"];
  assert.deepEqual(await verified(here), all);
  await ledger.close();
  await assert.rejects(openLedger(here), { code: "ledger.shared" });
  const other = place(here);
  await (await openSharedLedger({ store, ...other })).close();
  assert.deepEqual(await verified(other), all);
});

test("who does not lead follows, and leads once the leader has left", async (context) => {
  const store = memoryStore();
  const place = places(context);
  const here = place();
  const one = await openSharedLedger({ store, ...here, ...quick });
  const there = place(here);
  const two = await openSharedLedger({ store, ...there, ...quick });
  await one.checkpoint();
  assert.equal(await two.append(entry("a")), 0);
  const led = store.row.epoch;
  assert.equal((await two.checkpoint()).size, 1);
  assert.equal(store.row.epoch, led);
  await one.close();
  await two.append(entry("b"));
  assert.equal((await two.checkpoint()).size, 2);
  assert.equal(store.row.epoch, led + 1);
  await two.close();
  assert.deepEqual(await verified(there), ["a", "b"]);
});

test("a leader that was paused while another led signs nothing more under its lease", async (context) => {
  const store = memoryStore();
  const here = places(context)();
  const ledger = await openSharedLedger({ store, ...here, checkpointEveryMs: 60_000 });
  await ledger.append(entry("a"));
  const publish = store.publish.bind(store);
  store.publish = async (epoch, from, to, note) => {
    store.row.epoch++;
    return await publish(epoch, from, to, note);
  };
  const before = store.row.head?.note;
  const waiting = ledger.checkpoint();
  await delay(50);
  assert.equal(store.row.head?.note, before);
  store.publish = publish;
  assert.equal((await waiting).size, 1);
  await ledger.close();
});

test("nothing is acknowledged while the store is away, and what was on its way is there once", async (context) => {
  const store = memoryStore();
  const here = places(context)();
  const ledger = await openSharedLedger({ store, ...here, ...quick });
  await ledger.append(entry("before"));
  store.away = true;
  let settled = 0;
  const waiting = ["one", "two", "three", "two"].map((what) => ledger.append(entry(what)));
  for (const one of waiting) void one.finally(() => settled++);
  await delay(100);
  assert.equal(settled, 0);
  store.lostAnswers = 2;
  store.away = false;
  assert.deepEqual(await Promise.all(waiting), [1, 2, 3, 2]);
  assert.equal((await ledger.checkpoint()).size, 4);
  assert.deepEqual(await verified(here), ["before", "one", "two", "three"]);
  await ledger.close();
});

test("an error that does not pass stops the ledger, and says so to whoever waits", async (context) => {
  const store = memoryStore();
  const ledger = await openSharedLedger({ store, ...places(context)() });
  store.append = () => Promise.reject(new Error("a defect"));
  await assert.rejects(ledger.append(entry("a")), { code: "ledger.write-failed" });
  await assert.rejects(ledger.append(entry("b")), { code: "ledger.failed" });
  await assert.rejects(ledger.close(), { code: "ledger.failed" });
});

test("a copy that was cut off half way goes on where it was, and verifies in between", async (context) => {
  const store = memoryStore();
  const place = places(context);
  const here = place();
  const one = await openSharedLedger({ store, ...here });
  await Promise.all(Array.from({ length: 2_500 }, (_, index) => one.append(entry(`entry ${index}`))));
  await one.checkpoint();
  const late = place(here);
  store.readsUpTo = 1_100;
  await assert.rejects(openSharedLedger({ store, ...late }), { code: "ledger.unavailable" });
  // What is ahead of its checkpoint is covered by the one that it was on its way to.
  assert.equal(existsSync(join(late.folder, "tile")), true);
  store.readsUpTo = Number.POSITIVE_INFINITY;
  const two = await openSharedLedger({ store, ...late, ...quick });
  store.readsUpTo = 3_000;
  await Promise.all(Array.from({ length: 1_500 }, (_, index) => two.append(entry(`more ${index}`))));
  await one.close().catch(() => undefined);
  await delay(60);
  store.readsUpTo = Number.POSITIVE_INFINITY;
  assert.equal((await two.checkpoint()).size, 4_000);
  await two.close();
  assert.equal((await verified(late)).length, 4_000);
});

test("other entries under what was signed, and an older state, are refused", async (context) => {
  const store = memoryStore();
  const place = places(context);
  const here = place();
  const ledger = await openSharedLedger({ store, ...here, checkpointEveryMs: 60_000 });
  for (const what of ["a", "b", "c"]) await ledger.append(entry(what));
  await ledger.checkpoint();

  const late = place(here);
  store.entries[1] = entry("B");
  await assert.rejects(openSharedLedger({ store, ...late }), { code: "ledger.damaged" });
  store.entries[1] = entry("b");

  // A backup from before, which has gone on since.
  store.entries.splice(1, 2, entry("another history"));
  Object.assign(store.row, { published: 0, head: { ...store.row.head, note: firstNote(here) } });
  await assert.rejects(ledger.checkpoint(), { code: "ledger.rolled-back" });
  await assert.rejects(ledger.append(entry("d")), { code: "ledger.failed", message: /older state/ });
  await assert.rejects(ledger.close(), { code: "ledger.failed" });
  await assert.rejects(openSharedLedger({ store, ...here }), { code: "ledger.rolled-back" });

  // And one without any.
  const empty = memoryStore();
  await assert.rejects(openSharedLedger({ store: empty, ...here }), { code: "ledger.rolled-back" });
  await assert.rejects(openSharedLedger({ store: empty, ...place(here) }), { code: "ledger.missing" });
  assert.equal(empty.row.head, undefined);
});
