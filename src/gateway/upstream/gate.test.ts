import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import type { Cancellation } from "./dispatch.ts";
import { Gate } from "./gate.ts";

const calm = (): Cancellation => ({ cancelled: false, onCancel: undefined });
const gate = (places: number, waiting: number, waitMs = 60_000): Gate =>
  new Gate({ name: "u", places, waiting, waitMs });
const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);

describe("the gate of an upstream", () => {
  it("lets in as many as it has places, and the next in the order in which they came", async () => {
    const one = gate(1, 2);
    const leave = await one.enter(calm());
    const order: string[] = [];
    const second = Promise.resolve(one.enter(calm())).then((left) => {
      order.push("second");
      return left;
    });
    const third = Promise.resolve(one.enter(calm())).then((left) => {
      order.push("third");
      return left;
    });
    assert.deepEqual([one.taken, one.waiting, one.free], [1, 2, false]);
    assert.throws(() => one.enter(calm()), code("gateway.upstream-busy"));
    leave();
    leave();
    (await second)();
    (await third)();
    assert.deepEqual(order, ["second", "third"]);
    assert.deepEqual([one.taken, one.waiting, one.free], [0, 0, true]);
  });

  it("refuses at once where nobody may wait", () => {
    const none = gate(1, 0);
    void none.enter(calm());
    assert.throws(() => none.enter(calm()), code("gateway.upstream-busy"));
  });

  it("lets nobody wait for longer than it says", async () => {
    const slow = gate(1, 1, 10);
    const leave = await slow.enter(calm());
    await assert.rejects(Promise.resolve(slow.enter(calm())), code("gateway.upstream-busy"));
    assert.equal(slow.waiting, 0);
    leave();
    assert.equal(slow.taken, 0);
  });

  it("lets whoever leaves the queue go at once, and gives the place to the next", async () => {
    const one = gate(1, 2);
    const leave = await one.enter(calm());
    const gone = calm();
    const left = Promise.resolve(one.enter(gone));
    const next = Promise.resolve(one.enter(calm()));
    gone.onCancel?.();
    await assert.rejects(left, code("gateway.upstream-broken"));
    leave();
    (await next)();
    assert.deepEqual([one.taken, one.waiting], [0, 0]);
  });

  it("never lets in more than its places, and forgets none", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom("enter", "leave", "cancel"), { maxLength: 60 }),
        async (places, steps) => {
          const some = gate(places, 5);
          const inside: (() => void)[] = [];
          const cancels: Cancellation[] = [];
          for (const step of steps) {
            if (step === "enter") {
              const cancellation = calm();
              cancels.push(cancellation);
              try {
                void Promise.resolve(some.enter(cancellation)).then(
                  (leave) => inside.push(leave),
                  () => undefined,
                );
              } catch (error) {
                assert.ok(isHoldfastError(error, "gateway.upstream-busy"));
              }
            } else if (step === "leave") inside.shift()?.();
            else cancels.pop()?.onCancel?.();
            await new Promise(setImmediate);
            assert.ok(some.taken <= places);
            assert.equal(some.taken, inside.length);
            assert.ok(some.waiting === 0 || !some.free);
          }
          for (const cancellation of cancels) cancellation.onCancel?.();
          for (const leave of inside) leave();
          await new Promise(setImmediate);
          for (const leave of inside) leave();
          assert.equal(some.taken, 0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
