/** A real server that stands still: its connections stay open, and nothing answers on them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { postgresMissing, startPostgres } from "../../../test/servers/postgres.ts";
import { openDb } from "../db.ts";
import { migrate } from "../migrate.ts";
import { storageModule } from "../module.ts";
import { sql } from "../sql.ts";

describe("a real PostgreSQL that stands still", { skip: postgresMissing ?? false, timeout: 60_000 }, () => {
  it("fails what waits for it, then all that is asked at once, and is used again when it goes on", async () => {
    const server = await startPostgres();
    const db = await openDb({ url: server.url(), home: "/nonexistent" });
    const untilBack = async (): Promise<void> => {
      while (db.away?.() !== false) await delay(10);
    };
    try {
      await migrate(db, [storageModule]);
      await db.execute(sql`create table t (n bigint not null)`);
      server.pause();
      const started = performance.now();
      const waiting = [
        db.query(sql`select 1`),
        db.execute(sql`insert into t values (1)`),
        db.transaction((tx) => tx.execute(sql`insert into t values (2)`)),
        // More than the pool has: these wait for a connection.
        ...Array.from({ length: 20 }, () => db.query(sql`select 1`)),
      ];
      for (const { status, reason } of (await Promise.allSettled(waiting)) as PromiseRejectedResult[]) {
        assert.equal(status, "rejected");
        assert.equal((reason as { code: string }).code, "storage.unavailable");
      }
      assert.ok(performance.now() - started < 20_000, "long before any time limit of a statement");
      assert.equal(db.away?.(), true);
      const asked = performance.now();
      await assert.rejects(db.query(sql`select 1`), { code: "storage.unavailable", detail: "it does not answer" });
      assert.ok(performance.now() - asked < 1_000);

      server.resume();
      await untilBack();
      assert.deepEqual(await db.query(sql`select 1 as n`), [{ n: 1 }]);
      await db.transaction((tx) => tx.execute(sql`insert into t values (3)`));
    } finally {
      server.resume();
      await db.close();
      await server.stop();
    }
  });
});
