/**
 * Contract: a change and its evidence are one; evidence reaches the ledger at least once and in order.
 *
 * @module
 */

import assert from "node:assert/strict";
import { before, beforeEach, it } from "node:test";
import { decodeStatement, isHoldfastError, PredicateType, statement, type Statement } from "../../core/index.ts";
import type { Db } from "../db.ts";
import { onEachDatabase } from "../../../test/servers/databases.ts";
import { migrate } from "../migrate.ts";
import { storageModule } from "../module.ts";
import { drainEvidence, enqueueEvidence } from "../outbox.ts";
import { sql } from "../sql.ts";
import { runChild } from "../../../test/servers/child.ts";

const about = (id: string): Statement =>
  statement([{ name: "key:42", digest: { sha256: "00" } }], PredicateType.change, { id, what: "naïve 😀" });

const idOf = (entry: Uint8Array): string => (decodeStatement(entry).predicate as { id: string }).id;

onEachDatabase("the outbox of evidence", (stage) => {
  const enqueue = (db: Db, id: string): Promise<void> => db.transaction((tx) => enqueueEvidence(tx, about(id)));
  /** A ledger that keeps what it gets. */
  const ledger = () => {
    const ids: string[] = [];
    return { ids, append: async (entry: Uint8Array) => ids.push(idOf(entry)) - 1 };
  };

  before(() => migrate(stage().db, [storageModule]));
  beforeEach(() => stage().db.execute(sql`delete from storage_outbox`));

  it("appends in the order of the commits, and says where each went", async () => {
    const { db } = stage();
    const ids = Array.from({ length: 150 }, (_, index) => `e${index}`);
    for (const id of ids) await enqueue(db, id);
    const { ids: appended, append } = ledger();
    const done: [string, number][] = [];
    const count = await drainEvidence(db, append, async (id, index) => void done.push([id, index]));
    assert.equal(count, 150);
    assert.deepEqual(appended, ids);
    assert.deepEqual(
      done,
      ids.map((id, index) => [id, index]),
    );
    assert.equal(await drainEvidence(db, append), 0);
  });

  it("hands over the canonical bytes of the statement", async () => {
    const { db } = stage();
    await enqueue(db, "bytes");
    await drainEvidence(db, async (entry) => {
      assert.deepEqual(decodeStatement(entry), about("bytes"));
      return 0;
    });
  });

  it("keeps no evidence of a change that was undone", async () => {
    const { db } = stage();
    const work = db.transaction(async (tx) => {
      await enqueueEvidence(tx, about("undone"));
      throw new Error("undone");
    });
    await assert.rejects(work, /undone/);
    assert.equal(await drainEvidence(db, ledger().append), 0);
  });

  it("refuses evidence without an id, and one id twice", async () => {
    const { db } = stage();
    for (const predicate of [undefined, null, "id", {}, { id: "" }, { id: 1 }]) {
      const odd = statement([{ name: "x", digest: {} }], PredicateType.change, predicate);
      const work = db.transaction((tx) => enqueueEvidence(tx, odd));
      await assert.rejects(work, { code: "storage.evidence-without-id" });
    }
    await enqueue(db, "once");
    await assert.rejects(enqueue(db, "once"), { code: "storage.unique-violated" });
  });

  it("does not append again what it could not take out", async () => {
    const { db } = stage();
    await enqueue(db, "one");
    const { ids, append } = ledger();
    const indexes: number[] = [];
    for (let round = 0; round < 3; round++) {
      await assert.rejects(
        drainEvidence(db, append, async (_id, index) => {
          indexes.push(index);
          throw new Error("the database takes no writes");
        }),
      );
    }
    assert.equal(await drainEvidence(db, append, async (_id, index) => void indexes.push(index)), 1);
    assert.deepEqual(ids, ["one"]);
    assert.deepEqual(indexes, [0, 0, 0, 0]);
  });

  it("refuses evidence that no entry of the ledger could hold", async () => {
    const { db } = stage();
    const big = statement(about("big").subject, PredicateType.change, { id: "big", what: "x".repeat(70_000) });
    await assert.rejects(
      db.transaction((tx) => enqueueEvidence(tx, big)),
      (error) => isHoldfastError(error, "storage.evidence-too-large"),
    );
    assert.equal(await drainEvidence(db, ledger().append), 0);
  });

  it("keeps what could not be appended, and goes on there", async () => {
    const { db } = stage();
    for (const id of ["a", "b", "c"]) await enqueue(db, id);
    const { ids, append } = ledger();
    const failing = (entry: Uint8Array): Promise<number> =>
      idOf(entry) === "b" ? Promise.reject(new Error("disk full")) : append(entry);
    await assert.rejects(drainEvidence(db, failing), /disk full/);
    assert.deepEqual(ids, ["a"]);
    assert.equal(await drainEvidence(db, append), 2);
    assert.deepEqual(ids, ["a", "b", "c"]);
  });

  it("appends again, with the same id, what a killed process had appended but not taken out", async () => {
    const { db, options } = stage();
    for (const id of ["a", "b", "c"]) await enqueue(db, id);
    const end = await runChild(
      `const db = await storage.openDb(options);
      let appended = 0;
      await storage.drainEvidence(db, async (entry) => {
        console.log(Buffer.from(entry).toString("base64"));
        if (++appended === 2) process.kill(process.pid, "SIGKILL");
        return 0;
      });`,
      options,
    );
    assert.equal(end.signal, "SIGKILL", end.output);
    const before = end.output
      .trim()
      .split("\n")
      .map((line) => Buffer.from(line, "base64"));
    assert.deepEqual(before.map(idOf), ["a", "b"]);
    const after: Uint8Array[] = [];
    assert.equal(await drainEvidence(db, async (entry) => after.push(entry)), 2);
    assert.deepEqual(after.map(idOf), ["b", "c"]);
    assert.equal(Buffer.compare(before[1] as Buffer, after[0] as Uint8Array), 0);
  });

  it("takes evidence from many at once, each exactly once, later changes after earlier ones", async () => {
    const { db, another } = stage();
    const both = [db, await another()];
    // Each writer waits for its own commits, so its evidence must come out in its own order.
    const writer = async (name: string, index: number): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) await enqueue(both[index % 2] as Db, `${name}${turn}`);
    };
    const names = ["p", "q", "r", "s"];
    await Promise.all(names.map(writer));
    const { ids, append } = ledger();
    const counts = await Promise.all([drainEvidence(db, append), drainEvidence(db, append)]);
    assert.deepEqual(counts, [20, 0]);
    for (const name of names) {
      assert.deepEqual(
        ids.filter((id) => id.startsWith(name)),
        [0, 1, 2, 3, 4].map((turn) => `${name}${turn}`),
      );
    }
  });

  it("lets `done` use the database", async () => {
    const { db } = stage();
    await enqueue(db, "seen");
    let waiting = -1;
    await drainEvidence(db, ledger().append, async (id) => {
      waiting = (await db.query(sql`select id from storage_outbox where id = ${id}`)).length;
    });
    assert.equal(waiting, 1);
  });
});
