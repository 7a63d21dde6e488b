/**
 * Three replicas and their counters, on the script as Redis runs it, under all that can go wrong between them, in any order:
 * calls that are answered late, never, or done and not answered, or done long after; replicas that die and are started
 * again, whose clocks differ and run at different speeds; a Redis that forgets all, is started again with its data, or is
 * followed by a copy that lags behind. At every moment: no more than the budget.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createClient } from "@redis/client";
import fc from "fast-check";

import { openGatewayDatabase, type GatewayDatabase } from "../../../test/gateway/database.ts";
import { redisMissing, startRedis, type RedisServer } from "../../../test/servers/redis.ts";
import { fakeClock, HoldfastError, type Clock } from "../../core/index.ts";
import { openCounters, type Counters, type Db, type Window } from "../../storage/index.ts";
import type { Demand, Grant } from "./account.ts";
import { Accounts } from "./accounts.ts";

const LIMIT = 600;
const LEASE_MS = 30_000;
/** Histories of each kind; more of them in `interleavings.long.ts`. */
const RUNS = Number(process.env["HOLDFAST_HISTORIES"] ?? 8);
const EPOCH = "holdfast:quota:{budget}:epoch";
/** How the clocks of the replicas differ from Redis's: ahead by so many milliseconds, and so much faster. */
const CLOCKS = [
  { ahead: 0, speed: 1 },
  { ahead: 3_000, speed: 1.04 },
  { ahead: -2_000, speed: 0.96 },
] as const;

/** What becomes of a call: done and answered, not done, done and not answered, or not answered and done some time later. */
type Fate = "answer" | "drop" | "deaf" | "late";

interface Replica {
  accounts: Accounts | undefined;
  dead: boolean;
  /** The fate of its calls at once; undefined: they wait for theirs. */
  line: Fate | undefined;
  readonly live: { readonly grant: Grant; readonly amount: number }[];
}

/** A call that waits for its fate. */
interface Call {
  readonly execute: () => Promise<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly lose: () => void;
}

type Client = ReturnType<typeof createClient>;

/** Everything at once: what replicas do goes on until it waits for a call, and the steps decide what becomes of those. */
function stage(client: Client, shared: (clock: Clock) => Promise<Counters>, db: Db) {
  const clock = fakeClock();
  const window = { kind: "total" as Window, charge: true };
  const counter = `b|tokens|${Math.random()}`;
  const replicas: Replica[] = [];
  const calls: Call[] = [];
  const late: Call["execute"][] = [];
  /** What was used of the budget, by the window that it counts in. */
  const used = new Map<number, number>();
  const seen = { granted: 0, fromEscrow: 0 };
  let [busy, acting] = [0, 0];

  const track = async <T>(work: Promise<T>): Promise<T> => {
    busy++;
    return await work.finally(() => busy--);
  };
  const watched: Db = {
    dialect: db.dialect,
    query: (statement) => track(db.query(statement)),
    execute: (statement) => track(db.execute(statement)),
    transaction: (work) => track(db.transaction(work)),
    close: async () => undefined,
  };
  const act = (replica: Replica, work: () => Promise<unknown>): void => {
    acting++;
    void work()
      .catch((error: unknown) => {
        if (!replica.dead) throw error;
      })
      .finally(() => acting--);
  };
  const use = (start: number | undefined, amount: number): void => {
    used.set(start ?? 0, (used.get(start ?? 0) ?? 0) + amount);
  };
  const idle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet = busy === 0 ? quiet + 1 : 0) await new Promise(setImmediate);
  };
  const end = async (call: Call, how: Fate): Promise<void> => {
    if (how === "answer") call.resolve(await call.execute());
    else if (how === "deaf") await call.execute();
    else if (how === "late") late.push(call.execute);
    if (how !== "answer") call.lose();
  };
  const fate = async (at: number, how: Fate): Promise<void> => {
    const [call] = calls.splice(at % Math.max(1, calls.length), 1);
    if (call !== undefined) await end(call, how);
  };

  const self = {
    clock,
    window,
    replicas,
    calls,
    used,
    seen,
    idle,
    fate,
    isActing: () => acting > 0,
    async start(at: number): Promise<void> {
      const replica: Replica = { accounts: undefined, dead: false, line: "answer", live: [] };
      const { ahead, speed } = CLOCKS[at % CLOCKS.length] as (typeof CLOCKS)[number];
      const own: Clock = { now: () => clock.now() + ahead, monotonic: () => clock.monotonic() * speed };
      const inner = await shared(clock);
      const lost = new HoldfastError("storage.counters-unavailable", { what: "lost", hint: "wait" });
      const quota: Counters["quota"] = (call) =>
        new Promise((resolve, reject) => {
          if (replica.dead) return reject(lost);
          const lose = (): void => reject(lost);
          const one: Call = { execute: () => inner.quota(call), resolve: resolve as Call["resolve"], lose };
          if (replica.line === undefined) calls.push(one);
          else void track(end(one, replica.line));
        });
      const counters: Counters = { ...inner, shared: true, quota };
      const log = { warn: () => undefined, info: () => undefined };
      replicas[at] = replica;
      act(replica, async () => {
        replica.accounts = await Accounts.open({ counters, db: watched, clock: own, log, leaseMs: LEASE_MS });
      });
    },
    reserve(at: number, amount: number): void {
      const replica = replicas[at] as Replica;
      const { kind, charge } = window;
      const demand: Demand = { counter, window: kind, limit: LIMIT, amount, chargeIfLost: charge };
      act(replica, async () => {
        const reserved = await replica.accounts?.reserve([demand]);
        if (replica.dead || reserved?.grant === undefined) return;
        seen.granted++;
        if (reserved.fromEscrow) seen.fromEscrow++;
        use(reserved.grant.starts[0], amount);
        replica.live.push({ grant: reserved.grant, amount });
      });
    },
    settle(at: number, which: number, part: number): void {
      const replica = replicas[at] as Replica;
      const [held] = replica.live.splice(which % Math.max(1, replica.live.length), 1);
      if (held === undefined) return;
      const spent = Math.floor(held.amount * part);
      use(held.grant.starts[0], spent - held.amount);
      act(replica, async () => await replica.accounts?.settle(held.grant, [spent]));
    },
    talk(at: number): void {
      const replica = replicas[at] as Replica;
      act(replica, async () => await replica.accounts?.talk());
    },
    /** What it had under way was used up: nobody knows better. */
    async kill(at: number): Promise<void> {
      (replicas[at] as Replica).dead = true;
      await self.start(at);
    },
    async belated(): Promise<void> {
      await late.shift()?.();
    },
    async redis(how: "forget" | "restart" | "copy" | "fail over"): Promise<void> {
      const keys = how === "copy" ? await client.keys("*") : [];
      if (how === "forget") await client.flushDb();
      if (how === "copy") await client.multi().select(1).flushDb().select(0).exec();
      for (const key of keys) await client.copy(key, key, { DB: 1 });
      if (how === "fail over") {
        await client.multi().flushDb().swapDb(0, 1).exec();
      }
      const [epoch, born] = ((await client.get(EPOCH)) ?? "").split(" ");
      const isOther = how === "restart" || how === "fail over";
      if (isOther && born !== undefined) await client.set(EPOCH, `${epoch} ${born} another`);
    },
    async look(): Promise<{ spent: number; reserved: number }> {
      const inner = await shared(clock);
      const claim = { counter, window: window.kind, limit: 0, amount: 0, chargeIfLost: window.charge };
      const call = { op: "report", holder: "", epoch: undefined, lease: "", ttlMs: 1, claims: [claim] } as const;
      return (await inner.quota(call)).counters[0] as { spent: number; reserved: number };
    },
  };
  return self;
}

const who = fc.nat({ max: 2 });
const times = fc.integer({ min: 1, max: 9 });
const step = fc.oneof(
  { weight: 9, arbitrary: fc.record({ reserve: fc.integer({ min: 0, max: 40 }), times, who }) },
  { weight: 6, arbitrary: fc.record({ settle: times, part: fc.constantFrom(0, 0.3, 1), who }) },
  { weight: 6, arbitrary: fc.record({ talk: who }) },
  {
    weight: 5,
    arbitrary: fc.record({ line: fc.constantFrom(undefined, "answer", "answer", "drop", "deaf", "late"), who }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ call: fc.nat({ max: 9 }), how: fc.constantFrom("answer", "drop", "deaf", "late") }),
  },
  { weight: 1, arbitrary: fc.record({ all: fc.constant(true) }) },
  { weight: 3, arbitrary: fc.record({ advance: fc.constantFrom(500, 1_000, 6_000, 14_000, 28_000, 40_000) }) },
  { weight: 1, arbitrary: fc.record({ belated: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ kill: who }) },
  { weight: 1, arbitrary: fc.record({ redis: fc.constantFrom("forget", "restart", "copy", "fail over") }) },
);

describe("replicas, and all that can go wrong between them and Redis", { skip: redisMissing ?? false }, () => {
  let server: RedisServer;
  let client: Client;
  let database: GatewayDatabase;
  const opened: Counters[] = [];
  before(async () => {
    server = await startRedis();
    client = createClient({ url: server.url });
    await client.connect();
    database = await openGatewayDatabase();
  });
  after(async () => {
    for (const counters of opened) await counters.close();
    client.destroy();
    await server.stop();
    await database.close();
  });
  let shared: Promise<Counters> | undefined;
  let at: Clock = fakeClock();
  /** One connection for all; each run has its own time. Nothing is waited for in a new epoch: the marks must do. */
  const counters = async (clock: Clock): Promise<Counters> => {
    at = clock;
    shared ??= openCounters({
      url: server.url,
      clock: { now: () => at.now(), monotonic: () => at.monotonic() },
      recoveryMs: 0,
    });
    opened[0] = await shared;
    return opened[0];
  };

  for (const { kind, charge, clocks } of [
    { kind: "total", charge: true, clocks: true },
    { kind: "minute", charge: true, clocks: true },
    { kind: "total", charge: false, clocks: false },
  ] as const) {
    const lost = charge ? "what is lost is charged" : "what is lost is free, before it is taken for lost";
    it(`spend no more than the budget, and leave nothing reserved (${kind}, ${lost})`, async (context) => {
      const sum = { granted: 0, fromEscrow: 0 };
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 90 }), async (steps) => {
          await client.flushAll();
          const world = stage(client, counters, database.db);
          Object.assign(world.window, { kind, charge });
          const check = (): void => {
            for (const [start, amount] of world.used) assert.ok(amount <= LIMIT, `${amount} in the window of ${start}`);
          };
          const deliverAll = async (): Promise<void> => {
            for (let round = 0; round < 300 && world.calls.length > 0; round++) {
              await world.fate(0, "answer");
              await world.idle();
            }
          };
          for (const index of [0, 1, 2]) await world.start(index);
          await deliverAll();
          for (const one of steps) {
            if ("reserve" in one) for (let left = one.times; left > 0; left--) world.reserve(one.who, one.reserve);
            else if ("settle" in one)
              for (let left = one.settle; left > 0; left--) world.settle(one.who, left, one.part);
            else if ("line" in one) (world.replicas[one.who] as Replica).line = one.line;
            else if ("talk" in one) world.talk(one.talk);
            else if ("call" in one) await world.fate(one.call, one.how);
            else if ("advance" in one && clocks) world.clock.advance(one.advance);
            else if ("belated" in one) await world.belated();
            else if ("kill" in one) await world.kill(one.kill);
            else if ("redis" in one) await world.redis(one.redis);
            else if ("all" in one) await deliverAll();
            await world.idle();
            check();
          }
          // All calm down, and settle what they have.
          const calm = async (): Promise<void> => {
            for (let round = 0; round < 50 && (world.isActing() || world.calls.length > 0); round++) {
              await deliverAll();
              await world.idle();
            }
            assert.equal(world.isActing(), false);
          };
          for (const replica of world.replicas) replica.line = "answer";
          await calm();
          for (const index of [0, 1, 2]) {
            while ((world.replicas[index] as Replica).live.length > 0) world.settle(index, 0, 1);
          }
          // Past the time of every lease, those of the dead among them; a call that nobody waits for may still be done.
          await world.belated();
          for (const pause of [1_000, 2 * LEASE_MS, 1_000]) {
            world.clock.advance(pause);
            for (const index of [0, 1, 2]) world.talk(index);
            await calm();
          }
          check();
          const { spent, reserved } = await world.look();
          assert.equal(reserved, 0);
          if (kind === "total" && charge) assert.ok(spent >= (world.used.get(0) ?? 0), `${spent} known`);
          for (const replica of world.replicas) replica.dead = true;
          sum.granted += world.seen.granted;
          sum.fromEscrow += world.seen.fromEscrow;
        }),
        { numRuns: RUNS },
      );
      context.diagnostic(`${sum.granted} granted, ${sum.fromEscrow} of them out of escrows`);
      assert.ok(sum.granted > 5 * RUNS, JSON.stringify(sum));
      // Of a few histories none may come to it.
      if (RUNS >= 50) assert.ok(sum.fromEscrow > 0, JSON.stringify(sum));
    });
  }
});
