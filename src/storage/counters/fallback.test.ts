import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { fakeClock } from "../../core/index.ts";
import { storageError } from "../errors.ts";
import type { Counters } from "./counters.ts";
import { withFallback } from "./fallback.ts";
import { memoryCounters } from "./memory.ts";

/** Counters that can be taken away. */
function breakable(clock = fakeClock()) {
  const inner = memoryCounters(clock);
  const state = { error: undefined as Error | undefined };
  const check = async (): Promise<void> => {
    if (state.error !== undefined) throw state.error;
  };
  const counters: Counters = {
    ...inner,
    shared: true,
    take: (...args) => check().then(() => inner.take(...args)),
    acquire: (...args) => check().then(() => inner.acquire(...args)),
    release: (...args) => check().then(() => inner.release(...args)),
    quota: (...args) => check().then(() => inner.quota(...args)),
  };
  const lost = storageError("storage.counters-unavailable");
  return { clock, counters, state, lose: () => (state.error = lost), find: () => (state.error = undefined) };
}

async function admitted(counters: Counters, key: string, perMinute: number): Promise<number> {
  let count = 0;
  for (let index = 0; index < perMinute + 5; index++) if ((await counters.take(key, { perMinute })).allowed) count++;
  return count;
}

describe("counters whose server is away", () => {
  it("let through a share of the rate, never all of it, and never nothing", async () => {
    const { clock, counters, lose } = breakable();
    const fallback = withFallback(counters, clock, () => 1 / 3);
    assert.equal(await admitted(fallback, "before", 30), 30);
    lose();
    assert.equal(await admitted(fallback, "a", 30), 10);
    assert.equal(await admitted(fallback, "one", 1), 1);
    clock.advance(60_000);
    assert.equal(await admitted(fallback, "a", 30), 10);
    clock.advance(60_000);
    assert.equal(await admitted(fallback, "one", 1), 0);
    clock.advance(60_000);
    clock.advance(60_000);
    assert.equal(await admitted(fallback, "one", 1), 1);
  });

  it("lend a share of the places, one at least, and take back each where it came from", async () => {
    const { clock, counters, lose, find } = breakable();
    const fallback = withFallback(counters, clock, () => 1 / 3);
    const first = await fallback.acquire("k", 6, 60_000);
    lose();
    const places = [];
    for (let index = 0; index < 6; index++) places.push(await fallback.acquire("k", 6, 60_000));
    assert.equal(places.filter((place) => place !== undefined).length, 2);
    assert.notEqual(await fallback.acquire("few", 2, 60_000), undefined);
    assert.equal(await fallback.acquire("few", 2, 60_000), undefined);
    assert.equal(await fallback.acquire("none", 0, 60_000), undefined);
    await fallback.release("k", places[0]?.id ?? "");
    assert.notEqual(await fallback.acquire("k", 6, 60_000), undefined);
    await assert.rejects(fallback.release("k", first?.id ?? ""), { code: "storage.counters-unavailable" });
    find();
    await fallback.release("k", first?.id ?? "");
    for (let index = 0; index < 6; index++) assert.notEqual(await fallback.acquire("k", 6, 60_000), undefined);
    assert.equal(await fallback.acquire("k", 6, 60_000), undefined);
  });

  it("pass every other error on, and have no quota of their own", async () => {
    const { clock, counters, state, lose } = breakable();
    const fallback = withFallback(counters, clock, () => 1);
    lose();
    const look = { op: "report", holder: "", epoch: undefined, lease: "", ttlMs: 1, claims: [] } as const;
    await assert.rejects(fallback.quota(look), { code: "storage.counters-unavailable" });
    state.error = storageError("storage.limit-invalid");
    await assert.rejects(fallback.take("k", { perMinute: 1 }), { code: "storage.limit-invalid" });
    await fallback.close();
    state.error = undefined;
    await assert.rejects(counters.take("k", { perMinute: 1 }), { code: "storage.closed" });
  });
});
