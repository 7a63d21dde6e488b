/** A few rounds of `ledger-kill.long.ts`. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { killRounds } from "./ledger-rounds.ts";

test("five rounds of kill -9 lose nothing", async (t) => {
  const result = await killRounds(5, 1);
  assert.ok(result.acknowledged > 100, JSON.stringify(result));
  t.diagnostic(JSON.stringify(result));
});
