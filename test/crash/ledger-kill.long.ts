/** The crash rule of the ledger with real processes: 120 times kill -9 under load. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { killRounds } from "./ledger-rounds.ts";

test("120 rounds of kill -9 lose nothing", async (t) => {
  const result = await killRounds(120, Math.floor(Date.now() / 1000));
  assert.ok(result.acknowledged > 10_000, JSON.stringify(result));
  t.diagnostic(JSON.stringify(result));
});
