/** Two replicas on one PostgreSQL and one Redis: what is decided at one holds at the other. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";

import { decodeStatement, PredicateType } from "../../src/core/index.ts";
import { openLedgerReader } from "../../src/ledger/index.ts";
import { postgresMissing, startPostgres } from "../servers/postgres.ts";
import { redisMissing, startRedis } from "../servers/redis.ts";
import { emptyPlace, holdfast, startUp, type Up } from "./holdfast.ts";

async function admin({ ready }: Up, method: string, path: string, body?: object): Promise<Response> {
  const token = readFileSync(ready.adminTokenFile, "utf8").trim();
  return await fetch(`${ready.admin}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const statusOf = async ({ ready }: Up, key: string): Promise<number> =>
  (await fetch(`${ready.gateway}/v1/models`, { headers: { authorization: `Bearer ${key}`, connection: "close" } }))
    .status;

test(
  "a key that is revoked at one replica stops at the other, and in its workers, within two seconds",
  { skip: postgresMissing ?? redisMissing ?? false },
  async (context) => {
    const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    context.after(() => Promise.all([postgres.stop(), redis.stop()]));
    const places = [1, 2].map(() =>
      emptyPlace(context, {
        HOLDFAST_GATEWAY_LISTEN: "127.0.0.1:0",
        HOLDFAST_ADMIN_LISTEN: "127.0.0.1:0",
        HOLDFAST_STORAGE_URL: postgres.url("postgres"),
        HOLDFAST_COUNTERS_URL: redis.url,
        HOLDFAST_LEDGER_SECRET: "one secret for both of the two replicas",
      }),
    );
    const [here, there] = places as [(typeof places)[0], (typeof places)[0]];
    const one = await startUp(context, here);
    const two = await startUp(context, there, "--workers", "2");
    const { id, key } = (await (
      await admin(one, "POST", "/api/keys", { app: "shop", requestsPerMinute: 60 })
    ).json()) as {
      id: string;
      key: string;
    };
    // Known at both replicas, and at each worker, at the moment of its end.
    const before = await Promise.all([statusOf(one, key), ...[1, 2, 3, 4, 5, 6].map(() => statusOf(two, key))]);
    assert.ok(!before.includes(401), before.join(" "));
    assert.equal((await admin(one, "DELETE", `/api/keys/${id}`)).status, 200);
    await sleep(2_000);
    const after = await Promise.all([statusOf(one, key), ...[1, 2, 3, 4, 5, 6].map(() => statusOf(two, key))]);
    assert.deepEqual([...new Set(after)], [401]);

    // One rate for both replicas and all workers.
    const limited = (await (await admin(two, "POST", "/api/keys", { app: "shop", requestsPerMinute: 6 })).json()) as {
      key: string;
    };
    const statuses = await Promise.all(
      Array.from({ length: 16 }, (_, index) => statusOf(index % 2 === 0 ? one : two, limited.key)),
    );
    const passed = statuses.filter((status) => status !== 429).length;
    assert.ok(passed >= 6 && passed <= 7, statuses.join(" "));

    // Changes at both, while both look for evidence to move.
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        admin(index % 2 === 0 ? one : two, "POST", "/api/keys", { app: `app-${index}` }),
      ),
    );
    assert.deepEqual([...new Set(made.map(({ status }) => status))], [201]);

    let evidence = new Map<string, number>();
    for (const [up, place] of [
      [one, here],
      [two, there],
    ] as const) {
      const stopped = await up.stop();
      assert.equal(stopped.code, 0, stopped.stderr);
      const verified = await holdfast(place, "ledger", "verify", "--format", "json");
      assert.equal(verified.code, 0, `${verified.stdout}${verified.stderr}`);
      const { size } = JSON.parse(verified.stdout) as { size: number };
      evidence = new Map();
      for await (const { bytes } of openLedgerReader(join(place.cwd, ".holdfast", "ledger")).entries(0, size)) {
        const { predicate, predicateType } = decodeStatement(bytes);
        if (predicateType !== PredicateType.change) continue;
        const { id: which, app } = predicate as { id: string; app?: string };
        if (app?.startsWith("app-") === true) evidence.set(which, (evidence.get(which) ?? 0) + 1);
      }
    }
    // Each change stands in the one ledger, once; the replica that stopped last has all of it.
    assert.equal(evidence.size, 20);
    assert.deepEqual([...new Set(evidence.values())], [1]);
  },
);
