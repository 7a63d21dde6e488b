/**
 * The gateway of the soak (`soak.long.ts`), in a process of its own: `node --expose-gc soak-child.ts <home> <config>`.
 * Over IPC it says its port, and on asking its memory after a collection, its tally, and what nobody caught.
 */

import { join } from "node:path";

import { systemClock } from "../../src/core/index.ts";
import { createKey, gatewayConfig, gatewayModule, startGateway, telemetryConfig } from "../../src/gateway/index.ts";
import { openCommitter, openLedger } from "../../src/ledger/index.ts";
import { migrate, openCounters, openDb, storageModule } from "../../src/storage/index.ts";

const uncaught: string[] = [];
for (const event of ["unhandledRejection", "uncaughtException"] as const) {
  process.on(event, (error: unknown) => {
    uncaught.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  });
}

const [home = "", config = "{}"] = process.argv.slice(2);
const errors: string[] = [];
const db = await openDb({ url: "sqlite", home });
await migrate(db, [storageModule, gatewayModule]);
const limits = { requestsPerMinute: 100_000_000, concurrency: 10_000 };
const { key } = await createKey(db, { app: "soak", ...limits }, systemClock);
const ledger = await openLedger({ folder: join(home, "ledger"), keyFile: join(home, "keys", "ledger.key") });
const gateway = await startGateway({
  config: gatewayConfig.parse(JSON.parse(config)),
  db,
  ledger,
  committer: await openCommitter(join(home, "keys", "commitment.key")),
  counters: await openCounters({ url: "memory" }),
  clock: systemClock,
  log: { info() {}, warn() {}, error: (message, fields) => void errors.push(`${message} ${JSON.stringify(fields)}`) },
  telemetry: telemetryConfig.parse({ metrics: true }),
});

process.on("message", (asked) => {
  void (async () => {
    if (asked === "close") {
      await gateway.close(10_000);
      await ledger.close();
      await db.close();
    }
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    process.send?.({ heap: heapUsed + external, rss, tally: gateway.tally(), uncaught, errors });
    if (asked === "close") process.disconnect();
  })();
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port: gateway.address.port, key: key.reveal() });
