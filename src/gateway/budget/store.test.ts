import assert from "node:assert/strict";
import { before, it } from "node:test";

import { onEachDatabase } from "../../../test/servers/databases.ts";
import { migrate, storageModule } from "../../storage/index.ts";
import { gatewayMigrations } from "../migrations.ts";
import { findSpend, forgetSpend, hasSpend, listSpend, saveSpend, type Spend } from "./store.ts";

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
    const { counter } = spend();
    assert.deepEqual([await findSpend(db, counter), await hasSpend(db)], [undefined, false]);
    const after = async (...all: Spend[]): Promise<unknown> => {
      await saveSpend(db, all);
      return await findSpend(db, counter);
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
      spend({ counter: "f|m", window: "minute", start: now - 60_000 }),
      spend({ counter: "f|h", window: "hour", start }),
      spend({ counter: "f|o", window: "month", start: Date.UTC(2026, 9) }),
      spend({ counter: "f|t", window: "total", start: 0 }),
    ];
    await saveSpend(db, counters);
    await forgetSpend(db, now);
    assert.deepEqual(
      (await listSpend(db, "f")).map(({ counter }) => counter),
      ["f|h", "f|t"],
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
    assert.equal((await findSpend(db, "many|x"))?.spent, 39);
  });
});
