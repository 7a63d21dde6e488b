/**
 * Contract: a transaction is all or nothing, and as if it were alone.
 *
 * @module
 */

import assert from "node:assert/strict";
import { before, beforeEach, it } from "node:test";
import type { Db } from "../db.ts";
import { onEachDatabase } from "../../../test/servers/databases.ts";
import { migrate } from "../migrate.ts";
import { sql } from "../sql.ts";

const schema = {
  name: "transactions",
  migrations: [
    {
      id: "0001-accounts",
      statements: ["create table account (id text not null primary key, amount bigint not null)"],
    },
  ],
};

onEachDatabase("transactions", (stage) => {
  const amount = async (db: Db, id: string): Promise<number> => {
    const [row] = await db.query<{ amount: number }>(sql`select amount from account where id = ${id}`);
    return row?.amount ?? Number.NaN;
  };
  const add = (db: Db, id: string, change: number): Promise<void> =>
    db.transaction(async (tx) => {
      const now = await amount(tx, id);
      await tx.execute(sql`update account set amount = ${now + change} where id = ${id}`);
    });

  before(() => migrate(stage().db, [schema]));
  beforeEach(async () => {
    const { db } = stage();
    await db.execute(sql`delete from account`);
    await db.execute(sql`insert into account (id, amount) values ('a', 0), ('b', 100), ('c', 100)`);
  });

  it("gives back what the work returns, and keeps what it did", async () => {
    const { db } = stage();
    const result = await db.transaction(async (tx) => {
      assert.equal(tx.dialect, db.dialect);
      await tx.execute(sql`update account set amount = 7 where id = 'a'`);
      return amount(tx, "a");
    });
    assert.equal(result, 7);
    assert.equal(await amount(db, "a"), 7);
  });

  it("loses no update of eight in parallel on two connections", async () => {
    const { db, another } = stage();
    const both = [db, await another()];
    await Promise.all(Array.from({ length: 8 }, (_, index) => add(both[index % 2] as Db, "a", 1)));
    assert.equal(await amount(db, "a"), 8);
  });

  it("lets no two transactions each break a rule that both looked at", async () => {
    // Write skew: each sees 200 in b and c together and takes 150 from one of them.
    const { db, another } = stage();
    const withdraw = (on: Db, id: string): Promise<boolean> =>
      on.transaction(async (tx) => {
        const together = (await amount(tx, "b")) + (await amount(tx, "c"));
        if (together < 150) return false;
        await tx.execute(sql`update account set amount = amount - 150 where id = ${id}`);
        return true;
      });
    const done = await Promise.all([withdraw(db, "b"), withdraw(await another(), "c")]);
    assert.equal(done.filter(Boolean).length, 1);
    assert.equal((await amount(db, "b")) + (await amount(db, "c")), 50);
  });

  it("undoes everything when the work throws, and passes the error on", async () => {
    const { db } = stage();
    const error = new Error("changed my mind");
    const work = db.transaction(async (tx) => {
      await tx.execute(sql`delete from account`);
      assert.deepEqual(await tx.query(sql`select id from account`), []);
      throw error;
    });
    await assert.rejects(work, (thrown) => thrown === error);
    assert.equal(await amount(db, "b"), 100);
  });

  it("commits nothing after a statement failed, even where the work went on", async () => {
    const { db } = stage();
    const work = db.transaction(async (tx) => {
      await tx.execute(sql`update account set amount = 1 where id = 'a'`);
      await tx.execute(sql`insert into account (id, amount) values ('a', 2)`).catch(() => undefined);
      await tx.execute(sql`update account set amount = 3 where id = 'a'`).catch(() => undefined);
    });
    await assert.rejects(work, { code: "storage.unique-violated" });
    assert.equal(await amount(db, "a"), 0);
  });

  it("shows others nothing before the commit, and lets them read meanwhile", async () => {
    const { db, another } = stage();
    const other = await another();
    await db.transaction(async (tx) => {
      await tx.execute(sql`update account set amount = 9 where id = 'a'`);
      assert.equal(await amount(other, "a"), 0);
      assert.equal(await amount(tx, "a"), 9);
    });
    assert.equal(await amount(other, "a"), 9);
  });

  it("refuses a transaction, and its own database, inside a transaction", async () => {
    const { db } = stage();
    const nested = { code: "storage.transaction-nested" };
    await db.transaction(async (tx) => {
      await assert.rejects(
        tx.transaction(async () => undefined),
        nested,
      );
      await assert.rejects(tx.close(), nested);
      await assert.rejects(
        db.transaction(async () => undefined),
        nested,
      );
      await assert.rejects(db.query(sql`select 1`), nested);
      await assert.rejects(db.execute(sql`delete from account`), nested);
      await assert.rejects(db.close(), nested);
      // A refusal is not a failed statement: the transaction goes on.
      await tx.execute(sql`update account set amount = 5 where id = 'a'`);
    });
    assert.equal(await amount(db, "a"), 5);
  });

  it("waits for statements that the work did not await", async () => {
    const { db } = stage();
    await db.transaction(async (tx) => {
      void tx.execute(sql`update account set amount = amount + 1 where id = 'a'`);
      void tx.execute(sql`update account set amount = amount + 1 where id = 'b'`);
    });
    assert.deepEqual([await amount(db, "a"), await amount(db, "b")], [1, 101]);
  });

  it("is over when the work is", async () => {
    const { db } = stage();
    let leaked: Db | undefined;
    await db.transaction(async (tx) => {
      leaked = tx;
    });
    await assert.rejects((leaked as Db).execute(sql`delete from account`), { code: "storage.transaction-over" });
    // What the work started and left running may use the database once the transaction is over.
    const over = Promise.withResolvers<void>();
    let later: Promise<number> | undefined;
    await db.transaction(async () => {
      later = over.promise.then(() => amount(db, "b"));
    });
    over.resolve();
    assert.equal(await later, 100);
  });

  it("runs many at once", async () => {
    const { db } = stage();
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        db.transaction(async (tx) => {
          await tx.execute(sql`insert into account (id, amount) values (${`n${index}`}, ${index})`);
          if (index % 3 === 0) throw new Error("no");
        }),
      ).map((work) => work.catch(() => undefined)),
    );
    assert.deepEqual(await db.query(sql`select count(*) as n from account where id like 'n%'`), [{ n: 20 }]);
  });
});
