import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Client } from "pg";
import { freePort } from "../../../test/servers/port.ts";
import { postgresMissing, startPostgres, type PostgresServer } from "../../../test/servers/postgres.ts";
import { openDb, type Db } from "../db.ts";
import { migrate } from "../migrate.ts";
import { storageModule } from "../module.ts";
import { sql } from "../sql.ts";

const open = (url: string): Promise<Db> => openDb({ url, home: "/nonexistent" });

describe("a PostgreSQL that cannot be used", () => {
  it("is named by address and reason, not by its password", async () => {
    const port = await freePort();
    await assert.rejects(open(`postgres://user:hunter2@127.0.0.1:${port}/db`), (error: Error & { code: string }) => {
      assert.equal(error.code, "storage.unavailable");
      assert.match(error.message, new RegExp(`ECONNREFUSED 127\\.0\\.0\\.1:${port}`));
      assert.doesNotMatch(`${error.message}${error.stack}${String(error.cause)}${JSON.stringify(error)}`, /hunter2/);
      return true;
    });
  });
});

describe("a real PostgreSQL", { skip: postgresMissing ?? false }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());

  /** Runs statements as the administrator. */
  const administer = async (...statements: string[]): Promise<void> => {
    const client = new Client(server.url());
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  };

  it("refuses a wrong password and a missing database without repeating the password", async () => {
    const wrong = new URL(server.url());
    wrong.password = "wr0ng-hunter2";
    for (const url of [wrong.href, server.url("nowhere")]) {
      await assert.rejects(open(url), (error: Error & { code: string }) => {
        assert.equal(error.code, "storage.unavailable");
        assert.match(error.message, /SQLSTATE (?:28P01|3D000)/);
        const all = `${error.message}${error.stack}${String(error.cause)}${JSON.stringify(error)}`;
        for (const secret of ["hunter2", server.password, encodeURIComponent(server.password)]) {
          assert.equal(all.includes(secret), false);
        }
        return true;
      });
    }
  });

  it("is refused when it would lose or change what it is given", async () => {
    await administer(
      "create database ascii template template0 encoding 'SQL_ASCII' locale 'C'",
      "create database hasty",
      "alter database hasty set synchronous_commit = off",
      "create database standby",
      "alter database standby set default_transaction_read_only = on",
    );
    for (const [database, detail] of [
      ["ascii", /SQL_ASCII/],
      ["hasty", /synchronous_commit/],
      ["standby", /read-only/],
    ] as const) {
      await assert.rejects(open(server.url(database)), (error: { code: string; detail: string }) => {
        assert.equal(error.code, "storage.unsuitable");
        assert.match(error.detail, detail);
        return true;
      });
    }
  });

  it("keeps its tables in a schema of its own, also with options in the URL", async () => {
    const url = new URL(server.url());
    url.searchParams.set("options", "-c work_mem=1MB");
    const db = await open(url.href);
    await migrate(db, [storageModule]);
    assert.deepEqual(
      await db.query(sql`select current_schema() as place, current_setting('work_mem') as mem,
        (select count(*) from pg_tables where schemaname = 'public') as elsewhere`),
      [{ place: "holdfast", mem: "1MB", elsewhere: 0 }],
    );
    await db.close();
  });

  it("works for a user who may not create schemas, once there is one", async () => {
    await administer("create database shared", "create role humble login password 'humble'");
    const admin = new Client(server.url("shared"));
    await admin.connect();
    await admin.query("create schema holdfast authorization humble");
    await admin.end();
    const url = new URL(server.url("shared"));
    url.username = "humble";
    url.password = "humble";
    const db = await open(url.href);
    assert.deepEqual(await migrate(db, [storageModule]), ["storage/0001-outbox"]);
    await db.close();
  });

  it("runs a colliding transaction again, and nothing else", async () => {
    const [one, other] = [await open(server.url()), await open(server.url())];
    await migrate(one, [storageModule]);
    await one.execute(sql`create table collide (id bigint not null primary key, n bigint not null)`);
    await one.execute(sql`insert into collide values (1, 0)`);
    let runs = 0;
    await one.transaction(async (tx) => {
      runs += 1;
      const [row] = await tx.query<{ n: number }>(sql`select n from collide where id = 1`);
      if (runs === 1) await other.execute(sql`update collide set n = 10 where id = 1`);
      await tx.execute(sql`update collide set n = ${(row?.n ?? 0) + 1} where id = 1`);
    });
    assert.equal(runs, 2);
    assert.deepEqual(await one.query(sql`select n from collide`), [{ n: 11 }]);

    let failures = 0;
    const failing = one.transaction(async (tx) => {
      failures += 1;
      await tx.execute(sql`insert into collide values (1, 0)`);
    });
    await assert.rejects(failing, { code: "storage.unique-violated" });
    assert.equal(failures, 1);
    await one.close();
    await other.close();
  });

  it("gives up by name when a transaction always collides", async () => {
    const [one, other] = [await open(server.url()), await open(server.url())];
    await one.execute(sql`create table always (n bigint not null)`);
    await one.execute(sql`insert into always values (0)`);
    let runs = 0;
    const hopeless = one.transaction(async (tx) => {
      runs += 1;
      await tx.query(sql`select n from always`);
      await other.execute(sql`update always set n = n + 1`);
      await tx.execute(sql`update always set n = 0`);
    });
    await assert.rejects(hopeless, { code: "storage.conflict" });
    assert.ok(runs > 1);
    assert.deepEqual(await one.query(sql`select n from always`), [{ n: runs }]);
    await one.close();
    await other.close();
  });

  it("fails by name when its connection is cut, does not commit, and recovers", async () => {
    const db = await open(server.url());
    await db.execute(sql`create table cut (n bigint not null)`);
    const work = db.transaction(async (tx) => {
      const [row] = await tx.query<{ pid: number }>(sql`select pg_backend_pid() as pid`);
      await tx.execute(sql`insert into cut values (1)`);
      await administer(`select pg_terminate_backend(${row?.pid})`);
      await tx.execute(sql`insert into cut values (2)`);
    });
    await assert.rejects(work, { code: "storage.unavailable" });
    assert.deepEqual(await db.query(sql`select n from cut`), []);
    await db.close();
  });

  it("fails by name while it is down, and works again when it is back", async () => {
    const db = await open(server.url());
    await db.execute(sql`create table back (n bigint not null)`);
    const answers = Promise.allSettled(Array.from({ length: 30 }, () => db.query(sql`select pg_sleep(1)`)));
    await server.kill();
    for (const answer of await answers) {
      if (answer.status === "rejected") assert.equal((answer.reason as { code: string }).code, "storage.unavailable");
    }
    await assert.rejects(db.query(sql`select 1`), { code: "storage.unavailable" });
    await assert.rejects(db.execute(sql`insert into back values (1)`), { code: "storage.unavailable" });
    await assert.rejects(
      db.transaction((tx) => tx.execute(sql`insert into back values (1)`)),
      { code: "storage.unavailable" },
    );
    await server.start();
    assert.equal(await db.execute(sql`insert into back values (2)`), 1);
    assert.deepEqual(await db.query(sql`select n from back`), [{ n: 2 }]);
    await db.close();
  });
});
