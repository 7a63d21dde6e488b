/**
 * Contract: values come back as they went in, statements count what they changed, errors have the same code.
 *
 * @module
 */

import assert from "node:assert/strict";
import { before, it } from "node:test";
import fc from "fast-check";
import type { HoldfastError } from "../../core/index.ts";
import { onEachDatabase } from "../../../test/servers/databases.ts";
import { migrate } from "../migrate.ts";
import { sql, type SqlValue } from "../sql.ts";

const schema = {
  name: "values",
  migrations: [
    {
      id: "0001-values",
      statements: [
        "create table v (id bigint not null primary key, t text, i bigint, d double precision, b bytea)",
        "create table parent (id text not null primary key, size bigint not null check (size > 0))",
        "create table child (id text not null primary key, parent text not null references parent (id))",
      ],
    },
  ],
};

interface Row {
  readonly t: string | null;
  readonly i: number | bigint | null;
  readonly d: number | null;
  readonly b: Uint8Array | null;
}

onEachDatabase("values and statements", (stage) => {
  let ids = 0;
  /** Stores a row and reads it back. */
  const roundTrip = async (t: SqlValue, i: SqlValue, d: SqlValue, b: SqlValue): Promise<Row> => {
    const { db } = stage();
    const id = ++ids;
    assert.equal(await db.execute(sql`insert into v (id, t, i, d, b) values (${id}, ${t}, ${i}, ${d}, ${b})`), 1);
    const rows = await db.query<Row>(sql`select t, i, d, b from v where id = ${id}`);
    assert.equal(rows.length, 1);
    return rows[0] as Row;
  };

  before(() => migrate(stage().db, [schema]));

  it("brings every value back with its type", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    assert.deepEqual(
      { ...(await roundTrip("naïve 😀\r\n\t\\ '\"", 42, 0.1, bytes)) },
      { t: "naïve 😀\r\n\t\\ '\"", i: 42, d: 0.1, b: bytes },
    );
    assert.deepEqual({ ...(await roundTrip(null, null, null, null)) }, { t: null, i: null, d: null, b: null });
    assert.deepEqual({ ...(await roundTrip("", 0, 0, new Uint8Array())) }, { t: "", i: 0, d: 0, b: new Uint8Array() });
    // A view into a larger buffer stores what it shows.
    assert.deepEqual((await roundTrip("", 0, 0, bytes.subarray(3, 6))).b, Uint8Array.of(3, 4, 5));
  });

  it("stores booleans as 1 and 0", async () => {
    assert.equal((await roundTrip(null, true, null, null)).i, 1);
    assert.equal((await roundTrip(null, false, null, null)).i, 0);
  });

  it("keeps integers exact to 64 bits, as a number where that is exact", async () => {
    for (const i of [2 ** 53 - 1, -(2 ** 53 - 1), 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      assert.equal((await roundTrip(null, i, null, null)).i, i);
    }
    assert.equal((await roundTrip(null, 7n, null, null)).i, 7);
  });

  it("keeps any text, number and bytes", async () => {
    const text = fc.string({ unit: "binary", maxLength: 60 }).filter((value) => !value.includes("\0"));
    const double = fc
      .double({ noDefaultInfinity: true, noNaN: true })
      .filter((value) => !Number.isInteger(value) || Number.isSafeInteger(value));
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        double,
        fc.uint8Array(),
        async (t, i, d, b) => {
          const row = await roundTrip(t, i, d, b);
          assert.equal(row.t, t);
          assert.equal(BigInt(row.i as number | bigint), i);
          // Zero has one sign in a database.
          assert.equal(row.d, d === 0 ? 0 : d);
          assert.deepEqual(row.b, b);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("keeps a megabyte of text and of bytes", async () => {
    const t = "é😀x".repeat(150_000);
    const b = new Uint8Array(1_048_576).map((_, index) => (index * 31) & 0xff);
    const row = await roundTrip(t, null, null, b);
    assert.equal(row.t === t, true);
    assert.equal(Buffer.compare(row.b ?? new Uint8Array(), b), 0);
  });

  it("computes with the same types", async () => {
    const { db } = stage();
    await db.execute(sql`delete from v`);
    for (const [id, i] of [1, 2, 4].entries()) await db.execute(sql`insert into v (id, i) values (${id}, ${i})`);
    assert.deepEqual(
      await db.query(
        sql`select count(*) as n, sum(i) as total, max(i) as most, min(t) as none, 1 < 2 as yes, 1 > 2 as no,
          coalesce(max(i), ${0}) as "camelCase" from v`,
      ),
      [{ n: 3, total: 7, most: 4, none: null, yes: 1, no: 0, camelCase: 4 }],
    );
    assert.deepEqual(await db.query(sql`select i from v order by i desc limit ${2} offset ${1}`), [{ i: 2 }, { i: 1 }]);
  });

  it("orders and compares text by its bytes", async () => {
    const { db } = stage();
    await db.execute(sql`delete from v`);
    const words = [
      "b",
      "B",
      "a",
      "A",
      "ä",
      "Z",
      "_",
      "-",
      "a-b",
      "ab",
      "é",
      "e\u0301",
      "ﬀ",
      "😀",
      "\u{ffee}",
      "",
      "10",
      "9",
    ];
    for (const [id, t] of words.entries()) await db.execute(sql`insert into v (id, t) values (${id}, ${t})`);
    const rows = await db.query<{ t: string }>(sql`select t from v order by t`);
    const byBytes = words.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    assert.deepEqual(
      rows.map((row) => row.t),
      byBytes,
    );
    assert.deepEqual(await db.query(sql`select t from v where t = ${"E\u0301"} or t = ${"B"}`), [{ t: "B" }]);
  });

  it("binds values as values, whatever they say", async () => {
    const { db } = stage();
    for (const attack of [
      "'; drop table v; --",
      "$1",
      "?1",
      "\\'; drop table v; --",
      "%' or '1'='1",
      "${1}",
      "--",
      "/*",
    ]) {
      assert.equal((await roundTrip(attack, null, null, null)).t, attack);
      assert.deepEqual(await db.query(sql`select t from v where t = ${`${attack}!`}`), []);
    }
    const forged = { text: ["1 = 1; drop table v; --"], values: [] };
    assert.throws(() => sql`select t from v where ${forged}`, { code: "storage.value-unsupported" });
    await assert.rejects(db.query(forged), { code: "storage.sql-untagged" });
    await assert.rejects(db.execute(forged), { code: "storage.sql-untagged" });
    assert.equal((await db.query(sql`select t from v`)).length > 0, true);
  });

  it("says how many rows a statement changed", async () => {
    const { db } = stage();
    await db.execute(sql`delete from v`);
    assert.equal(await db.execute(sql`insert into v (id, t) values (1, 'x'), (2, 'x'), (3, 'y')`), 3);
    assert.equal(await db.execute(sql`update v set t = 'z' where t = ${"x"}`), 2);
    assert.equal(await db.execute(sql`update v set t = 'z' where t = ${"nothing"}`), 0);
    assert.equal(await db.execute(sql`insert into v (id) values (1) on conflict do nothing`), 0);
    assert.equal(await db.execute(sql`insert into v (id) values (1) on conflict (id) do update set t = excluded.t`), 1);
    assert.equal(await db.execute(sql`create index v_t on v (t)`), 0);
    assert.equal(await db.execute(sql`select id from v`), 0);
    assert.deepEqual(await db.query(sql`delete from v where id = 3 returning id, t`), [{ id: 3, t: "y" }]);
    assert.deepEqual(await db.query(sql`update v set t = 'q' where id = 99`), []);
  });

  it("names broken rules of the schema, without the values", async () => {
    const { db } = stage();
    const secret = "hf_secret-value";
    await db.execute(sql`insert into parent (id, size) values (${secret}, 1)`);
    const refused = async (code: string, statement: ReturnType<typeof sql>): Promise<void> => {
      await assert.rejects(db.execute(statement), (error: unknown) => {
        assert.equal((error as HoldfastError).code, code);
        assert.doesNotMatch(String(error) + JSON.stringify(error) + String((error as Error).cause), /hf_secret/);
        return true;
      });
    };
    await refused("storage.unique-violated", sql`insert into parent (id, size) values (${secret}, 2)`);
    await refused("storage.constraint-violated", sql`insert into child (id, parent) values ('c', ${`${secret}2`})`);
    await refused("storage.constraint-violated", sql`insert into child (id, parent) values (${secret}, null)`);
    await refused("storage.constraint-violated", sql`insert into parent (id, size) values (${`${secret}3`}, 0)`);
    assert.deepEqual(await db.query(sql`select size from parent`), [{ size: 1 }]);
  });

  it("takes one statement at a time", async () => {
    const { db } = stage();
    await assert.rejects(db.execute(sql`delete from child; delete from parent`), { code: "storage.statement-refused" });
    await assert.rejects(db.query(sql`selec 1`), { code: "storage.statement-refused" });
    await assert.rejects(db.query(sql`select nothing from nowhere`), { code: "storage.statement-refused" });
    assert.deepEqual(await db.query(sql`select 1 as one;`), [{ one: 1 }]);
  });

  it("serves many callers at once, each with its own answer", async () => {
    const { db } = stage();
    await db.execute(sql`delete from v`);
    // Every tenth takes the id of the one before it: its neighbours in the same group must not suffer.
    const ids = Array.from({ length: 400 }, (_, index) => (index % 10 === 9 ? index - 1 : index));
    const answers = await Promise.all(
      ids.map((id) =>
        db.execute(sql`insert into v (id) values (${id})`).catch((error: unknown) => (error as HoldfastError).code),
      ),
    );
    // Which of the two with one id came first is not promised.
    assert.equal(answers.filter((answer) => answer === 1).length, 360);
    assert.equal(answers.filter((answer) => answer === "storage.unique-violated").length, 40);
    assert.deepEqual(await db.query(sql`select count(*) as n from v`), [{ n: 360 }]);
  });

  it("answers nothing after it was closed", async () => {
    const db = await stage().another();
    const last = db.query(sql`select 1 as one`);
    const closing = db.close();
    assert.deepEqual(await last, [{ one: 1 }]);
    await closing;
    await db.close();
    await assert.rejects(db.query(sql`select 1`), { code: "storage.closed" });
    await assert.rejects(db.execute(sql`delete from v`), { code: "storage.closed" });
    await assert.rejects(
      db.transaction(async () => undefined),
      { code: "storage.closed" },
    );
  });
});
