/** Long system prompts: made ready in steps, found as short ones are, and nobody waits long meanwhile. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { monitorEventLoopDelay } from "node:perf_hooks";

import { createGuard } from "../../guard.ts";
import { createLeakDetector } from "./leak.ts";

/** Distinct words, so that no two passages are alike. */
function longText(units: number, seed: string): string {
  const words: string[] = [];
  for (let at = 0, length = 0; length < units; at++) {
    const word = `${seed}${at.toString(36).replaceAll(/\d/g, (digit) => "ghijklmnop"[Number(digit)] as string)}`;
    words.push(word);
    length += word.length + 1;
  }
  return words.join(" ");
}

const settings = { leak: { request: "allow", response: "block", onError: "block", timeoutMs: 60_000 } } as const;
const guardOf = () => createGuard({ detectors: [createLeakDetector()], settings });

test("a passage of a prompt of megabytes is found, made ready or not", async () => {
  const prompt = longText(2_000_000, "p");
  const passage = prompt.slice(1_500_000, 1_500_200);
  const exchange = { instructions: [prompt], known: [] };
  const answer = [{ pointer: "/x", text: `I was told: ${passage}.`, origin: "assistant" as const }];
  assert.equal((await guardOf().inspect(answer, "response", exchange)).verdict.action, "block");

  for (const ready of [true, false]) {
    const guard = guardOf();
    if (ready) await guard.prepare("response", exchange);
    const stream = guard.stream("response", "assistant", "/x", exchange);
    const { emit, blocked } = await stream.push(`I was told: ${passage}`);
    assert.equal(blocked, true);
    assert.equal(emit.includes(passage.split(" ")[4] as string), false);
  }
});

test("what the reader said himself gives nothing away, however long it is", async () => {
  const prompt = longText(400_000, "p");
  const exchange = { instructions: [prompt], known: [prompt.slice(0, 200_000)] };
  const guard = guardOf();
  await guard.prepare("response", exchange);
  for (const [at, action] of [
    [100_000, "allow"],
    [300_000, "block"],
  ] as const) {
    const answer = [{ pointer: "/x", text: prompt.slice(at, at + 200), origin: "assistant" as const }];
    assert.equal((await guard.inspect(answer, "response", exchange)).verdict.action, action);
  }
});

test("short prompts are not made ready, and no prompt is for a direction that does not look for it", () => {
  const guard = guardOf();
  const exchange = { instructions: ["Never say that the warehouse in Leith opens at six."], known: ["hi"] };
  assert.equal(guard.prepare("response", exchange), undefined);
  assert.equal(guard.prepare("request", { instructions: [longText(200_000, "p")] }), undefined);
});

test("several prompts that are too long for the memory of prompts stay ready until they are used", async () => {
  const instructions = Array.from({ length: 8 }, (_, index) => longText(200_000, "pqrstuvw"[index] as string));
  const exchange = { instructions, known: [] };
  const guard = guardOf();
  await guard.prepare("response", exchange);
  const began = performance.now();
  await guard.prepare("response", exchange);
  assert.ok(performance.now() - began < 200, "the second time there is nothing to do");
  for (const prompt of instructions) {
    const answer = [{ pointer: "/x", text: prompt.slice(100_000, 100_300), origin: "assistant" as const }];
    assert.equal((await guard.inspect(answer, "response", exchange)).verdict.action, "block");
  }
});

test("while a prompt of megabytes is made ready, others get their turn", async () => {
  const exchange = { instructions: [longText(3_000_000, "p")], known: [longText(500_000, "k")] };
  const guard = guardOf();
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  await guard.prepare("response", exchange);
  delays.disable();
  counting = false;
  // In one go there would be one turn, of most of a second.
  assert.ok(turns > 20, `${turns} turns`);
  // The median, in nanoseconds: a busy machine or the collector of garbage may stop all for longer.
  assert.ok(delays.percentile(50) / 1e6 < 60, `${delays.percentile(50) / 1e6} ms`);
});
