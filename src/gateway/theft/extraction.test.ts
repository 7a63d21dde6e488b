import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { openGatewayDatabase, type GatewayDatabase } from "../../../test/gateway/database.ts";
import { isHoldfastError, type Clock } from "../../core/index.ts";
import { openCounters, sql, type Db } from "../../storage/index.ts";
import type { Principal } from "../identity/principal.ts";
import { gatewayConfig } from "../config.ts";
import type { GatewayServices } from "../module.ts";
import type { Exchange } from "../receipt/receipt.ts";
import { list, release } from "./commands.ts";
import { extractionConfig } from "./config.ts";
import { openExtraction, type Extraction } from "./extraction.ts";
import { vectorQuery } from "./features.ts";
import { forgetWatches } from "./store.ts";

const DAY = 86_400_000;
const SECRET = "ab".repeat(32);

class StepClock implements Clock {
  at = 1_000 * DAY;
  now = (): number => this.at;
  monotonic = (): number => this.at;
}

let database: GatewayDatabase;
let db: Db;

before(async () => {
  database = await openGatewayDatabase();
  ({ db } = database);
});
after(() => database.close());

interface Set {
  readonly clock: StepClock;
  readonly extraction: Extraction;
  /** Asks so many new things, one after another; what came of the last: its stage, or the error's code. */
  ask(many: number, who?: { key?: string; app?: string }, from?: number): Promise<string>;
  close(): Promise<void>;
}

let names = 0;

async function start(
  config: object = {},
  share?: Set & { app: string },
  most?: number,
): Promise<Set & { app: string }> {
  const app = share?.app ?? `app-${++names}`;
  const clock = share?.clock ?? new StepClock();
  const counters = await openCounters({ url: "memory", clock });
  const parsed = extractionConfig.parse({
    predictions: { observe: 10, slow: 20, coarsen: 30, refuse: 40 },
    slowWaitMs: 0,
    slowPerMinute: 1_000_000,
    alarms: { perMinute: 1_000_000 },
    ...config,
  });
  const log = { error: (message: string) => assert.fail(message) };
  const extraction = openExtraction({
    config: parsed,
    counters,
    db,
    clock,
    secret: SECRET,
    log,
    saveMs: 20,
    ...(most === undefined ? {} : { most }),
  });
  let next = 0;
  return {
    app,
    clock,
    extraction,
    async ask(many, who = {}, from = next) {
      let last = "";
      for (let index = from; index < from + many; index++) {
        next = Math.max(next, index + 1);
        const exchange = { id: "x" } as unknown as Exchange;
        const principal = { keyId: `${app}/${who.key ?? "one"}`, app: who.app ?? app } as Principal;
        const queries = [vectorQuery(SECRET, [index / 1_000, index % 7])];
        try {
          const cancellation = { cancelled: false, onCancel: undefined };
          const admission = await extraction.admit(
            exchange,
            { principal, kind: "predictions", model: "m", queries },
            cancellation,
          );
          last = exchange.extraction?.stage ?? "open";
          assert.equal(admission.coarse, last === "coarsen");
        } catch (error) {
          assert.ok(isHoldfastError(error));
          last = error.code;
          assert.equal(exchange.requestVerdict?.verdict.action ?? "block", "block");
        }
      }
      return last;
    },
    async close() {
      await extraction.close();
      await counters.close();
    },
  };
}

describe("the watch over extraction", () => {
  it("answers harder from each threshold on, and not before", async () => {
    const set = await start();
    assert.equal(await set.ask(10), "open");
    assert.equal(await set.ask(1), "observe");
    assert.equal(await set.ask(9), "observe");
    assert.equal(await set.ask(1), "slow");
    assert.equal(await set.ask(11), "coarsen");
    assert.equal(await set.ask(12), "gateway.extraction-refused");
    await set.close();
  });

  it("counts different queries, not repeated ones", async () => {
    const set = await start();
    assert.equal(await set.ask(9), "open");
    for (let again = 0; again < 20; again++) assert.equal(await set.ask(9, {}, 0), "open");
    await set.close();
  });

  it("counts the keys of an app together, by the app's factor", async () => {
    const set = await start({ appFactor: 2 });
    for (let key = 0; key < 8; key++)
      assert.notEqual(await set.ask(9, { key: `k${key}` }), "gateway.extraction-refused");
    assert.equal(await set.ask(15, { key: "k8" }), "gateway.extraction-refused");
    assert.equal(await set.ask(1, { key: "other", app: `${set.app}-other` }), "open");
    await set.close();
  });

  it("does not count what it refuses, so that a raised stage lets an honest key in again", async () => {
    const set = await start();
    await set.ask(40);
    for (let more = 0; more < 5; more++) assert.equal(await set.ask(100), "gateway.extraction-refused");
    await set.close();
    const raised = await start({ predictions: { observe: 10, slow: "off", coarsen: "off", refuse: 60 } }, set);
    assert.equal(await raised.ask(1, {}, 100_000), "observe");
    await raised.close();
  });

  it("remembers over a restart, and what a replica on the same database saw", async () => {
    const set = await start();
    await set.ask(25);
    await set.close();
    const again = await start({}, set);
    assert.equal(await again.ask(1, {}, 500), "slow");
    await again.close();
  });

  it("joins what two replicas saw at the same time, whichever saves last", async () => {
    const one = await start();
    const other = await start({}, one);
    assert.equal(await one.ask(8, {}, 0), "open");
    assert.equal(await other.ask(8, {}, 1_000), "open");
    await one.close();
    await other.close();
    const third = await start({}, one);
    assert.equal(await third.ask(1, {}, 2_000), "observe");
    await third.close();
  });

  it("forgets after two windows, and keeps no row for longer", async () => {
    const set = await start({ windowDays: 1 });
    await set.ask(45);
    assert.equal(await set.ask(1), "gateway.extraction-refused");
    set.clock.at += DAY;
    assert.equal(await set.ask(1), "gateway.extraction-refused");
    set.clock.at += DAY;
    assert.equal(await set.ask(1), "open");
    await set.close();
    const rows = async () =>
      (await db.query(sql`select watch from extraction_watches where watch like ${`%${set.app}/%`}`)).length;
    assert.ok((await rows()) > 0);
    await forgetWatches(db, set.clock.at + 10 * DAY);
    assert.equal(await rows(), 0);
  });

  it("reaches each stage earlier while an alarm is on, and says which", async () => {
    const set = await start({ alarmWeight: 4, alarms: { perMinute: 1, volume: 1 } });
    assert.equal(await set.ask(3), "open");
    assert.equal(await set.ask(1), "observe");
    set.clock.at += 2 * 3_600_000;
    assert.equal(await set.ask(1, {}, 0), "open");
    await set.close();
  });

  it("lets a slowed key have its turns, and refuses what would wait too long", async () => {
    const set = await start({ slowPerMinute: 3, predictions: { observe: "off", slow: 5 } });
    assert.equal(await set.ask(5), "open");
    assert.equal(await set.ask(3), "slow");
    assert.equal(await set.ask(1), "gateway.extraction-slowed");
    set.clock.at += 20_000;
    assert.equal(await set.ask(1), "slow");
    await set.close();
  });

  it("forgets nothing of a key that makes way for others in memory", async () => {
    const set = await start({ appFactor: 1_000 }, undefined, 1);
    for (let round = 0; round < 5; round++) {
      for (let key = 0; key < 6; key++) await set.ask(5, { key: `k${key}` });
    }
    for (let key = 0; key < 6; key++) assert.equal(await set.ask(1, { key: `k${key}` }, 0), "slow");
    await set.close();
  });

  it("lets go of a slowed request whose client leaves", async () => {
    const set = await start({ slowPerMinute: 1, slowWaitMs: 600_000, predictions: { observe: "off", slow: 1 } });
    await set.ask(2);
    const cancellation: { cancelled: boolean; onCancel: (() => void) | undefined } = {
      cancelled: false,
      onCancel: undefined,
    };
    const principal = { keyId: `${set.app}/one`, app: set.app } as Principal;
    const queries = [vectorQuery(SECRET, [0.5])];
    const waiting = set.extraction.admit(
      {} as Exchange,
      { principal, kind: "predictions", model: "m", queries },
      cancellation,
    );
    const left = assert.rejects(
      async () => await waiting,
      (error: unknown) => isHoldfastError(error, "gateway.request-aborted"),
    );
    while (cancellation.onCancel === undefined) await new Promise((resolve) => setImmediate(resolve));
    cancellation.cancelled = true;
    cancellation.onCancel();
    await left;
    await set.close();
  });

  it("does nothing where no stage is configured", async () => {
    const set = await start({ predictions: { observe: "off", slow: "off", coarsen: "off", refuse: "off" } });
    assert.equal(set.extraction.watches("predictions"), false);
    assert.equal(await set.ask(200), "open");
    await set.close();
  });

  it("takes stages in their order only", () => {
    assert.equal(extractionConfig.safeParse({ text: { observe: 5, refuse: 4 } }).success, false);
    assert.equal(extractionConfig.safeParse({ text: { observe: 5, refuse: 5 } }).success, true);
    assert.equal(extractionConfig.safeParse({ text: { observe: "off", slow: 5, coarsen: 4 } }).success, false);
  });
});

describe("an operator and the watch over extraction", () => {
  const services = (clock: Clock): GatewayServices => ({
    clock,
    db: () => Promise.resolve(db),
    config: { gateway: gatewayConfig.parse({}) },
  });
  const run = async (command: typeof list, clock: Clock, args: object = {}, options: object = {}) => {
    const { data, text, exit } = await command({ services: services(clock), args, options } as never);
    return { data: data as Record<string, unknown>, text: text(PLAIN), exit };
  };
  type Row = { id: string; who: string; stage: string | null; asked: number; since: string; releasedAt: string | null };
  const rowsOf = async (
    { app, clock }: { app: string; clock: Clock },
    options: object = {},
  ): Promise<readonly Row[]> => {
    const { data } = await run(list, clock, {}, options);
    return (data["watches"] as Row[]).filter(({ who }) => who.startsWith(app));
  };
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    for (let waited = 0; !(await holds()); waited++) {
      assert.ok(waited < 500);
      await delay(10);
    }
  };

  it("sees who is in which stage since when, and lets them begin anew at every gateway", async () => {
    const one = await start({ appFactor: 1_000 });
    const other = await start({ appFactor: 1_000 }, one);
    assert.equal(await one.ask(25), "slow");
    await until(async () => (await rowsOf(one)).length === 1);
    const since = one.clock.at;
    one.clock.at += 60_000;
    assert.equal(await other.ask(6, {}, 25), "coarsen");
    await until(async () => (await rowsOf(one))[0]?.stage === "coarsen");
    const [row] = await rowsOf(one);
    assert.ok(row !== undefined && Math.abs(row.asked - 31) < 3, JSON.stringify(row));
    assert.equal(new Date(row.since).getTime(), since + 60_000, "a harder stage began later");
    assert.equal((await rowsOf(one, { all: true })).length, 2, "the app is in no stage");
    const { text, exit } = await run(list, one.clock);
    assert.match(text, new RegExp(`^${row.id} +predictions +m +key ${row.who} +coarsen +1972-`, "m"));
    assert.equal(exit, 1);

    const released = await run(release, one.clock, { id: row.id });
    assert.match(released.text, /within seconds at every gateway; it was in the stage coarsen$/);
    assert.deepEqual(await rowsOf(one), []);
    for (const set of [one, other]) {
      const stage = async (): Promise<string> => await set.ask(1, {}, 0);
      await until(async () => (await stage()) === "open");
    }
    const evidence = await db.query<{ entry: Uint8Array }>(sql`select entry from storage_outbox`);
    const ours = evidence.filter(({ entry }) => Buffer.from(entry).includes(`extraction:${row.id}`));
    assert.equal(ours.length, 1);
    await one.close();
    await other.close();
    const again = await start({ appFactor: 1_000 }, one);
    assert.equal(await again.ask(1, {}, 0), "open", "nor does a restart remember");
    await again.close();
  });

  it("is told of an id that is none", async () => {
    await assert.rejects(
      run(release, new StepClock(), { id: "0".repeat(12) }),
      /no watch over extraction with this id/,
    );
  });

  it("counts over another window begin anew, and those of one that comes back go on", async () => {
    const set = await start();
    assert.equal(await set.ask(12), "observe");
    const config = extractionConfig.parse({ predictions: { observe: 10, slow: 20, coarsen: 30, refuse: 40 } });
    set.extraction.configure({ ...config, windowDays: 1 });
    assert.equal(await set.ask(1, {}, 50), "open");
    await until(async () => (await rowsOf(set)).length === 1);
    set.extraction.configure(config);
    assert.equal(await set.ask(1, {}, 0), "observe");
    await set.close();
  });
});

const PLAIN = { bold: String, dim: String, red: String, green: String, yellow: String };
