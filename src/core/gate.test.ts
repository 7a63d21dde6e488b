import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { closeGate, closeGateNow, createGate, inside } from "./gate.ts";

describe("the gate", () => {
  it("lets one thing in after the other, and nothing once it is closed", async () => {
    const gate = createGate();
    assert.equal(await inside(gate, () => Promise.resolve(1)), 1);
    assert.equal(await inside(gate, () => Promise.resolve(2)), 2);
    await closeGate(gate);
    assert.equal(await inside(gate, () => assert.fail("came in")), undefined);
    await closeGate(gate);
    closeGateNow(gate, 0);
  });

  it("is closed when what was inside has come out, also by an error", async () => {
    const gate = createGate();
    const work = Promise.withResolvers<number>();
    const native = assert.rejects(
      inside(gate, () => work.promise),
      { message: "no" },
    );
    let closed = false;
    const closing = closeGate(gate).then(() => (closed = true));
    await new Promise(setImmediate);
    assert.equal(closed, false);
    assert.equal(await inside(gate, () => assert.fail("came in")), undefined);
    work.reject(new Error("no"));
    await Promise.all([native, closing]);
    assert.equal(await inside(gate, () => assert.fail("came in")), undefined);
  });

  it("makes a process that exits wait, but not for ever", async () => {
    const gate = createGate();
    const work = Promise.withResolvers<number>();
    const native = inside(gate, () => work.promise);
    closeGateNow(gate, 1);
    work.resolve(1);
    assert.equal(await native, 1);
  });

  it("works between threads", async () => {
    const gate = createGate();
    const started = createGate();
    // Stays inside for a while without ever giving way, as native code does.
    const script = `
      const { workerData } = require("node:worker_threads");
      import(workerData.url).then(({ inside }) => inside(workerData.gate, async () => {
        Atomics.store(workerData.started, 0, 1);
        Atomics.notify(workerData.started, 0);
        Atomics.wait(workerData.started, 0, 1, 200);
        Atomics.store(workerData.started, 0, 2);
      }));`;
    const workerData = { url: new URL("gate.ts", import.meta.url).href, gate, started };
    const worker = new Worker(script, { eval: true, workerData });
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    const wait = Atomics.waitAsync(started, 0, 0);
    if (wait.async) await wait.value;
    closeGateNow(gate, 60_000);
    assert.equal(started[0], 2);
    await exited;
  });
});
