import assert from "node:assert/strict";
import { test } from "node:test";

import type { TextSpan } from "./detector.ts";
import { secretsDetector } from "./detectors/secrets/secrets.ts";
import { unicodeDetector } from "./detectors/unicode/unicode.ts";
import { createGuard, type Guard } from "./guard.ts";
import { atOnce, inTurns, LONG, STEP, type Paced } from "./pace.ts";
import type { GuardAction } from "./policy.ts";

const KEY = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");

function guardThat(action: GuardAction): Guard {
  const settings = { request: action, response: action, onError: "block" } as const;
  return createGuard({
    detectors: [unicodeDetector, secretsDetector],
    settings: { unicode: settings, secrets: settings },
  });
}

function span(text: string, pointer = "/a"): TextSpan {
  return { pointer, text, origin: "user" };
}

/** How many rounds of the event loop others got before `work` was done. */
async function roundsDuring(work: Promise<unknown>): Promise<number> {
  let rounds = 0;
  let done = false;
  const next = (): void => {
    rounds += 1;
    if (!done) setImmediate(next);
  };
  setImmediate(next);
  await work;
  done = true;
  return rounds;
}

test("work is done, whole, at once and in turns", async () => {
  function* work(): Paced<number> {
    yield;
    yield;
    return 3;
  }
  assert.equal(atOnce(work()), 3);
  assert.equal(await inTurns(work()), 3);
  function* broken(): Paced<number> {
    yield;
    throw new RangeError("broken");
  }
  assert.throws(() => atOnce(broken()), RangeError);
  await assert.rejects(inTurns(broken()), RangeError);
});

test("one turn is given in each round, in the order they were asked for", async () => {
  const order: string[] = [];
  let round = 0;
  let done = false;
  const count = (): void => {
    round += 1;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  const worker = async (name: string): Promise<void> => {
    function* once(): Paced<void> {
      order.push(`${name}${round}`);
      yield;
    }
    await inTurns(once());
  };
  await Promise.all(["a", "b", "c", "d"].map(worker));
  done = true;
  assert.deepEqual(
    order.map((entry) => entry[0]),
    ["a", "b", "c", "d"],
  );
  assert.equal(new Set(order.map((entry) => entry.slice(1))).size, 4);
});

test("a short message is judged without waiting for anything", async () => {
  // On a machine that is busy with other things one may take longer than a turn, and goes on in the next: not all do.
  let atOnce = 0;
  for (let tries = 0; tries < 50; tries++) {
    let judged = false;
    const inspection = guardThat("mask")
      .inspect([span(KEY), span("x".repeat(2_000), "/b")], "request")
      .then(() => (judged = true));
    for (let turns = 0; turns < 5; turns++) await Promise.resolve();
    if (judged) atOnce += 1;
    await inspection;
  }
  assert.ok(atOnce > 0, "every one waited");
});

test("others get their turn while a long message is judged, whatever makes it long", async () => {
  // Each is more than fifty milliseconds of work on the fastest machine there is, and a turn is eight. Three rounds
  // are had by waiting for the first turn alone.
  const messages = {
    "a text made to provoke": [span("token=".repeat(60_000))],
    "the same in another dress": [span("ｔｏｋｅｎ=".repeat(60_000))],
    "many small texts": Array.from({ length: 400_000 }, (_, at) => span("a", `/${at}`)),
  };
  for (const [name, spans] of Object.entries(messages)) {
    const rounds = await roundsDuring(guardThat("mask").inspect(spans, "request"));
    assert.ok(rounds >= 6, `${name}: ${rounds} rounds`);
  }
  const stream = guardThat("mask").stream("response", "assistant", "/a");
  const rounds = await roundsDuring(Promise.resolve(stream.push("token=".repeat(60_000))));
  assert.ok(rounds >= 6, `a long piece of a stream: ${rounds} rounds`);
});

test("a long text has the findings and the mask that it has in one go", async () => {
  const pair = "\u{E0041}";
  // What is found stands across the ends of steps, with the halves of pairs on either side of one.
  for (const found of [KEY, `AKIA\u200B${KEY.slice(4)}`, `${pair}${pair}`, "i\u200Bg"]) {
    for (let before = STEP - found.length - 1; before <= STEP + 1; before++) {
      const text = `${"- ".repeat(before >> 1)}${before % 2 === 1 ? "-" : ""} ${found} ${"- ".repeat(LONG / 2)}`;
      const short = await guardThat("mask").inspect([span(` ${found} `)], "request");
      const { verdict, masked } = await guardThat("mask").inspect([span(text)], "request");
      const shift = text.indexOf(found) - 1;
      assert.deepEqual(
        verdict.findings.map(({ rule, location }) => [rule, location.start - shift, location.end - shift]),
        short.verdict.findings.map(({ rule, location }) => [rule, location.start, location.end]),
      );
      const shortMasked = short.masked[0]?.text ?? "";
      assert.equal(
        masked[0]?.text,
        text.replace(` ${found} `, () => shortMasked),
      );
      const stream = guardThat("mask").stream("request", "user", "/a");
      assert.equal((await stream.push(text)).emit + (await stream.end()).emit, masked[0]?.text);
    }
  }
});

test("a long piece of a stream ends where the policy blocks", async () => {
  const stream = guardThat("block").stream("response", "assistant", "/a");
  const before = "- ".repeat(LONG);
  const step = await stream.push(`${before}${KEY} ${"- ".repeat(LONG)}`);
  assert.deepEqual([step.blocked, before.startsWith(step.emit)], [true, true]);
  assert.deepEqual(await stream.push("more"), { emit: "", blocked: true });
});

test("a detector that fails on a long text has failed", async () => {
  const settings = { broken: { request: "mask", response: "mask", onError: "block" } } as const;
  const broken = {
    ...unicodeDetector,
    id: "broken",
    *read(): Paced<readonly never[]> {
      yield;
      throw new Error("it broke");
    },
  };
  const guard = createGuard({ detectors: [broken], settings });
  const { verdict } = await guard.inspect([span("x".repeat(LONG + 1))], "request");
  assert.deepEqual([verdict.action, verdict.runs[0]?.outcome], ["block", "error"]);
});
