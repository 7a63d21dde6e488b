import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { secretsDetector } from "../detectors/secrets/secrets.ts";
import { createGuard, type Guard } from "../guard.ts";
import type { GuardAction } from "../policy.ts";
import { isGuardBlocked } from "./blocked.ts";
import { guardEvents } from "./events.ts";
import { openExchange } from "./exchange.ts";
import { readApiEvent } from "./protocol.ts";

const AWS = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");
const POINTER = "/text";

function guardWith(response: GuardAction): Guard {
  return createGuard({
    detectors: [secretsDetector],
    settings: { secrets: { request: "off", response, onError: "block" } },
  });
}

/** The texts of two choices as chunks, pieces taken in turn, and what the application reads of them. */
async function stream(
  guard: Guard,
  choices: readonly (readonly string[])[],
): Promise<{ texts: string[]; blocked: boolean }> {
  const chunks: object[] = [];
  const longest = Math.max(...choices.map(({ length }) => length));
  for (let at = 0; at < longest; at++) {
    const present = choices.flatMap((pieces, index) =>
      at < pieces.length
        ? [{ index, delta: { content: pieces[at] }, finish_reason: at === pieces.length - 1 ? "stop" : null }]
        : [],
    );
    chunks.push({ object: "chat.completion.chunk", choices: present });
  }
  const source = (async function* () {
    yield* chunks;
  })();
  const texts = choices.map(() => "");
  try {
    for await (const chunk of guardEvents(source, readApiEvent, openExchange(guard, {}))) {
      for (const { index, delta } of (chunk as { choices: { index: number; delta: { content: string } }[] }).choices) {
        texts[index] += delta.content;
      }
    }
  } catch (error) {
    if (!isGuardBlocked(error)) throw error;
    return { texts, blocked: true };
  }
  return { texts, blocked: false };
}

function cut(text: string, cuts: readonly number[]): readonly string[] {
  const places = [0, ...cuts.filter((at) => at < text.length).toSorted((a, b) => a - b), text.length];
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

const text = fc
  .array(fc.constantFrom(AWS, "AKIA", "key ", " and ", "\n", "😀", "token=", AWS.slice(0, 9)), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.join(""));

test("choices streamed side by side, cut anywhere, come out as each would whole", async () => {
  const guard = guardWith("mask");
  await fc.assert(
    fc.asyncProperty(text, text, fc.array(fc.nat(90), { maxLength: 12 }), async (one, other, cuts) => {
      const expected = await Promise.all(
        [one, other].map(async (whole) => {
          const span = { pointer: POINTER, text: whole, origin: "assistant" as const };
          return (await guard.inspect([span], "response")).masked[0]?.text ?? whole;
        }),
      );
      const streamed = await stream(guard, [cut(one, cuts), Array.from(other)]);
      assert.deepEqual(streamed, { texts: expected, blocked: false });
    }),
    { numRuns: 200 },
  );
});

test("a blocked choice lets out what was before the match and nothing more, of any choice", async () => {
  const guard = guardWith("block");
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(90), { maxLength: 12 }), async (whole, cuts) => {
      const span = { pointer: POINTER, text: whole, origin: "assistant" as const };
      const { verdict } = await guard.inspect([span], "response");
      const at = verdict.findings[0]?.location.start ?? whole.length;
      assert.deepEqual(await stream(guard, [cut(whole, cuts)]), {
        texts: [whole.slice(0, at)],
        blocked: verdict.action === "block",
      });
    }),
    { numRuns: 200 },
  );
});

test("what a chunk says of its tokens goes when its text was held back", async () => {
  const chunk = (content: string): object => ({
    choices: [{ index: 0, delta: { content }, logprobs: { content: [{ token: content }] }, finish_reason: null }],
  });
  const source = (async function* () {
    for (const piece of ["Hello there ", "AK", `${AWS.slice(2)} `, "bye "]) yield chunk(piece);
  })();
  const seen: string[] = [];
  for await (const event of guardEvents(source, readApiEvent, openExchange(guardWith("mask"), {}))) {
    seen.push(JSON.stringify(event));
  }
  const all = seen.join("");
  assert.ok(all.includes('"token":"Hello there "'), all);
  assert.ok(!all.includes('"token":"AK"') && !all.includes(AWS.slice(2)), all);
});

test("fields that are new to the API are pieces too", async () => {
  const source = (async function* () {
    for (const piece of Array.from(AWS)) {
      yield { choices: [{ index: 0, delta: { thoughts: [{ index: 4, words: piece }] } }] };
    }
  })();
  let words = "";
  for await (const event of guardEvents(source, readApiEvent, openExchange(guardWith("mask"), {}))) {
    words += event.choices[0]?.delta.thoughts[0]?.words;
  }
  assert.equal(words, "[masked:secrets.aws-access-key-id]");
});
