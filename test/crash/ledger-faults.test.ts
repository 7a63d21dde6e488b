/** A sample of the fault rounds; `ledger-faults.long.ts` runs them all. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isHoldfastError } from "../../src/core/index.ts";
import { openLedger } from "../../src/ledger/index.ts";
import { diskInMemory, type Fault } from "./disk.ts";
import { cutPowerAtEveryCall, cutPowerTwice, failEveryCall, failThenCutPower, OPTIONS } from "./ledger-fault-rounds.ts";

for (const [fault, stride] of [
  ["error", 5],
  ["torn", 6],
  ["late", 7],
] satisfies [Fault, number][]) {
  test(`calls fail once: ${fault}`, async () => {
    assert.ok((await failEveryCall(fault, stride)) > 10);
  });
}

test("the power goes, with every kind of luck", async () => {
  assert.ok((await cutPowerAtEveryCall(8)) > 10);
});

test("the power goes again while a successor recovers", async () => {
  assert.ok((await cutPowerTwice(37, 9)) > 10);
});

test("a call fails, a successor goes on with what it sees, and then the power goes", async () => {
  assert.ok((await failThenCutPower("late", 10)) > 10);
});

test("after a failed write everything waiting is rejected by name, and the ledger takes no more", async () => {
  const disk = diskInMemory();
  const ledger = await openLedger({ ...OPTIONS, files: disk.files });
  disk.failAt(disk.calls().length + 1, "error");
  const waiting = await Promise.allSettled([ledger.append(Buffer.from("a")), ledger.append(Buffer.from("b"))]);
  for (const result of waiting) {
    assert.ok(result.status === "rejected" && isHoldfastError(result.reason, "ledger.write-failed"));
    assert.match(String(result.reason), /ENOSPC/);
  }
  const failed = (error: unknown): boolean => isHoldfastError(error, "ledger.failed");
  await assert.rejects(ledger.append(Buffer.from("c")), failed);
  await assert.rejects(ledger.checkpoint(), failed);
  await assert.rejects(ledger.close(), failed);
  await assert.rejects(ledger.close(), failed);
});
