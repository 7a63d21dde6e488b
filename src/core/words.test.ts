import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import fc from "fast-check";

import { fakeClock } from "./clock.ts";
import { defineErrors, Exit, HoldfastError, isHoldfastError, problemDetails } from "./errors.ts";
import { isAtLeast, SEVERITIES } from "./finding.ts";
import { uuidv7, uuidv7Generator } from "./id.ts";
import { Secret } from "./secret.ts";
import { ACTIONS, hardest } from "./verdict.ts";

describe("errors", () => {
  const table = {
    "part.bad": { what: "it went wrong", hint: "do this", status: 418, exit: Exit.usage },
    "part.worse": { what: "it went worse", hint: "do that" },
  } as const;
  const make = defineErrors(table);

  it("say what happened and what to do", () => {
    const error = make("part.bad", { detail: "here", cause: new Error("why") });
    assert.ok(error instanceof HoldfastError);
    assert.equal(error.message, "it went wrong: here");
    assert.equal(error.hint, "do this");
    assert.equal(error.exit, 64);
    assert.equal((error.cause as Error).message, "why");
    assert.equal(make("part.worse").exit, Exit.incomplete);
    assert.equal(isHoldfastError(error, "part.bad"), true);
    assert.equal(isHoldfastError(error, "part.worse"), false);
  });

  it("become RFC 9457 problem details", () => {
    assert.deepEqual(problemDetails(make("part.bad", { detail: "here" })), {
      type: "urn:holdfast:error:part.bad",
      title: "it went wrong: here",
      status: 418,
      detail: "here",
      code: "part.bad",
      hint: "do this",
    });
  });

  it("show nothing of errors that are not ours", () => {
    const shown = JSON.stringify(problemDetails(new Error("password hunter2 in /etc/secret")));
    assert.equal(shown.includes("hunter2"), false);
    assert.equal(shown.includes("/etc"), false);
  });
});

describe("a secret", () => {
  it("prints as [secret] every way there is", () => {
    const secret = new Secret("hunter2");
    const printed = [
      String(secret),
      JSON.stringify({ secret }),
      inspect(secret),
      inspect({ a: [secret] }),
      secret + "",
    ];
    for (const text of printed) {
      assert.equal(text.includes("hunter2"), false);
      assert.ok(text.includes("[secret]"));
    }
    assert.deepEqual(Object.values(secret), []);
    assert.equal(secret.reveal(), "hunter2");
  });
});

describe("UUIDv7 (RFC 9562)", () => {
  it("has the version, the variant and the time", () => {
    const clock = fakeClock(0x017f22e279b0);
    const id = uuidv7Generator(clock)();
    assert.match(id, /^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("always grows, within a millisecond and when the clock steps back", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 300 }), (steps) => {
        let now = 1_700_000_000_000;
        const next = uuidv7Generator({ now: () => now, monotonic: () => 0 });
        let last = "";
        for (const step of steps) {
          now += step;
          const id = next();
          assert.ok(id > last);
          last = id;
        }
      }),
    );
    const standing = uuidv7Generator({ now: () => 1, monotonic: () => 0 });
    const many = Array.from({ length: 10_000 }, standing);
    assert.deepEqual(many, many.toSorted());
    assert.equal(new Set(many).size, many.length);
  });

  it("does not repeat", () => {
    const ids = Array.from({ length: 10_000 }, uuidv7);
    assert.equal(new Set(ids).size, ids.length);
  });
});

describe("orders", () => {
  it("rank severities and actions as they are listed", () => {
    assert.equal(isAtLeast("critical", "high"), true);
    assert.equal(isAtLeast("low", "medium"), false);
    for (const severity of SEVERITIES) assert.equal(isAtLeast(severity, severity), true);
    for (const action of ACTIONS) assert.equal(hardest("allow", action), action);
    assert.equal(hardest("block", "mask"), "block");
  });
});
