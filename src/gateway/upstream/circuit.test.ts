import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { fakeClock } from "../../core/index.ts";
import { Circuit, type CircuitOutcome } from "./circuit.ts";

const settings = { failures: 3, share: 0.5, windowMs: 1_000, openMs: 500 };
const circuit = (
  changed?: (state: string) => void,
): {
  breaker: Circuit;
  clock: ReturnType<typeof fakeClock>;
  end: (...all: CircuitOutcome[]) => void;
} => {
  const clock = fakeClock();
  const breaker = new Circuit(settings, clock, changed);
  return {
    breaker,
    clock,
    end(...all) {
      for (const outcome of all) {
        const settle = breaker.enter();
        assert.ok(settle, "the circuit lets nothing through");
        settle(outcome);
      }
    },
  };
};

describe("a circuit", () => {
  it("opens at the count of failures within the window, and not before", () => {
    const { breaker, end } = circuit();
    end("failure", "failure");
    assert.equal(breaker.state, "closed");
    end("failure");
    assert.equal(breaker.state, "open");
    assert.equal(breaker.enter(), undefined);
    assert.equal(breaker.waitMs, 500);
  });

  it("tells when it opens and when it closes again, and not each time that a try fails", () => {
    const told: string[] = [];
    const { clock, end } = circuit((state) => told.push(state));
    end("failure", "failure", "failure");
    for (const outcome of ["failure", "none", "failure", "success", "success"] as const) {
      clock.advance(500);
      end(outcome);
    }
    assert.deepEqual(told, ["open", "closed"]);
  });

  it("stays closed while failures are less than their share, or too old", () => {
    const few = circuit();
    few.end("success", "success", "success", "success", "failure", "failure", "failure");
    assert.equal(few.breaker.state, "closed");
    few.end("failure");
    assert.equal(few.breaker.state, "open");

    const old = circuit();
    old.end("failure", "failure");
    old.clock.advance(1_000);
    old.end("failure", "failure");
    assert.equal(old.breaker.state, "closed");
    old.clock.advance(900);
    old.end("failure");
    assert.equal(old.breaker.state, "open");
  });

  it("takes what says nothing for nothing", () => {
    const { breaker, end } = circuit();
    end("failure", "none", "failure", "none", "none");
    assert.equal(breaker.state, "closed");
    end("failure");
    assert.equal(breaker.state, "open");
  });

  it("lets one request try after a while: it closes on success and opens on failure", () => {
    for (const outcome of ["success", "failure", "none"] as const) {
      const { breaker, clock, end } = circuit();
      end("failure", "failure", "failure");
      clock.advance(499);
      assert.equal(breaker.enter(), undefined);
      clock.advance(1);
      assert.equal(breaker.state, "half-open");
      const settle = breaker.enter();
      assert.ok(settle);
      assert.equal(breaker.enter(), undefined, "a second one was let through");
      assert.ok(breaker.waitMs > 0);
      settle(outcome);
      // A client that left says nothing: the next one tries.
      assert.equal(breaker.state, { success: "closed", failure: "open", none: "half-open" }[outcome]);
      assert.equal(breaker.enter() !== undefined, outcome !== "failure");
      if (outcome === "failure") {
        clock.advance(500);
        assert.ok(breaker.enter());
      }
    }
  });

  it("counts each request once, and none that was sent before it opened", () => {
    const { breaker, clock, end } = circuit();
    const late = breaker.enter();
    const twice = breaker.enter();
    twice?.("failure");
    twice?.("failure");
    twice?.("failure");
    assert.equal(breaker.state, "closed");
    end("failure", "failure");
    assert.equal(breaker.state, "open");
    clock.advance(400);
    late?.("failure");
    clock.advance(100);
    assert.equal(breaker.state, "half-open");
    end("success");
    assert.equal(breaker.state, "closed");
    end("failure", "failure");
    assert.equal(breaker.state, "closed", "failures from before it opened were kept");
  });

  it("never stays shut: whatever came before, a while later a request may try", () => {
    const step = fc.record({
      outcome: fc.constantFrom<CircuitOutcome>("success", "failure", "none"),
      wait: fc.integer({ min: 0, max: 700 }),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { breaker, clock } = circuit();
        for (const { outcome, wait } of steps) {
          breaker.enter()?.(outcome);
          clock.advance(wait);
        }
        clock.advance(settings.openMs);
        assert.ok(breaker.enter());
      }),
    );
  });
});
