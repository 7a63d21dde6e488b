/** Every fault round: each call that changes the disk fails, tears, reports falsely, or is the last before a power cut. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "./disk.ts";
import { cutPowerAtEveryCall, cutPowerTwice, failEveryCall, failThenCutPower } from "./ledger-fault-rounds.ts";

for (const fault of ["error", "torn", "late"] satisfies Fault[]) {
  test(`every call fails once: ${fault}`, async () => {
    assert.ok((await failEveryCall(fault, 1)) > 100);
  });

  test(`every call fails once (${fault}), a successor goes on with what it sees, and then the power goes`, async () => {
    assert.ok((await failThenCutPower(fault, 1)) > 100);
  });
}

test("the power goes at every call, with every kind of luck", async () => {
  assert.ok((await cutPowerAtEveryCall(1)) > 100);
});

test("the power goes again while a successor recovers", async () => {
  assert.ok((await cutPowerTwice(7, 3)) > 300);
});
