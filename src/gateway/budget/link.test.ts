import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { HoldfastError, systemClock } from "../../core/index.ts";
import { openCounters, type Db, type QuotaAnswer, type QuotaCall } from "../../storage/index.ts";
import { newAccount, type Account, type Demand } from "./account.ts";
import { Link } from "./link.ts";

const demand: Demand = { counter: "b|tokens|minute", window: "minute", limit: 100, amount: 5, chargeIfLost: false };
const account = (more: Partial<Account>): Account => ({ ...newAccount(demand, 0), ...more });

/** A line to counters that answer as they are told, and what they were asked. */
async function lineTo(answer: Partial<QuotaAnswer> | Error) {
  const asked: QuotaCall[] = [];
  const logged: string[] = [];
  const counters = {
    ...(await openCounters({ url: "memory" })),
    shared: true,
    quota: async (call: QuotaCall): Promise<QuotaAnswer> => {
      asked.push(call);
      if (answer instanceof Error) throw answer;
      return { status: "done", epoch: "e1", holders: 1, counters: [], ...answer };
    },
  };
  const log = {
    warn: (message: string) => void logged.push(message),
    info: (message: string) => void logged.push(message),
  };
  const away = { times: 0 };
  const link = new Link(
    { counters, db: {} as Db, clock: systemClock, log, leaseMs: 60_000 },
    () => undefined,
    () => away.times++,
  );
  return { link, asked, logged, away };
}

describe("the line to shared counters", () => {
  it("books nothing beyond the mark, and says what was spent whether there is one or not", async () => {
    const { link, asked } = await lineTo({});
    for (const { more, limit, own } of [
      { more: { epoch: "e1", mark: 40, own: 7 }, limit: 40, own: 7 },
      { more: { epoch: "e1", mark: 400, own: 7 }, limit: 100, own: 7 },
      { more: { epoch: "e1", own: 7 }, limit: 0, own: 7 },
      // What it knows is of another epoch, and counts in that.
      { more: { epoch: "e0", mark: 40, own: 7 }, limit: 0, own: undefined },
    ]) {
      await link.call("settle", "e1", "lease", [demand], [account(more)]);
      const [claim] = asked.splice(0)[0]?.claims ?? [];
      assert.deepEqual([claim?.limit, claim?.known?.own], [limit, own]);
    }
  });

  it("takes the window from the counters, and what was told of one window for no other", async () => {
    const { link } = await lineTo({ counters: [{ start: 60_000, spent: 9, reserved: 3 }] });
    const guessed = account({ start: 120_000 });
    await link.call("report", "e1", "", [demand], [guessed]);
    assert.deepEqual([guessed.start, guessed.spent], [60_000, 0]);
    const before = account({ epoch: "e1", mark: 50, own: 7, spent: 7 });
    await link.call("report", "e1", "", [demand], [before]);
    const { start, mark, own, said, spent, reserved } = before;
    assert.deepEqual(
      { start, mark, own, said, spent, reserved },
      {
        start: 60_000,
        mark: undefined,
        own: 0,
        said: 0,
        spent: 9,
        reserved: 3,
      },
    );
  });

  it("is away when nobody answers or all was forgotten, once, until it is told to be back", async () => {
    const lost = await lineTo(new HoldfastError("storage.counters-unavailable", { what: "lost", hint: "wait" }));
    for (let round = 0; round < 2; round++) {
      assert.equal(await lost.link.orAway(lost.link.call("report", "e1", "", [], [])), undefined);
    }
    assert.deepEqual([lost.link.away, lost.away.times, lost.logged.length], [true, 1, 1]);
    lost.link.return();
    assert.deepEqual([lost.link.away, lost.logged.length], [false, 2]);
    await assert.rejects(async () => await lost.link.orAway(Promise.reject(new Error("a defect"))), /a defect/);

    const moved = await lineTo({ status: "moved", epoch: "e2" });
    moved.link.nothingBefore = true;
    const answer = await moved.link.call("reserve", "e1", "lease", [demand], [account({ epoch: "e1", mark: 40 })]);
    assert.deepEqual([answer.status, moved.link.epoch, moved.link.away], ["moved", "e2", true]);
    assert.equal(moved.link.nothingBefore, false);
  });
});
