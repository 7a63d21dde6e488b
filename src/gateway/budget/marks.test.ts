import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { openGatewayDatabase, type GatewayDatabase } from "../../../test/gateway/database.ts";
import { systemClock } from "../../core/index.ts";
import { openCounters, type Db } from "../../storage/index.ts";
import { newAccount, type Account } from "./account.ts";
import { Marks } from "./marks.ts";
import { enterPeriod, raiseMark } from "./store.ts";

const LIMIT = 1_600;
let names = 0;

describe("marks", () => {
  let database: GatewayDatabase;
  let db: Db;
  before(async () => {
    database = await openGatewayDatabase();
    ({ db } = database);
  });
  after(() => database.close());

  /** Marks over a database that counts what it is asked, and can be held up. */
  async function marksOn(shared: boolean) {
    const asked = { times: 0, hold: Promise.resolve() };
    const held = async <T>(work: () => Promise<T>): Promise<T> => {
      asked.times++;
      await asked.hold;
      return await work();
    };
    const counted: Db = { ...db, dialect: db.dialect, query: (statement) => held(() => db.query(statement)) };
    const counters = { ...(await openCounters({ url: "memory" })), shared };
    const log = { warn: () => undefined, info: () => undefined };
    const marks = new Marks({ counters, db: counted, clock: systemClock, log, leaseMs: 60_000 });
    const counter = `m${++names}|tokens|total`;
    const account: Account = newAccount({ counter, window: "total", limit: LIMIT, amount: 1, chargeIfLost: false }, 0);
    return { asked, marks, account, period: { counter, window: "total", start: 0, epoch: "e1" } as const };
  }

  it("are no lower than a booking needs, and a sixteenth of what is left ahead of it", async () => {
    const { asked, marks, account } = await marksOn(true);
    await marks.ready(account, "e1", { amount: 160, limit: LIMIT });
    assert.deepEqual([account.base, account.mark, asked.times], [0, 160 + 90, 2]);
    // Within it nothing is asked, and nothing for what can never be booked.
    account.reserved = 160;
    await marks.ready(account, "e1", { amount: 20, limit: LIMIT });
    await marks.ready(account, "e1", { amount: LIMIT, limit: LIMIT });
    assert.equal(asked.times, 2);
    await Promise.all(
      [200, 200, 100].map(async (amount) => await marks.ready(account, "e1", { amount, limit: LIMIT })),
    );
    assert.deepEqual([account.mark, asked.times], [360 + 77, 3]);
    account.reserved = LIMIT - 3;
    await marks.ready(account, "e1", { amount: 3, limit: LIMIT });
    assert.equal(account.mark, LIMIT);
  });

  it("are raised before they are reached, and nobody waits for that", async () => {
    const { asked, marks, account } = await marksOn(true);
    await marks.ready(account, "e1", { amount: 160, limit: LIMIT });
    account.reserved = 240;
    const held = Promise.withResolvers<void>();
    asked.hold = held.promise;
    await marks.ready(account, "e1", { amount: 5, limit: LIMIT });
    assert.deepEqual([account.mark, asked.times], [250, 3]);
    held.resolve();
    // Who needs more waits for the same answer.
    await marks.ready(account, "e1", { amount: 20, limit: LIMIT });
    assert.deepEqual([account.mark, asked.times], [245 + 84, 3]);
  });

  it("of another epoch or window are no longer good", async () => {
    const { marks, account, period } = await marksOn(true);
    await marks.ready(account, "e1", { amount: 160, limit: LIMIT });
    Object.assign(account, { own: 100, spent: 100, said: 100 });
    await marks.ready(account, "e2", { amount: 10, limit: LIMIT });
    assert.deepEqual([account.base, account.spent, account.own, account.said], [250, 250, 0, 0]);
    assert.ok((account.mark ?? 0) >= 260);
    // Another replica has begun a later window: here nothing can be booked.
    await enterPeriod(db, { ...period, start: 1_000, epoch: "e2" });
    account.mark = undefined;
    await marks.ready(account, "e2", { amount: 10, limit: LIMIT });
    assert.equal(account.mark ?? 0, 0);
  });

  it("ask nothing where the counters are gone with the process", async () => {
    const { asked, marks, account, period } = await marksOn(false);
    await enterPeriod(db, period);
    await raiseMark(db, period, 70);
    await marks.ready(account, "e2", { amount: LIMIT, limit: LIMIT });
    await marks.ready(account, "e2", { amount: LIMIT, limit: LIMIT });
    assert.deepEqual([account.base, asked.times], [70, 1]);
  });
});
