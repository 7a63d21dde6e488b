import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { runChild } from "../../../test/servers/child.ts";
import { openDb, type Db } from "../db.ts";
import { sql } from "../sql.ts";

const folder = mkdtempSync(join(tmpdir(), "holdfast-sqlite-"));
let made = 0;
const newPath = (): string => join(folder, `${++made}.db`);
const open = (path: string): Promise<Db> => openDb({ url: `sqlite:${path}`, home: folder });

/** A file with a few hundred pages. */
async function filled(): Promise<string> {
  const path = newPath();
  const db = await open(path);
  await db.execute(sql`create table t (id bigint not null primary key, body text not null)`);
  await Promise.all(
    Array.from({ length: 500 }, (_, id) => db.execute(sql`insert into t values (${id}, ${"x".repeat(900)})`)),
  );
  await db.close();
  return path;
}

after(() => rmSync(folder, { recursive: true }));

describe("the SQLite file", () => {
  it("is made with its folder, readable by its owner alone", async () => {
    const home = join(folder, "deep", "home");
    const db = await openDb({ url: "sqlite", home });
    await db.execute(sql`create table t (a text)`);
    for (const file of ["state.db", "state.db-wal", "state.db-shm"]) {
      assert.equal(statSync(join(home, file)).mode & 0o777, 0o600, file);
    }
    assert.equal(statSync(home).mode & 0o777, 0o700);
    await db.close();
    // Closed in good order, everything is in the one file.
    assert.equal(existsSync(join(home, "state.db-wal")), false);
  });

  it("gets its mode back where that was loosened", async () => {
    const path = newPath();
    await (await open(path)).close();
    chmodSync(path, 0o644);
    await (await open(path)).close();
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it("commits to disk before it answers", async () => {
    const path = newPath();
    const db = await open(path);
    await db.execute(sql`create table t (a text)`);
    // Reads go to the other connection, whose settings do not matter: this asks the one that writes.
    await db.transaction(async (tx) => {
      assert.deepEqual(await tx.query(sql`pragma synchronous`), [{ synchronous: 2 }]);
      assert.deepEqual(await tx.query(sql`pragma journal_mode`), [{ journal_mode: "wal" }]);
      assert.deepEqual(await tx.query(sql`pragma foreign_keys`), [{ foreign_keys: 1 }]);
      assert.deepEqual(await tx.query(sql`pragma trusted_schema`), [{ trusted_schema: 0 }]);
    });
    await db.close();
  });

  it("is refused when it is another program's, and left as it was", async () => {
    const path = newPath();
    const other = new DatabaseSync(path);
    other.exec("create table theirs (a text); insert into theirs values ('x')");
    other.close();
    const before = readFileSync(path);
    await assert.rejects(open(path), { code: "storage.foreign" });
    assert.equal(Buffer.compare(readFileSync(path), before), 0);

    const marked = newPath();
    const empty = new DatabaseSync(marked);
    empty.exec("pragma application_id = 12345");
    empty.close();
    await assert.rejects(open(marked), { code: "storage.foreign" });
  });

  it("is refused when it is no database, whatever its size, and left as it was", async () => {
    for (const size of [1, 15, 100, 512, 4096, 100_000]) {
      const path = newPath();
      const bytes = Buffer.alloc(size, "not a database ");
      writeFileSync(path, bytes);
      await assert.rejects(open(path), { code: "storage.foreign" }, `${size} bytes`);
      assert.equal(Buffer.compare(readFileSync(path), bytes), 0);
    }
    const directory = join(folder, "directory.db");
    mkdirSync(directory);
    await assert.rejects(open(directory), { code: "storage.foreign" });
  });

  it("is refused by name when it is damaged", async () => {
    const path = await filled();
    const whole = readFileSync(path);
    // Every page but the first, one byte in each part of the file: a flip that does not matter to SQLite's structure
    // (inside a text) is none of its business, so whole pages are overwritten.
    for (const page of [1, 2, 40, 100]) {
      writeFileSync(path, Buffer.from(whole).fill(0xa5, page * 4096, (page + 1) * 4096));
      await assert.rejects(open(path), { code: "storage.corrupt" }, `page ${page}`);
    }
    writeFileSync(path, whole);
    truncateSync(path, 20 * 4096);
    await assert.rejects(open(path), { code: "storage.corrupt" }, "truncated");
    writeFileSync(path, whole);
    await (await open(path)).close();
  });

  it("is reported by path when it cannot be made", async () => {
    const blocked = join(folder, "file");
    writeFileSync(blocked, "");
    await assert.rejects(open(join(blocked, "state.db")), (error: { code: string; detail: string }) => {
      assert.equal(error.code, "storage.open-failed");
      assert.match(error.detail, /state\.db: E/);
      return true;
    });
  });

  it("says so when it may grow no further, and keeps what it acknowledged", async () => {
    const path = newPath();
    const db = await open(path);
    await db.execute(sql`create table t (id bigint not null primary key, body text not null)`);
    await db.execute(sql`pragma max_page_count = 60`);
    const insert = (id: number): Promise<unknown> =>
      db.execute(sql`insert into t values (${id}, ${"x".repeat(3000)})`).catch((error: { code: string }) => error.code);
    const answers: unknown[] = [];
    for (let at = 0; at < 200; at += 10) {
      answers.push(...(await Promise.all(Array.from({ length: 10 }, (_, index) => insert(at + index)))));
    }
    assert.deepEqual([...new Set(answers)], [1, "storage.full"]);
    const acknowledged = answers.flatMap((answer, id) => (answer === 1 ? [id] : []));
    const work = db.transaction(async (tx) => {
      await tx.execute(sql`insert into t values (1000, ${"y".repeat(100_000)})`);
    });
    await assert.rejects(work, { code: "storage.full" });
    const rows = await db.query<{ id: number }>(sql`select id from t order by id`);
    assert.deepEqual(
      rows.map(({ id }) => id),
      acknowledged,
    );
    // Room again, and all goes on.
    await db.execute(sql`pragma max_page_count = 10000`);
    assert.equal(await insert(2000), 1);
    await db.close();
  });
});

describe("several users of one SQLite file", () => {
  it("lets a process write beside another, without losing a row", async () => {
    const path = newPath();
    const db = await open(path);
    await db.execute(sql`create table t (who text not null, n bigint not null)`);
    const script = `const db = await storage.openDb(options);
      await Promise.all(Array.from({ length: 200 }, (_, n) => db.execute(storage.sql\`insert into t values ('child', \${n})\`)));
      await db.close();`;
    const child = runChild(script, { url: `sqlite:${path}`, home: folder });
    const ended = new AbortController();
    void child.finally(() => ended.abort());
    let own = 0;
    while (!ended.signal.aborted) {
      await db.transaction((tx) => tx.execute(sql`insert into t values ('parent', ${own})`));
      own += 1;
    }
    const { code, output } = await child;
    assert.equal(code, 0, output);
    assert.deepEqual(await db.query(sql`select who, count(*) as n from t group by who order by who`), [
      { who: "child", n: 200 },
      { who: "parent", n: own },
    ]);
    await db.close();
  });

  it("is left unlocked by a process that was killed inside a transaction", async () => {
    const path = newPath();
    const db = await open(path);
    await db.execute(sql`create table t (a text)`);
    const end = await runChild(
      `const db = await storage.openDb(options);
      await db.transaction(async (tx) => {
        await tx.execute(storage.sql\`insert into t values ('half')\`);
        process.kill(process.pid, "SIGKILL");
        await new Promise(() => undefined);
      });`,
      { url: `sqlite:${path}`, home: folder },
    );
    assert.equal(end.signal, "SIGKILL", end.output);
    assert.equal(await db.execute(sql`insert into t values ('whole')`), 1);
    assert.deepEqual(await db.query(sql`select a from t`), [{ a: "whole" }]);
    await db.close();
  });

  it("reads while another process holds the write lock, and writes when that lets go", async () => {
    const path = newPath();
    const db = await open(path);
    await db.execute(sql`create table t (a text)`);
    const other = new DatabaseSync(path);
    other.exec("begin immediate; insert into t values ('theirs')");
    const writing = db.execute(sql`insert into t values ('ours')`);
    assert.deepEqual(await db.query(sql`select a from t`), []);
    other.exec("commit");
    other.close();
    assert.equal(await writing, 1);
    assert.deepEqual(await db.query(sql`select a from t order by a`), [{ a: "ours" }, { a: "theirs" }]);
    await db.close();
  });

  it("does not keep a process alive that has nothing to wait for", async () => {
    const script = `const db = await storage.openDb(options);
      await db.execute(storage.sql\`create table t (a text)\`);
      console.log("end");`;
    const { code, output } = await runChild(script, { url: `sqlite:${newPath()}`, home: folder });
    assert.deepEqual({ code, output }, { code: 0, output: "end\n" });
  });
});
