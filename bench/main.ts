/**
 * `npm run bench -- <name>`: measurements side by side in one run. They print ratios next to absolute figures, since
 * only ratios carry over to another machine, and the load of this one, since a busy machine measures nothing.
 */

import { availableParallelism, loadavg } from "node:os";

const BENCHES: Readonly<Record<string, () => Promise<{ run(args: readonly string[]): Promise<void> }>>> = {
  gateway: () => import("./gateway.ts"),
  guard: () => import("./guard.ts"),
  ledger: () => import("./ledger.ts"),
  "models-hash": () => import("./models/hash.ts"),
  "models-scan": () => import("./models/scan.ts"),
  "models-seal": () => import("./models/seal.ts"),
  theft: () => import("./theft/main.ts"),
};

const [name = "", ...args] = process.argv.slice(2);
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
if (bench === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHES).join("|")}`);
  process.exitCode = 64;
} else {
  const load = loadavg()[0] ?? 0;
  console.log(`node ${process.version}, ${availableParallelism()} cores, load ${load.toFixed(2)} before the run\n`);
  await (await bench()).run(args);
}
