import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { openGatewayDatabase, type GatewayDatabase } from "../../../test/gateway/database.ts";
import { demand, fresh } from "../../../test/gateway/demand.ts";
import { runChild } from "../../../test/servers/child.ts";
import { redisMissing, startRedis, type RedisServer } from "../../../test/servers/redis.ts";
import { systemClock } from "../../core/index.ts";
import { openCounters, type Counters } from "../../storage/index.ts";
import type { Grant } from "./account.ts";
import { Accounts } from "./accounts.ts";

describe("accounts of replicas on a real Redis", { skip: redisMissing ?? false }, () => {
  let server: RedisServer;
  let database: GatewayDatabase;
  before(async () => {
    server = await startRedis();
    database = await openGatewayDatabase();
  });
  after(async () => {
    await server.stop();
    await database.close();
  });
  const log = { warn: () => undefined, info: () => undefined };
  const accountsOn = (counters: Counters, leaseMs = 60_000): Promise<Accounts> =>
    Accounts.open({ counters, db: database.db, clock: systemClock, log, leaseMs });

  for (const how of ["stopped and started, empty", "standing still for longer than anyone waits"] as const) {
    it(`never exceed a budget, 64 callers on 3 replicas, the server ${how}`, async () => {
      const counter = fresh();
      const limit = 60_000;
      const replicas = await Promise.all(
        [0, 1, 2].map(async () => {
          const counters = await openCounters({ url: server.url, recoveryMs: 500 });
          return { counters, accounts: await accountsOn(counters) };
        }),
      );
      const seen = { spent: 0, granted: 0, refused: 0, escrowed: 0, over: false };
      const caller = async (index: number): Promise<void> => {
        const { accounts } = replicas[index % 3] as { accounts: Accounts };
        for (let round = 0; !seen.over; round++) {
          const { grant, fromEscrow } = await accounts.reserve([demand(50, { counter, limit })]);
          if (grant === undefined) {
            seen.refused++;
            await delay(20);
            continue;
          }
          seen.granted++;
          if (fromEscrow) seen.escrowed++;
          await delay(5);
          const used = (index * 7 + round * 13) % 51;
          seen.spent += used;
          await accounts.settle(grant, [used]);
          await delay(20);
        }
      };
      const callers = Array.from({ length: 64 }, (_, index) => caller(index));
      await delay(300);
      for (const { accounts } of replicas) await accounts.talk();
      if (how.startsWith("stopped")) {
        await server.kill();
        await delay(300);
        await server.start();
      } else {
        server.pause();
        await delay(2_500);
        server.resume();
      }
      for (let round = 0; round < 600 && replicas.some(({ accounts }) => accounts.away); round++) await delay(50);
      // To its end: what is refused then is refused by the counters.
      const before = seen.refused;
      for (let round = 0; round < 400 && seen.refused < before + 64; round++) await delay(25);
      seen.over = true;
      await Promise.all(callers);
      const { spent, escrowed } = seen;
      const said = JSON.stringify(seen);
      assert.ok(spent <= limit, said);
      assert.ok(escrowed > 0 && spent > limit / 2, said);
      for (const { accounts } of replicas) await accounts.talk();
      const one = replicas[0] as { accounts: Accounts; counters: Counters };
      const known = (await one.accounts.reserve([demand(0, { counter, limit })])).balances[0];
      assert.ok((known?.spent ?? 0) >= spent, `${said}, ${known?.spent} known`);
      for (const { accounts } of replicas) await accounts.close();
      const look = { counter, window: "total", limit: 0, amount: 0, chargeIfLost: false } as const;
      const call = { op: "report", holder: "", epoch: undefined, lease: "", ttlMs: 1, claims: [look] } as const;
      const { counters: states } = await one.counters.quota(call);
      assert.equal(states[0]?.reserved, 0, said);
      for (const { counters } of replicas) await counters.close();
    });
  }

  it("free what a replica held that was killed, after its time, and renew what lives", async () => {
    const counter = fresh();
    const counters = await openCounters({ url: server.url, recoveryMs: 0 });
    const accounts = await accountsOn(counters, 6_000);
    const mine = (await accounts.reserve([demand(300, { counter })])).grant as Grant;
    const here = new URL("./accounts.ts", import.meta.url).href;
    const door = new URL("../module.ts", import.meta.url).href;
    const core = new URL("../../core/index.ts", import.meta.url).href;
    const end = await runChild(
      `const { Accounts } = await import(${JSON.stringify(here)});
      const { gatewayModule } = await import(${JSON.stringify(door)});
      const { systemClock } = await import(${JSON.stringify(core)});
      const db = await storage.openDb(options);
      await storage.migrate(db, [storage.storageModule, gatewayModule]);
      const counters = await storage.openCounters({ url: ${JSON.stringify(server.url)}, recoveryMs: 0 });
      const log = { warn() {}, info() {} };
      const accounts = await Accounts.open({ counters, db, clock: systemClock, log, leaseMs: 6_000 });
      const { grant } = await accounts.reserve([${JSON.stringify(demand(700, { counter }))}]);
      console.log(grant !== undefined);
      process.kill(process.pid, "SIGKILL");`,
      { url: "sqlite", home: await mkdtemp(join(database.folder, "child-")) },
    );
    assert.deepEqual([end.signal, end.output], ["SIGKILL", "true\n"]);
    assert.equal((await accounts.reserve([demand(1, { counter })])).grant, undefined);
    let freed: Grant | undefined;
    for (let round = 0; round < 1_200 && freed === undefined; round++) {
      await delay(50);
      freed = (await accounts.reserve([demand(700, { counter })])).grant;
    }
    assert.notEqual(freed, undefined);
    // The other one was held all the while.
    assert.equal((await accounts.reserve([demand(1, { counter })])).grant, undefined);
    await accounts.settle(mine, [300]);
    await accounts.settle(freed as Grant, [0]);
    assert.equal((await accounts.reserve([demand(700, { counter })])).balances[0]?.spent, 300);
    await accounts.close();
    await counters.close();
  });
});
