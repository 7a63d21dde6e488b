import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { defineErrors, isHoldfastError } from "../../core/index.ts";
import { recorder } from "./recorder.ts";

const refused = (error: unknown): boolean => isHoldfastError(error, "gateway.ledger-unavailable");
const ledgerError = defineErrors({
  "ledger.entry-too-large": { what: "too large", hint: "" },
  "ledger.spool-full": { what: "no room", hint: "" },
});
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
    assert.equal(record.counts.recorded, 0);
    ledger.waiting[0]?.resolve(0);
    await recorded;
    assert.equal(record.counts.recorded, 1);
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
    assert.equal(record.counts.recorded, 1);
  });

  for (const mode of ["durable", "buffered"] as const) {
    it(`${mode}: one refused entry stops all that follow`, async () => {
      const ledger = heldLedger();
      const record = recorder(ledger, mode, quiet);
      const first = record.record(new Uint8Array(1));
      const flushed = record.flush();
      ledger.waiting[0]?.reject(new Error("disk full"));
      if (mode === "durable") await assert.rejects(first, refused);
      await flushed;
      assert.equal(record.failure()?.code, "gateway.ledger-unavailable");
      await assert.rejects(record.record(new Uint8Array(1)), refused);
      assert.equal(record.counts.recorded, 0);
    });
  }

  it("an entry that is refused for its own sake stops nothing else", async () => {
    const ledger = heldLedger();
    const record = recorder(ledger, "durable", quiet);
    const first = record.record(new Uint8Array(1));
    ledger.waiting[0]?.reject(ledgerError("ledger.entry-too-large"));
    await assert.rejects(first, refused);
    assert.equal(record.failure(), undefined);
    const second = record.record(new Uint8Array(1));
    ledger.waiting[1]?.resolve(0);
    await second;
    assert.deepEqual({ ...record.counts }, { recorded: 1, pending: 0, lost: 1 });
  });

  it("takes nothing for a second after an entry that the ledger had no room for", async (context) => {
    let now = 0;
    context.mock.method(performance, "now", () => now);
    const ledger = heldLedger();
    const record = recorder(ledger, "buffered", quiet);
    await record.record(new Uint8Array(1));
    const flushed = record.flush();
    ledger.waiting[0]?.reject(ledgerError("ledger.spool-full"));
    await flushed;
    assert.throws(() => record.check(), refused);
    assert.equal(record.trouble()?.code, "gateway.ledger-unavailable");
    // What is under way is tried all the same, and nothing has to be restarted.
    assert.equal(record.failure(), undefined);
    await record.record(new Uint8Array(1));
    now = 1_000;
    record.check();
    assert.equal(record.trouble(), undefined);
    assert.deepEqual({ ...record.counts }, { recorded: 0, pending: 1, lost: 2 });
    const last = record.flush();
    ledger.waiting[1]?.resolve(0);
    await last;
  });

  it("counts what is turned away once the ledger has stopped", async () => {
    const ledger = heldLedger();
    const record = recorder(ledger, "buffered", quiet);
    await record.record(new Uint8Array(1));
    assert.deepEqual({ ...record.counts }, { recorded: 0, pending: 1, lost: 0 });
    const flushed = record.flush();
    ledger.waiting[0]?.reject(new Error("gone"));
    await flushed;
    assert.throws(() => record.check(), refused);
    assert.deepEqual({ ...record.counts }, { recorded: 0, pending: 0, lost: 2 });
  });

  it("buffered: hands over what came meanwhile in one turn", async () => {
    const ledger = heldLedger();
    const record = recorder(ledger, "buffered", quiet);
    for (let sent = 0; sent < 10; sent++) await record.record(new Uint8Array(1));
    assert.equal(ledger.waiting.length, 0);
    while (ledger.waiting.length === 0) await new Promise(setImmediate);
    assert.equal(ledger.waiting.length, 10);
    for (const entry of ledger.waiting) entry.resolve(0);
    await record.flush();
    assert.equal(record.counts.recorded, 10);
  });

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
    for (const entry of ledger.waiting) entry.resolve(0);
    await next;
    assert.equal(passed, true);
  });
});
