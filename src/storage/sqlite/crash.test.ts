/**
 * The promise of `execute` and `transaction`: what was answered is on disk. A child process commits as fast as it can
 * and writes down the number of each row once that is answered; it is killed at a moment of chance; then the file must
 * open, hold every row that was written down, and no half of a transaction.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openDb } from "../db.ts";
import { sql } from "../sql.ts";

/** Rows that were answered, and rows found, over all rounds. */
export interface Tally {
  acknowledged: number;
  found: number;
}

/** Kills a writer `rounds` times on one file and checks the file after each. */
export async function crashRounds(rounds: number): Promise<Tally> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-crash-"));
  const tally = { acknowledged: 0, found: 0 };
  const known = new Set<number>();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const n of await writeUntilKilled(home, round)) known.add(n);
      const db = await openDb({ url: "sqlite", home });
      const [health] = await db.query<object>(sql`select integrity_check as verdict from pragma_integrity_check`);
      assert.deepEqual(health, { verdict: "ok" });
      const rows = new Set((await db.query<{ n: number }>(sql`select n from single`)).map(({ n }) => n));
      assert.deepEqual(
        [...known].filter((n) => !rows.has(n)),
        [],
        `lost in round ${round}`,
      );
      // Each transaction writes one row to each of the two tables.
      const halves = await db.query(
        sql`select a.n from left_half a where not exists (select 1 from right_half b where b.n = a.n)
          union all select b.n from right_half b where not exists (select 1 from left_half a where a.n = b.n)`,
      );
      assert.deepEqual(halves, []);
      tally.found = rows.size;
      await db.close();
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
  tally.acknowledged = known.size;
  return tally;
}

/** Starts a writer, kills it some time after its first answer, and returns the rows that were answered. */
async function writeUntilKilled(home: string, round: number): Promise<number[]> {
  // A file, which takes every line at once: a pipe would be full at times, and what lay in it uncertain.
  const answered = join(home, `answered-${round}`);
  const door = new URL("../index.ts", import.meta.url).href;
  const script = `
    import { openDb, sql } from ${JSON.stringify(door)};
    import { openSync, writeSync } from "node:fs";
    const answered = openSync(${JSON.stringify(answered)}, "a");
    const db = await openDb({ url: "sqlite", home: ${JSON.stringify(home)} });
    await db.execute(sql\`create table if not exists single (n bigint not null)\`);
    await db.execute(sql\`create table if not exists left_half (n bigint not null)\`);
    await db.execute(sql\`create table if not exists right_half (n bigint not null)\`);
    let next = ${round} * 1e9;
    const client = async (kind) => {
      for (;;) {
        const n = next++;
        if (kind > 0) await db.execute(sql\`insert into single values (\${n})\`);
        else await db.transaction(async (tx) => {
          await tx.execute(sql\`insert into left_half values (\${n})\`);
          await tx.execute(sql\`insert into single values (\${n})\`);
          await tx.execute(sql\`insert into right_half values (\${n})\`);
        });
        writeSync(answered, n + "\\n");
        if (n % 1e9 === 0) process.stdout.write("answered");
      }
    };
    await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(client));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const first = Promise.withResolvers<void>();
  child.stdout.once("data", () => first.resolve());
  const closed = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  await Promise.race([first.promise, closed]);
  await delay(Math.random() * 150);
  child.kill("SIGKILL");
  await closed;
  assert.equal(child.signalCode, "SIGKILL", complaints);
  // The last line may be cut: its row was answered, but its number is not known.
  return (await readFile(answered, "utf8")).split("\n").slice(0, -1).map(Number);
}

describe("SQLite under kill -9", () => {
  it("loses nothing that was answered, and keeps no half of a transaction", async () => {
    const { acknowledged, found } = await crashRounds(3);
    assert.ok(acknowledged > 0 && found >= acknowledged, `${acknowledged} answered, ${found} found`);
  });
});
