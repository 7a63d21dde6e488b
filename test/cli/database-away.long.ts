/**
 * A replica whose PostgreSQL goes away: killed, standing still (SIGSTOP), or behind a network that swallows every byte. It
 * says that it is not ready, refuses within seconds, hangs nowhere, and comes back by itself. No receipt of what was answered
 * is lost, not even when the replica is killed meanwhile, and none is in the ledger twice.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, it, type TestContext } from "node:test";

import { decodeStatement, PredicateType } from "../../src/core/index.ts";
import { openLedgerReader } from "../../src/ledger/index.ts";
import { postgresMissing, startPostgres, type PostgresServer } from "../servers/postgres.ts";
import { startFakeUpstream } from "../upstreams/fake.ts";
import { emptyPlace, holdfast, startUp, type Place, type Up } from "./holdfast.ts";

/** What the clients say: proofs and probes of the product ask the model too, and are not held. */
const SAYING = "how long does it take?";
/** Until what is silent is taken for lost, and a busy machine. */
const NOTICED_MS = 20_000;
/** Until one who is back is used again, and a busy machine. */
const BACK_MS = 30_000;

/** A model whose answers to {@link SAYING} the test lets go. */
async function startModel(context: TestContext) {
  let gate: PromiseWithResolvers<void> | undefined;
  let held = 0;
  const upstream = await startFakeUpstream({
    async answer({ body }) {
      if (gate === undefined || !body.includes(SAYING)) return false;
      held++;
      await gate.promise;
      return false;
    },
  });
  context.after(() => upstream.close());
  return {
    url: upstream.url,
    held: () => held,
    hold: () => (gate = Promise.withResolvers()),
    letGo() {
      gate?.resolve();
      gate = undefined;
      held = 0;
    },
  };
}

/** A way to PostgreSQL on which every byte can be swallowed: connections stay open and new ones are taken. */
async function startNetwork(context: TestContext, to: number) {
  let swallowing = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(to, "127.0.0.1");
    for (const [from, into] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      // Bytes that were swallowed never come: what stood in one connection cannot go on.
      from.on("data", (bytes: Buffer) => swallowing || into.write(bytes));
      from.on("error", () => undefined);
      from.once("close", () => {
        sockets.delete(from);
        if (!swallowing) into.destroy();
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    swallow: () => (swallowing = true),
    deliver: () => (swallowing = false),
  };
}

function placeFor(context: TestContext, storageUrl: string, model: string, receipts: string): Place {
  const place = emptyPlace(context, { HOLDFAST_STORAGE_URL: storageUrl });
  writeFileSync(
    join(place.cwd, "holdfast.yaml"),
    `gateway:
  listen: 127.0.0.1:0
  receipts: ${receipts}
  limits: {requestsPerMinute: 1000000, concurrency: 1000}
  upstreams: [{name: tiny, protocol: openai, url: '${model}'}]
admin: {listen: 127.0.0.1:0}
`,
  );
  return place;
}

interface Asked {
  readonly status: number;
  readonly id: string | null;
}

async function ask({ ready }: Up, key: string | undefined): Promise<Asked> {
  const response = await fetch(`${ready.gateway}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: "tiny", messages: [{ role: "user", content: SAYING }] }),
  });
  await response.text();
  return { status: response.status, id: response.headers.get("x-request-id") };
}

async function probe(url: string, path: string): Promise<number> {
  const response = await fetch(`${url}${path}`);
  await response.text();
  return response.status;
}

async function until(what: string, ms: number, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `${what}: not within ${ms} ms`);
    await delay(50);
  }
}

/** Ids of the receipts, in the order of the log. */
async function receiptsIn(place: Place): Promise<readonly string[]> {
  const verified = await holdfast(place, "ledger", "verify", "--format", "json");
  assert.equal(verified.code, 0, `${verified.stdout}${verified.stderr}`);
  const ids: string[] = [];
  for await (const { bytes } of openLedgerReader(join(place.cwd, ".holdfast", "ledger")).entries()) {
    const { predicate, predicateType } = decodeStatement(bytes);
    if (predicateType === PredicateType.receipt) ids.push((predicate as { id: string }).id);
  }
  return ids;
}

/** Every answer has its receipt, once. */
function assertAllOnce(ids: readonly string[], answered: readonly (string | null)[]): void {
  const distinct = new Set(ids);
  assert.equal(distinct.size, ids.length, "a receipt twice");
  assert.deepEqual(
    answered.filter((id) => id === null || !distinct.has(id)),
    [],
    "a receipt lost",
  );
}

/** How it goes away, and comes back. */
const WAYS: Readonly<
  Record<
    string,
    (
      context: TestContext,
      postgres: PostgresServer,
    ) => Promise<{
      readonly port: number;
      readonly goes: () => unknown;
      readonly comesBack: () => unknown;
    }>
  >
> = {
  "is killed": async (_, postgres) => ({
    port: postgres.port,
    goes: () => postgres.kill(),
    comesBack: () => postgres.start(),
  }),
  "stands still": async (_, postgres) => ({
    port: postgres.port,
    goes: () => postgres.pause(),
    comesBack: () => postgres.resume(),
  }),
  "is behind a network that swallows all": async (context, postgres) => {
    const network = await startNetwork(context, postgres.port);
    return { port: network.port, goes: network.swallow, comesBack: network.deliver };
  },
};

describe("a PostgreSQL that goes away", { skip: postgresMissing ?? false, concurrency: 1 }, () => {
  for (const [way, make] of Object.entries(WAYS)) {
    for (const receipts of ["durable", "buffered"]) {
      it(`because it ${way}, with ${receipts} receipts`, { timeout: 240_000 }, async (context) => {
        const postgres = await startPostgres();
        context.after(() => postgres.stop());
        const model = await startModel(context);
        const database = await make(context, postgres);
        const url = new URL(postgres.url());
        url.port = String(database.port);
        const place = placeFor(context, url.href, model.url, receipts);
        const up = await startUp(context, place);
        const key = up.ready.firstKey?.key;
        const answered: (string | null)[] = [];
        const served = async (replica: Up): Promise<void> => {
          const { status, id } = await ask(replica, key);
          assert.equal(status, 200);
          answered.push(id);
        };
        await served(up);
        assert.equal(await probe(up.ready.gateway, "/readyz"), 200);
        assert.equal(await probe(up.ready.admin, "/readyz"), 200);

        // In flight when it goes, answered afterwards.
        model.hold();
        const inFlight = Array.from({ length: 20 }, () => served(up));
        await until("all asked", NOTICED_MS, () => model.held() === 20);
        await database.goes();
        await until("not ready", NOTICED_MS, async () => (await probe(up.ready.gateway, "/readyz")) === 503);
        assert.equal(await probe(up.ready.admin, "/readyz"), 503);
        assert.equal(await probe(up.ready.gateway, "/healthz"), 200);
        model.letGo();
        await Promise.all(inFlight);

        // New ones are refused, and soon. A key that was looked up counts as known for a second.
        await delay(1_500);
        const began = performance.now();
        const refused = await Promise.all(Array.from({ length: 30 }, () => ask(up, key)));
        assert.deepEqual([...new Set(refused.map(({ status }) => status))], [503]);
        assert.ok(performance.now() - began < 10_000, "a refusal that takes long");

        // It comes back: so does the replica, by itself.
        await database.comesBack();
        await until("ready", BACK_MS, async () => (await probe(up.ready.gateway, "/readyz")) === 200);
        await served(up);

        // Again, and this time the replica dies before the database is back.
        model.hold();
        const second = Array.from({ length: 20 }, () => served(up));
        await until("all asked", NOTICED_MS, () => model.held() === 20);
        await database.goes();
        await until("not ready", NOTICED_MS, async () => (await probe(up.ready.gateway, "/readyz")) === 503);
        model.letGo();
        await Promise.all(second);
        // What is buffered is on its way for a moment; beyond that nothing may be lost.
        await delay(receipts === "buffered" ? 2_000 : 0);
        up.child.kill("SIGKILL");
        await once(up.child, "exit");
        await database.comesBack();

        const next = await startUp(context, place);
        await until("served", BACK_MS, async () => {
          const { status, id } = await ask(next, key);
          if (status === 200) answered.push(id);
          return status === 200;
        });
        assert.equal((await next.stop()).code, 0);
        const ids = await receiptsIn(place);
        assertAllOnce(ids, [...answered, ...refused.map(({ id }) => id)]);
        assert.equal(answered.length, 43);
      });
    }
  }
});
