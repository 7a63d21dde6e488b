import assert from "node:assert/strict";
import { before, it } from "node:test";

import { onEachDatabase } from "../../../test/servers/databases.ts";
import { migrate, storageModule } from "../../storage/index.ts";
import { gatewayMigrations } from "../migrations.ts";
import {
  enterPeriod,
  forgetSpend,
  hasSpend,
  listSpend,
  raiseMark,
  saveSpend,
  type Period,
  type Spend,
} from "./store.ts";

const HOUR = 3_600_000;
const now = Date.UTC(2026, 10, 27, 12, 30);
const start = Date.UTC(2026, 10, 27, 12);
const spend = (more: Partial<Spend> = {}): Spend => ({
  counter: "b|tokens|hour|app=shop",
  window: "hour",
  start,
  epoch: "e1",
  spent: 10,
  ...more,
});

onEachDatabase("what was seen spent", (stage) => {
  before(async () => {
    await migrate(stage().db, [storageModule, { name: "gateway", migrations: gatewayMigrations }]);
  });

  it("is the highest of its epoch and window, whoever saves it", async () => {
    const { db } = stage();
    assert.deepEqual([await listSpend(db, "b"), await hasSpend(db)], [[], false]);
    const after = async (...all: Spend[]): Promise<unknown> => {
      await saveSpend(db, all);
      return (await listSpend(db, "b"))[0];
    };
    assert.deepEqual(await after(spend()), spend());
    assert.deepEqual(await after(spend({ spent: 30 })), spend({ spent: 30 }));
    assert.deepEqual(await after(spend({ spent: 20 })), spend({ spent: 30 }));
    // In another epoch the counter knows of it what it was told: less may be more.
    assert.deepEqual(await after(spend({ epoch: "e2", spent: 5 })), spend({ epoch: "e2", spent: 5 }));
    assert.deepEqual(await after(spend({ start: start - HOUR, spent: 99 })), spend({ epoch: "e2", spent: 5 }));
    assert.deepEqual(await after(spend({ start: start + HOUR, spent: 1 })), spend({ start: start + HOUR, spent: 1 }));
    const most = 2 ** 51 - 1;
    assert.deepEqual(
      await after(spend({ start: start + HOUR, spent: most })),
      spend({ start: start + HOUR, spent: most }),
    );
  });

  it("is listed for one budget, and not for one whose name begins with it", async () => {
    const { db } = stage();
    const mine = [spend({ counter: "x|tokens|hour|app=a" }), spend({ counter: "x|tokens|hour|app=b" })];
    await saveSpend(db, [...mine.toReversed(), spend({ counter: "x-more|tokens|hour" })]);
    assert.deepEqual(await listSpend(db, "x"), mine);
    assert.deepEqual(await listSpend(db, "nobody"), []);
  });

  it("is forgotten with its window, and kept where that has no end", async () => {
    const { db } = stage();
    const counters = [
      spend({ counter: "f|m", window: "minute", start: now - 62 * 60_000 }),
      spend({ counter: "f|n", window: "minute", start: now - 58 * 60_000 }),
      spend({ counter: "f|h", window: "hour", start }),
      spend({ counter: "f|o", window: "month", start: Date.UTC(2026, 9) }),
      spend({ counter: "f|t", window: "total", start: 0 }),
    ];
    await saveSpend(db, counters);
    for (const one of counters) {
      await enterPeriod(db, one);
      await raiseMark(db, one, 30);
    }
    await forgetSpend(db, now);
    // Marks as well: in another epoch they would be the base.
    const again = counters.map((one) => enterPeriod(db, { ...one, epoch: "e2" }));
    assert.deepEqual(
      (await Promise.all(again)).map((mark) => mark?.base),
      [0, 30, 30, 0, 30],
    );
    assert.deepEqual(
      (await listSpend(db, "f")).map(({ counter }) => counter),
      ["f|h", "f|n", "f|t"],
    );
    assert.equal(await hasSpend(db), true);
  });

  it("is saved by many at once", async () => {
    const { db, another } = stage();
    const other = await another();
    const saves = Array.from({ length: 40 }, (_, spent) =>
      saveSpend(spent % 2 === 0 ? db : other, [spend({ counter: "many|x", spent })]),
    );
    await Promise.all(saves);
    assert.equal((await listSpend(db, "many"))[0]?.spent, 39);
  });
});

const period = (more: Partial<Period> = {}): Period => ({
  counter: "p|tokens|hour|app=shop",
  window: "hour",
  start,
  epoch: "e1",
  ...more,
});

onEachDatabase("what may be booked", (stage) => {
  before(async () => {
    await migrate(stage().db, [storageModule, { name: "gateway", migrations: gatewayMigrations }]);
  });

  it("is marked in one epoch and window, and all of it is the base of the next epoch", async () => {
    const { db } = stage();
    const enter = (more?: Partial<Period>): Promise<unknown> => enterPeriod(db, period(more));
    const raise = (to: number, more?: Partial<Period>): Promise<unknown> => raiseMark(db, period(more), to);
    assert.equal(await raise(10), undefined);
    assert.deepEqual(await enter(), { base: 0, mark: 0 });
    assert.equal(await hasSpend(db), true);
    assert.deepEqual([await raise(50), await raise(40), await raise(60)], [50, 50, 60]);
    assert.deepEqual(await enter(), { base: 0, mark: 60 });
    assert.deepEqual(await enter({ epoch: "e2" }), { base: 60, mark: 60 });
    assert.deepEqual(await enter({ epoch: "e2" }), { base: 60, mark: 60 });
    assert.deepEqual([await raise(70), await raise(80, { epoch: "e2" })], [undefined, 80]);
    assert.deepEqual(await enter({ epoch: "e2" }), { base: 60, mark: 80 });
    // Who is late in the epoch before errs to the safe side.
    assert.deepEqual(await enter(), { base: 80, mark: 80 });
    // Another window has nothing of this one, and ends it.
    const next = start + HOUR;
    assert.deepEqual(await enter({ start: next }), { base: 0, mark: 0 });
    assert.deepEqual([await enter(), await raise(90)], [undefined, undefined]);
    assert.equal(await raise(2 ** 51 - 1, { start: next }), 2 ** 51 - 1);
  });

  it("takes over what was seen spent with counters that had no marks", async () => {
    const { db } = stage();
    const counter = "q|tokens|hour";
    await saveSpend(db, [spend({ counter, epoch: "own", spent: 30 })]);
    assert.deepEqual(await enterPeriod(db, period({ counter })), { base: 30, mark: 30 });
    await saveSpend(db, [spend({ counter, epoch: "own", spent: 45 })]);
    assert.deepEqual(await enterPeriod(db, period({ counter, epoch: "e2" })), { base: 45, mark: 45 });
    assert.deepEqual(await enterPeriod(db, period({ counter, start: start + HOUR })), { base: 0, mark: 0 });
  });

  it("is one for all who ask at once", async () => {
    const { db, another } = stage();
    const other = await another();
    const each = (at: number): typeof db => (at % 2 === 0 ? db : other);
    const counter = "r|tokens|hour";
    await enterPeriod(db, period({ counter }));
    const marks = Array.from({ length: 40 }, (_, at) => raiseMark(each(at), period({ counter }), at));
    assert.ok((await Promise.all(marks)).every((mark, at) => (mark ?? 0) >= at));
    const entered = Array.from({ length: 20 }, (_, at) => enterPeriod(each(at), period({ counter, epoch: "e2" })));
    assert.deepEqual(new Set((await Promise.all(entered)).map((mark) => mark?.base)), new Set([39]));
  });
});
