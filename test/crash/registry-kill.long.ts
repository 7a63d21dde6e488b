/** The registry of models with real processes: 100 times kill -9 while it publishes, approves, moves and rolls back. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { registryRounds } from "./registry-rounds.ts";

test("100 rounds of kill -9 leave the old state or the new", async (t) => {
  const result = await registryRounds(100, Math.floor(Date.now() / 1000));
  assert.ok(result.acknowledged > 500, JSON.stringify(result));
  t.diagnostic(JSON.stringify(result));
});
