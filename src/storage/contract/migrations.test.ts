/**
 * Contract: each step of the schema runs once, however many start at once, and nothing is touched in doubt.
 *
 * @module
 */

import assert from "node:assert/strict";
import { it } from "node:test";
import { onEachDatabase } from "../../../test/servers/databases.ts";
import { migrate } from "../migrate.ts";
import { sql } from "../sql.ts";
import { runChild } from "../../../test/servers/child.ts";

const first = {
  id: "0001-tally",
  statements: ["create table tally (name text not null, runs bigint not null)", "insert into tally values ('x', 0)"],
};
/** Steps that leave a trace each time they run. */
const counting = ["0002-count", "0003-count"].map((id) => ({ id, statements: ["update tally set runs = runs + 1"] }));
const module = { name: "counted", migrations: [first, ...counting] };
const ALL = ["counted/0001-tally", "counted/0002-count", "counted/0003-count"];

onEachDatabase("migrations", (stage) => {
  const runs = async (): Promise<unknown> => (await stage().db.query(sql`select runs from tally`))[0];

  it("lets four processes migrate at once, and runs each step once", async () => {
    const script = `
      const db = await storage.openDb(options);
      console.log(JSON.stringify(await storage.migrate(db, [${JSON.stringify(module)}])));
      await db.close();`;
    const ends = await Promise.all(Array.from({ length: 4 }, () => runChild(script, stage().options)));
    for (const { code, output } of ends) assert.equal(code, 0, output);
    assert.deepEqual(
      ends.map(({ output }) => output.trim()).toSorted(),
      [JSON.stringify(ALL), "[]", "[]", "[]"].toSorted(),
    );
    assert.deepEqual(await runs(), { runs: 2 });
  });

  it("lets many connections of one process migrate at once", async () => {
    const more = { name: "more", migrations: [{ id: "0001-count", statements: ["update tally set runs = runs + 1"] }] };
    const all = await Promise.all(Array.from({ length: 4 }, () => stage().another()));
    const ran = await Promise.all([...all, ...all].map((db) => migrate(db, [module, more])));
    assert.deepEqual(ran.flat(), ["more/0001-count"]);
    assert.deepEqual(await runs(), { runs: 3 });
    await stage().db.execute(sql`delete from storage_migrations where module = 'more'`);
  });

  it("has nothing to do the second time, and adds what is new at the end", async () => {
    const { db } = stage();
    assert.deepEqual(await migrate(db, [module]), []);
    const longer = {
      ...module,
      migrations: [...module.migrations, { id: "0004-note", statements: ["create table note (t text)"] }],
    };
    assert.deepEqual(await migrate(db, [longer]), ["counted/0004-note"]);
    assert.deepEqual(await migrate(db, [longer]), []);
    await assert.rejects(migrate(db, [module]), { code: "storage.migration-unknown", detail: "counted/0004-note" });
    await db.execute(sql`drop table note`);
    await db.execute(sql`delete from storage_migrations where id = '0004-note'`);
  });

  it("refuses an edited step by name", async () => {
    const edited = {
      ...module,
      migrations: [first, { id: "0002-count", statements: ["drop table tally"] }, counting[1]],
    };
    await assert.rejects(migrate(stage().db, [edited as typeof module]), {
      code: "storage.migration-edited",
      detail: "counted/0002-count",
    });
    assert.deepEqual(await runs(), { runs: 3 });
  });

  it("refuses a step or a module that a newer version left", async () => {
    const { db } = stage();
    await assert.rejects(migrate(db, [{ name: "counted", migrations: [first] }]), {
      code: "storage.migration-unknown",
      detail: "counted/0002-count",
    });
    await assert.rejects(migrate(db, []), { code: "storage.migration-unknown" });
  });

  it("refuses lists that are not in order", async () => {
    const { db } = stage();
    const ids = [
      ["0001-a", "0001-b"],
      ["0002-a", "0001-b"],
      ["1-a"],
      ["0001_a"],
      ["0001-A"],
      ["../../0001-a"],
      ["0001-a", "0001-a"],
    ];
    for (const list of ids) {
      const migrations = list.map((id) => ({ id, statements: [] }));
      await assert.rejects(
        migrate(db, [{ name: "odd", migrations }]),
        { code: "storage.migration-invalid" },
        list.join(),
      );
    }
    await assert.rejects(migrate(db, [module, module]), { code: "storage.migration-invalid" });
    await db.execute(sql`delete from storage_migrations where id = '0002-count'`);
    await assert.rejects(migrate(db, [module]), { code: "storage.migration-invalid" });
    assert.deepEqual(await runs(), { runs: 3 });
  });

  it("undoes everything when a step fails, and names it", async () => {
    const { db } = stage();
    const failing = {
      name: "failing",
      migrations: [
        { id: "0001-good", statements: ["create table good (t text)", "insert into good values ('x')"] },
        { id: "0002-bad", statements: ["insert into good values ('y')", "insert into missing values (1)"] },
      ],
    };
    const modules = [
      { name: "counted", migrations: [first, { id: "0003-count", statements: counting[1]?.statements ?? [] }] },
      failing,
    ];
    await assert.rejects(migrate(db, modules), (error: { code: string; detail: string }) => {
      assert.equal(error.code, "storage.migration-failed");
      assert.match(error.detail, /^failing\/0002-bad, statement 2: /);
      return true;
    });
    await assert.rejects(db.query(sql`select t from good`), { code: "storage.statement-refused" });
    assert.deepEqual(await db.query(sql`select id from storage_migrations where module = 'failing'`), []);
  });
});
