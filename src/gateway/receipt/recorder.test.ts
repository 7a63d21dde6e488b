import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { recorder } from "./recorder.ts";

const quiet = { error: () => undefined };

/** A ledger whose appends settle when the test says so. */
function heldLedger() {
  const waiting: { resolve: (index: number) => void; reject: (error: Error) => void }[] = [];
  return {
    waiting,
    append: () =>
      new Promise<number>((resolve, reject) => {
        waiting.push({ resolve, reject });
      }),
  };
}

describe("the recorder", () => {
  it("durable: resolves only when the ledger has the entry", async () => {
    const ledger = heldLedger();
    const record = recorder(ledger, "durable", quiet);
    let done = false;
    const recorded = record.record(new Uint8Array(1)).then(() => {
      done = true;
    });
    await new Promise(setImmediate);
    assert.equal(done, false);
    assert.equal(record.recorded(), 0);
    ledger.waiting[0]?.resolve(0);
    await recorded;
    assert.equal(record.recorded(), 1);
  });

  it("buffered: resolves at once, and flush waits for the ledger", async () => {
    const ledger = heldLedger();
    const record = recorder(ledger, "buffered", quiet);
    await record.record(new Uint8Array(1));
    let flushed = false;
    const flush = record.flush().then(() => {
      flushed = true;
    });
    await new Promise(setImmediate);
    assert.equal(flushed, false);
    ledger.waiting[0]?.resolve(0);
    await flush;
    assert.equal(record.recorded(), 1);
  });

  for (const mode of ["durable", "buffered"] as const) {
    it(`${mode}: one refused entry stops all that follow`, async () => {
      const ledger = heldLedger();
      const record = recorder(ledger, mode, quiet);
      const first = record.record(new Uint8Array(1));
      ledger.waiting[0]?.reject(new Error("disk full"));
      if (mode === "durable")
        await assert.rejects(first, (error) => isHoldfastError(error, "gateway.ledger-unavailable"));
      await record.flush();
      assert.equal(record.failure()?.code, "gateway.ledger-unavailable");
      await assert.rejects(record.record(new Uint8Array(1)), (error) =>
        isHoldfastError(error, "gateway.ledger-unavailable"),
      );
      assert.equal(record.recorded(), 0);
    });
  }

  it("buffered: waits when too many entries are on their way", async () => {
    const ledger = heldLedger();
    const record = recorder(ledger, "buffered", quiet);
    for (let sent = 0; sent < 4_095; sent++) await record.record(new Uint8Array(1));
    let passed = false;
    const next = record.record(new Uint8Array(1)).then(() => {
      passed = true;
    });
    await new Promise(setImmediate);
    assert.equal(passed, false);
    ledger.waiting[0]?.resolve(0);
    await next;
    assert.equal(passed, true);
    for (const entry of ledger.waiting) entry.resolve(0);
    await record.flush();
  });
});
