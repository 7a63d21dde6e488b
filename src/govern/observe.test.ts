import assert from "node:assert/strict";
import { test } from "node:test";

import { defineErrors, fakeClock, type Observation } from "../core/index.ts";
import { observe, type BoundProof } from "./observe.ts";

const HOLDS: Observation = { outcome: "holds", observed: "seen", expected: "wanted", scope: "all of it" };

function proof(id: string, answer: () => Promise<Observation>): BoundProof {
  return { id, control: "G9", question: "Does it hold?", freshFor: 1_000, observe: answer };
}

test("answers are recorded as they are, dated by when they were asked for", async () => {
  const clock = fakeClock(1_000);
  const observations = await observe(
    [
      proof("a", async () => {
        clock.advance(500);
        return HOLDS;
      }),
      proof("b", async () => ({ ...HOLDS, outcome: "fails" })),
    ],
    { clock },
  );
  assert.deepEqual(observations, [
    { ...HOLDS, proof: "a", control: "G9", observedAt: 1_000 },
    { ...HOLDS, outcome: "fails", proof: "b", control: "G9", observedAt: 1_500 },
  ]);
});

test("a proof that throws is unknown, with the code of our error and no word of a foreign one", async () => {
  const error = defineErrors({ "part.broken": { what: "it broke", hint: "mend it" } });
  const [ours, foreign, strange] = await observe(
    [
      proof("ours", async () => {
        throw error("part.broken");
      }),
      proof("foreign", () => {
        throw new Error("password=hunter2");
      }),
      proof("strange", () => Promise.reject(undefined)),
    ],
    { clock: fakeClock() },
  );
  assert.equal(ours?.outcome, "unknown");
  assert.match(ours.observed, /part\.broken/);
  assert.equal(foreign?.outcome, "unknown");
  assert.doesNotMatch(JSON.stringify(foreign), /hunter2/);
  assert.match(foreign.observed, /core\.internal/);
  assert.equal(strange?.outcome, "unknown");
});

test("a proof that hangs is unknown, and the others are still asked", async () => {
  const [hung, next] = await observe(
    [proof("hung", () => new Promise(() => undefined)), proof("next", async () => HOLDS)],
    { clock: fakeClock(), timeoutMs: 20 },
  );
  assert.equal(hung?.outcome, "unknown");
  assert.match(hung.observed, /govern\.proof-timeout.*20 ms/);
  assert.equal(next?.outcome, "holds");
});

test("an answer in another form never counts as holding, and nothing extra is recorded", async () => {
  const answers: readonly unknown[] = [
    undefined,
    null,
    "holds",
    { ...HOLDS, outcome: "HOLDS" },
    { ...HOLDS, scope: " " },
    { ...HOLDS, observed: 7 },
    { outcome: "holds" },
  ];
  const observations = await observe(
    answers.map((answer, index) => proof(`p${index}`, async () => answer as Observation)),
    { clock: fakeClock() },
  );
  for (const { outcome, proof: id } of observations) assert.equal(outcome, "unknown", id);

  const [one] = await observe([proof("extra", async () => ({ ...HOLDS, secret: "x" }) as Observation)], {
    clock: fakeClock(),
  });
  assert.equal(one?.outcome, "holds");
  assert.equal("secret" in one, false);
});

test("progress names each proof before it is asked", async () => {
  const seen: unknown[] = [];
  await observe([proof("a", async () => HOLDS), proof("b", async () => HOLDS)], {
    clock: fakeClock(),
    progress: (...line) => seen.push(line),
  });
  assert.deepEqual(seen, [
    ["a", 0, 2],
    ["b", 1, 2],
  ]);
});
