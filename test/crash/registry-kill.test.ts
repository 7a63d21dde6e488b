/** A few rounds of `registry-kill.long.ts`, the last with two writers. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { registryRounds } from "./registry-rounds.ts";

test("four rounds of kill -9 leave the registry in the old state or the new", async (t) => {
  const result = await registryRounds(4, 1);
  assert.ok(result.changes > 0, JSON.stringify(result));
  t.diagnostic(JSON.stringify(result));
});
