import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { runChild } from "../../../test/servers/child.ts";
import { HoldfastError } from "../../core/index.ts";
import { openDb } from "../db.ts";
import { migrate } from "../migrate.ts";
import { storageModule } from "../module.ts";
import { sql } from "../sql.ts";
import { crashRounds } from "./crash.test.ts";

/** Runs `work` with a new folder, and removes it. */
async function inFolder(work: (home: string) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-crash-"));
  try {
    await work(home);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

describe("SQLite under many kill -9", () => {
  it("loses nothing in 40 rounds", async (test) => {
    const { acknowledged, found } = await crashRounds(40);
    test.diagnostic(`${acknowledged} rows answered in 40 rounds, ${found} found, 0 lost`);
    assert.ok(acknowledged > 1000 && found >= acknowledged);
  });

  it("can be opened and migrated after a kill while it was being made, in 40 rounds", async (test) => {
    const door = new URL("../index.ts", import.meta.url).href;
    let unfinished = 0;
    for (let round = 0; round < 40; round++) {
      await inFolder(async (home) => {
        const script = `import { migrate, openDb, storageModule } from ${JSON.stringify(door)};
          process.stdout.write("loaded");
          const db = await openDb({ url: "sqlite", home: ${JSON.stringify(home)} });
          await migrate(db, [storageModule]);
          process.stdout.write("done");
          setInterval(() => undefined, 1000);`;
        const args = ["--input-type=module", "--eval", script];
        const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
        let output = "";
        const loaded = new Promise<void>((resolve) => {
          child.stdout.on("data", (chunk: Buffer) => {
            output += chunk.toString();
            resolve();
          });
        });
        const closed = new Promise((resolve) => child.once("close", resolve));
        await loaded;
        await delay(Math.random() * 400);
        child.kill("SIGKILL");
        await closed;
        if (!output.endsWith("done")) unfinished += 1;
        const db = await openDb({ url: "sqlite", home });
        const ran = await migrate(db, [storageModule]);
        if (output.endsWith("done")) assert.deepEqual(ran, []);
        assert.deepEqual(await db.query(sql`select count(*) as n from storage_sequences`), [{ n: 1 }]);
        await db.close();
      });
    }
    test.diagnostic(`${unfinished} of 40 were killed before they were done`);
    assert.ok(unfinished > 0);
  });

  it("is made once by four processes that start at the same moment, in 8 rounds", async () => {
    const script = `const db = await storage.openDb(options);
      console.log((await storage.migrate(db, [storage.storageModule])).length);
      await db.close();`;
    for (let round = 0; round < 8; round++) {
      await inFolder(async (home) => {
        const ends = await Promise.all(Array.from({ length: 4 }, () => runChild(script, { url: "sqlite", home })));
        assert.deepEqual(ends.map(({ output }) => output).toSorted(), ["0\n", "0\n", "0\n", "1\n"]);
      });
    }
  });
});

describe("a SQLite file with bytes changed at random", () => {
  it("opens or is refused, reads or fails, always by name, in 200 rounds", async (test) => {
    await inFolder(async (home) => {
      const path = join(home, "state.db");
      const db = await openDb({ url: "sqlite", home });
      await migrate(db, [storageModule]);
      await db.execute(sql`create table t (id bigint not null primary key, body text not null)`);
      await db.execute(sql`create index t_body on t (body)`);
      for (let id = 0; id < 60; id++) await db.execute(sql`insert into t values (${id}, ${`${id}`.repeat(100)})`);
      await db.close();
      const whole = await readFile(path);
      let refused = 0;
      for (let round = 0; round < 200; round++) {
        const bytes = Buffer.from(whole);
        for (let flips = 1 + Math.floor(Math.random() * 8); flips > 0; flips--) {
          // The first page, which holds the header and the schema, gets half of them.
          const span = Math.random() < 0.5 ? 4096 : bytes.length;
          bytes[Math.floor(Math.random() * span)] = Math.floor(Math.random() * 256);
        }
        await writeFile(path, bytes);
        await rm(`${path}-wal`, { force: true });
        await rm(`${path}-shm`, { force: true });
        try {
          const changed = await openDb({ url: "sqlite", home });
          try {
            await changed.query(sql`select id, body from t order by body`);
            await changed.execute(sql`update t set body = 'x' where id = 1`);
          } finally {
            await changed.close();
          }
        } catch (error) {
          refused += 1;
          assert.ok(error instanceof HoldfastError && error.code.startsWith("storage."), String(error));
        }
      }
      test.diagnostic(`${refused} of 200 were refused`);
      assert.ok(refused > 0);
    });
  });
});
