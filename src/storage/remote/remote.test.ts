/** The ports over a channel: what holds for the database and the counters holds for who reaches them from afar. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { openCounters, type Counters } from "../counters/counters.ts";
import { openDb, type Db } from "../db.ts";
import { ownText, sql } from "../sql.ts";
import { remoteStorage, type RemoteStorage } from "./client.ts";
import { storageHost, type StorageHost } from "./host.ts";
import type { StorageReply, StorageRequest } from "./protocol.ts";

let home = "";
let db: Db;
let counters: Counters;

/** One other process: messages are copied as between processes. */
function connect(): { storage: RemoteStorage; host: StorageHost; messages: () => number } {
  let messages = 0;
  const host: StorageHost = storageHost({ db, counters }, (replies) => {
    const copy = structuredClone(replies) as StorageReply[];
    setImmediate(() => storage.receive(copy));
  });
  const storage = remoteStorage((requests) => {
    messages++;
    const copy = structuredClone(requests) as StorageRequest[];
    setImmediate(() => host.receive(copy));
  });
  return { storage, host, messages: () => messages };
}

before(async () => {
  home = await mkdtemp(join(tmpdir(), "holdfast-remote-storage-"));
  db = await openDb({ url: "sqlite", home });
  counters = await openCounters({ url: "memory" });
  await db.execute(ownText("create table account (id text not null primary key, amount bigint not null, bytes bytea)"));
});
after(async () => {
  await counters.close();
  await db.close();
  await rm(home, { recursive: true, force: true });
});

const amountOf = async (from: Db, id: string): Promise<number | undefined> =>
  (await from.query<{ amount: number }>(sql`select amount from account where id = ${id}`))[0]?.amount;

describe("a database reached from another process", () => {
  it("keeps values as they are, bytes and big integers among them", async () => {
    const { storage } = connect();
    const bytes = Buffer.from("a view into a larger buffer").subarray(2, 6);
    const count = await storage.db.execute(
      sql`insert into account (id, amount, bytes) values (${"it's"}, ${2n ** 60n}, ${bytes})`,
    );
    assert.equal(count, 1);
    const [row] = await storage.db.query<{ amount: bigint; bytes: Uint8Array }>(
      sql`select amount, bytes from account where id = ${"it's"}`,
    );
    assert.equal(row?.amount, 2n ** 60n);
    assert.deepEqual(Buffer.from(row?.bytes ?? []), Buffer.from(bytes));
  });

  it("loses no update of two processes at once, in transactions", async () => {
    const both = [connect().storage.db, connect().storage.db];
    await db.execute(sql`insert into account (id, amount) values ('sum', 0)`);
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (both[index % 2] as Db).transaction(async (tx) => {
          const now = (await amountOf(tx, "sum")) ?? 0;
          await tx.execute(sql`update account set amount = ${now + 1} where id = 'sum'`);
        }),
      ),
    );
    assert.equal(await amountOf(db, "sum"), 10);
  });

  it("rolls back what throws, what fails, and what its process did not live to commit", async () => {
    const { storage, host } = connect();
    const insert = (tx: Db, id: string) => tx.execute(sql`insert into account (id, amount) values (${id}, 1)`);
    await assert.rejects(
      storage.db.transaction(async (tx) => {
        await insert(tx, "thrown");
        throw new Error("no");
      }),
      /no/,
    );
    await assert.rejects(
      storage.db.transaction(async (tx) => {
        await insert(tx, "twice");
        await insert(tx, "twice").catch(() => undefined);
      }),
      (error) => isHoldfastError(error, "storage.unique-violated"),
    );
    const [begun, dead] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const died = storage.db
      .transaction(async (tx) => {
        await insert(tx, "dead");
        begun.resolve();
        await dead.promise;
      })
      .catch((error: unknown) => error);
    await begun.promise;
    host.end();
    // Others go on at once: no transaction of the dead holds the database.
    assert.equal(await connect().storage.db.execute(sql`insert into account (id, amount) values ('next', 1)`), 1);
    dead.resolve();
    assert.ok(isHoldfastError(await died));
    for (const id of ["thrown", "twice", "dead"]) assert.equal(await amountOf(db, id), undefined, id);
  });

  it("takes only what the tag made, and is not used around its own transaction", async () => {
    const { storage } = connect();
    const forged = { text: ["delete from account"], values: [] };
    await assert.rejects(storage.db.execute(forged), (error) => isHoldfastError(error, "storage.sql-untagged"));
    await assert.rejects(
      storage.db.transaction(() => storage.db.query(sql`select 1 as one`)),
      (error) => isHoldfastError(error, "storage.transaction-nested"),
    );
  });

  it("sends what is asked in one turn in one message", async () => {
    const { storage, messages } = connect();
    await Promise.all(Array.from({ length: 50 }, () => storage.db.query(sql`select 1 as one`)));
    assert.equal(messages(), 1);
  });

  it("fails, rather than waits, once its owner is gone or it was closed", async () => {
    const { storage } = connect();
    const waiting = storage.db.query(sql`select 1 as one`);
    storage.lost();
    await assert.rejects(waiting, (error) => isHoldfastError(error, "storage.unavailable"));
    await assert.rejects(storage.counters.take("k", { perMinute: 1 }), (error) =>
      isHoldfastError(error, "storage.unavailable"),
    );
    const other = connect().storage;
    await other.db.close();
    await other.counters.close();
    await assert.rejects(other.db.query(sql`select 1 as one`), (error) => isHoldfastError(error, "storage.closed"));
    await assert.rejects(other.counters.take("k", { perMinute: 1 }), (error) =>
      isHoldfastError(error, "storage.closed"),
    );
  });
});

describe("counters reached from other processes", () => {
  it("count all of them together, exactly", async () => {
    const [one, two] = [connect().storage.counters, connect().storage.counters];
    assert.equal(one.shared, true, "who shares counters must not believe that it counts alone");
    const taken = await Promise.all(
      Array.from({ length: 30 }, (_, index) => (index % 2 === 0 ? one : two).take("rate", { perMinute: 10 })),
    );
    assert.equal(taken.filter(({ allowed }) => allowed).length, 10);
    const place = await one.acquire("places", 1, 60_000);
    assert.ok(place);
    assert.equal(await two.acquire("places", 1, 60_000), undefined);
    await two.release("places", place.id);
    assert.ok(await two.acquire("places", 1, 60_000));
    await assert.rejects(one.take("rate", { perMinute: -1 }), (error) =>
      isHoldfastError(error, "storage.limit-invalid"),
    );
  });

  it("hold quotas across processes", async () => {
    const both = [connect().storage.counters, connect().storage.counters];
    const quota = (index: number, epoch: string | undefined) =>
      (both[index % 2] as Counters).quota({
        op: "reserve",
        holder: `holder-${index % 2}`,
        epoch,
        lease: `lease-${index}`,
        ttlMs: 60_000,
        claims: [
          {
            counter: "budget",
            window: "total",
            limit: 5,
            amount: 1,
            known: { start: 0, base: 0, own: 0 },
            chargeIfLost: false,
          },
        ],
        nothingBefore: true,
      });
    const { epoch } = await (both[0] as Counters).quota({
      op: "report",
      holder: "holder-0",
      epoch: undefined,
      lease: "",
      ttlMs: 60_000,
      claims: [],
      nothingBefore: true,
    });
    const answers = await Promise.all(Array.from({ length: 9 }, (_, index) => quota(index, epoch)));
    assert.equal(answers.filter(({ status }) => status === "done").length, 5);
    assert.equal(answers.filter(({ status }) => status === "refused").length, 4);
  });
});
