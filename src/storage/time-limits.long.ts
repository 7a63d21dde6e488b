/**
 * Limits that take as long as they say: an idle transaction, and a lock that another process does not let go.
 */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { onEachDatabase } from "../../test/servers/databases.ts";
import { openDb } from "./db.ts";
import { migrate } from "./migrate.ts";
import { sql } from "./sql.ts";

const schema = { name: "idle", migrations: [{ id: "0001-idle", statements: ["create table idle (a text not null)"] }] };

onEachDatabase("an idle transaction", (stage) => {
  it("ends after ten seconds, undoes what it did, and lets the next go on", async () => {
    const { db, another } = stage();
    await migrate(db, [schema]);
    const idle = db.transaction(async (tx) => {
      await tx.execute(sql`insert into idle (a) values ('half')`);
      await delay(13_000);
      await tx.query(sql`select a from idle`);
    });
    const other = (await another()).transaction((tx) => tx.execute(sql`insert into idle (a) values ('whole')`));
    await assert.rejects(idle, { code: "storage.transaction-over" });
    assert.equal(await other, 1);
    assert.deepEqual(await db.query(sql`select a from idle`), [{ a: "whole" }]);
  });
});

describe("a SQLite file that another process keeps locked", () => {
  it("fails by name after ten seconds, all at once, and reads meanwhile", async () => {
    const home = await mkdtemp(join(tmpdir(), "holdfast-busy-"));
    const db = await openDb({ url: "sqlite", home });
    await db.execute(sql`create table t (n bigint not null)`);
    const other = new DatabaseSync(join(home, "state.db"));
    other.exec("begin immediate");
    const start = performance.now();
    const writes = Array.from({ length: 50 }, (_, n) => db.execute(sql`insert into t values (${n})`));
    const works = Array.from({ length: 5 }, () => db.transaction((tx) => tx.execute(sql`insert into t values (0)`)));
    const answers = Promise.allSettled([...writes, ...works]);
    assert.deepEqual(await db.query(sql`select n from t`), []);
    for (const answer of await answers) {
      assert.equal(answer.status, "rejected");
      assert.equal((answer.reason as { code: string }).code, "storage.busy");
    }
    // One after the other they would take ten seconds each.
    assert.ok(performance.now() - start < 30_000);
    other.exec("commit");
    other.close();
    assert.equal(await db.execute(sql`insert into t values (1)`), 1);
    await db.close();
    await rm(home, { recursive: true });
  });
});
