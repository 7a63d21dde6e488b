/**
 * Three replicas on one PostgreSQL and one Redis, under load, while Redis stands still, and Redis and PostgreSQL go away and
 * come back, and a replica is killed: the budget holds, no reservation stays behind, and every answer has its receipt, once,
 * in one ledger.
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test, type TestContext } from "node:test";

import { decodeStatement, PredicateType } from "../../src/core/index.ts";
import { openLedgerReader } from "../../src/ledger/index.ts";
import { postgresMissing, startPostgres } from "../servers/postgres.ts";
import { redisMissing, startRedis } from "../servers/redis.ts";
import { startFakeUpstream } from "../upstreams/fake.ts";
import { emptyPlace, holdfast, startUp, type Place, type Up } from "./holdfast.ts";

/** What the clients say: proofs and probes of the product ask the model too, and are not what is counted here. */
const SAYING = "how much is left of the budget?";
const CLIENTS = 64;
const LIMIT = 900;
/** After so long without an answer the budget is at its end: longer than an empty Redis waits before it grants anything. */
const QUIET_MS = 12_000;
/** How long a reservation outlives its gateway, and some seconds for a busy machine. */
const LEASE_MS = 30_000;

/** A model that counts what clients have said to it. It takes a moment, so that something is always in flight. */
async function startCountingModel(context: TestContext): Promise<{ readonly url: string; asked(): number }> {
  const upstream = await startFakeUpstream({
    async answer() {
      await sleep(20);
      return false;
    },
  });
  context.after(() => upstream.close());
  return { url: upstream.url, asked: () => upstream.requests.filter(({ body }) => body.includes(SAYING)).length };
}

interface Seen {
  readonly id: string;
  /** Granted or refused out of what its replica had booked ahead, since that took Redis for lost. */
  readonly fromEscrow: boolean;
}

/** The receipts, in the order of the log. */
async function receiptsIn({ cwd }: Place): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  for await (const { bytes } of openLedgerReader(join(cwd, ".holdfast", "ledger")).entries()) {
    const { predicate, predicateType } = decodeStatement(bytes);
    if (predicateType !== PredicateType.receipt) continue;
    const { id, budgets } = predicate as { id: string; budgets?: readonly { counter: string }[] };
    seen.push({ id, fromEscrow: budgets?.some(({ counter }) => counter === "escrow") === true });
  }
  return seen;
}

test(
  "whatever goes away: no more than the budget, no reservation for ever, every receipt once in one ledger",
  { skip: postgresMissing ?? redisMissing ?? false, timeout: 300_000 },
  async (context) => {
    const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    context.after(() => Promise.all([postgres.stop(), redis.stop()]));
    const model = await startCountingModel(context);
    const places = [1, 2, 3].map(() =>
      emptyPlace(context, {
        HOLDFAST_STORAGE_URL: postgres.url("postgres"),
        HOLDFAST_COUNTERS_URL: redis.url,
        HOLDFAST_LEDGER_SECRET: "one secret for all of the three replicas",
      }),
    );
    for (const { cwd } of places) {
      writeFileSync(
        join(cwd, "holdfast.yaml"),
        `gateway:
  listen: 127.0.0.1:0
  limits: {requestsPerMinute: 1000000, concurrency: 1000}
  upstreams: [{name: tiny, protocol: openai, url: '${model.url}'}]
  timeouts: {leaseMs: 5000}
  budgets: [{name: all, what: requests, limit: ${LIMIT}, window: total, onLost: charge}]
admin: {listen: 127.0.0.1:0}
`,
      );
    }
    const [first, second, third] = places as [Place, Place, Place];
    // At once: one of them begins the ledger, and hands its keys to the others.
    const ups = await Promise.all(places.map((place) => startUp(context, place)));
    const key = ups.find(({ ready }) => ready.firstKey !== undefined)?.ready.firstKey?.key;
    let alive: readonly Up[] = ups;

    const answered: string[] = [];
    const ask = async ({ ready }: Up): Promise<number> => {
      try {
        const response = await fetch(`${ready.gateway}/v1/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
          body: JSON.stringify({ model: "tiny", messages: [{ role: "user", content: SAYING }] }),
        });
        await response.text();
        if (response.status === 200) answered.push(response.headers.get("x-request-id") as string);
        return response.status;
      } catch {
        return 0;
      }
    };
    const load = { done: false, answeredAt: performance.now() };
    const client = async (_: unknown, number: number): Promise<void> => {
      for (let turn = number; !load.done; turn++) {
        if ((await ask(alive[turn % alive.length] as Up)) === 200) load.answeredAt = performance.now();
        else await sleep(20);
      }
    };
    const clients = Promise.all(Array.from({ length: CLIENTS }, client));
    const until = async (count: number): Promise<void> => {
      while (answered.length < count && performance.now() < load.answeredAt + QUIET_MS) await sleep(10);
    };

    // Redis stands still for longer than anyone waits: one replica takes it for lost, and another may not.
    await until(100);
    redis.pause();
    await sleep(2_500);
    redis.resume();
    await until(200);

    // It goes, with all that it knew, and comes back.
    await redis.kill();
    await sleep(1_000);
    await redis.start();
    await until(answered.length + 100);

    // The replica that signs is killed in flight.
    const [dead, ...rest] = ups as [Up, Up, Up];
    alive = rest;
    dead.child.kill("SIGKILL");
    await until(answered.length + 60);

    // PostgreSQL breaks all connections, and comes back: nothing is answered in between.
    await postgres.kill();
    await sleep(1_500);
    const away = answered.length;
    await sleep(500);
    assert.equal(answered.length, away, "an answer without a receipt");
    await postgres.start();
    await until(away + 20);

    // To the end of the budget, and some time beyond it.
    await until(Infinity);
    load.done = true;
    await clients;

    // What the dead one had reserved is charged or free after its lease, and nothing stays reserved.
    const deadline = performance.now() + LEASE_MS;
    let reserved: number | undefined;
    while (reserved !== 0 && performance.now() < deadline) {
      const shown = await holdfast(second, "budget", "show", "all", "--format", "json");
      assert.equal(shown.code, 0, shown.stderr);
      const { counters } = JSON.parse(shown.stdout) as { counters: { spent: number; reserved: number }[] };
      reserved = counters[0]?.reserved;
      if (reserved !== 0) await sleep(1_000);
    }
    assert.equal(reserved, 0);

    for (const up of rest) assert.equal((await up.stop()).code, 0);
    const logs: (readonly Seen[])[] = [];
    for (const place of [first, second, third]) {
      const verified = await holdfast(place, "ledger", "verify", "--format", "json");
      assert.equal(verified.code, 0, `${verified.stdout}${verified.stderr}`);
      logs.push(await receiptsIn(place));
    }
    const [ofDead, ...ofLiving] = logs as [readonly Seen[], readonly Seen[], readonly Seen[]];
    // Who stopped last has published all; the others have its beginning.
    const whole = ofLiving.reduce((one, other) => (other.length > one.length ? other : one));
    for (const log of [ofDead, ...ofLiving]) assert.deepEqual(log, whole.slice(0, log.length));
    const ids = new Set(whole.map(({ id }) => id));
    assert.equal(ids.size, whole.length, "a receipt twice");
    assert.deepEqual(
      answered.filter((id) => !ids.has(id)),
      [],
    );
    assert.ok(answered.length > LIMIT / 2);
    const ahead = whole.filter(({ id, fromEscrow }) => fromEscrow && answered.includes(id)).length;
    const said = `${model.asked()} of ${LIMIT} asked, ${answered.length} answered, ${ahead} granted out of escrows`;
    context.diagnostic(said);
    assert.ok(model.asked() <= LIMIT, said);
    assert.ok(ahead > 0, said);
  },
);
