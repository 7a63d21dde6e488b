import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { DetectContext, Detector, Scan } from "../../detector.ts";
import { createCanary } from "./canary.ts";
import { addHash, measuredChance, openFilter, planFilter } from "./filter.ts";
import type { CorpusIndex } from "./index-file.ts";
import { createLeakDetector } from "./leak.ts";
import { Ring } from "./passages.ts";
import { openWords } from "./words.ts";

const PROMPT =
  "You are Harbour, the booking assistant of Northsea Ferries. Never mention that the Tuesday crossing is usually " +
  "half empty. Offer the family cabin first, because its margin is the highest. If a passenger asks for a refund, say " +
  "that the desk in Rosyth decides, and do not reveal the internal refund code 4471 to anybody. Prices are in pounds.";
const BASE: DetectContext = { direction: "response", origin: "assistant", pointer: "/y" };
const CONTEXT: DetectContext = { ...BASE, instructions: [PROMPT] };
const detector = createLeakDetector();

function places(text: string, context: DetectContext = CONTEXT, own: Detector = detector): readonly string[] {
  const found = own.detect(text, context);
  assert.ok(Array.isArray(found));
  return found.map(({ rule, location }) => `${rule.replace("leak.", "")} ${text.slice(location.start, location.end)}`);
}

test("eight words in a row of the prompt but for the first two, whatever is between and around them", () => {
  const passage = "Offer the family cabin first, because its margin is the highest";
  for (const written of [
    passage,
    passage.toUpperCase(),
    passage.replaceAll(" ", "\n"),
    passage.replaceAll(" ", "_"),
    `${passage.slice(0, 16)}**${passage.slice(16)}`,
    "offer the family cabin first\n- because its margin\n- is the highest",
    "offer the family cabin first because its margin",
  ]) {
    const found = written.slice(written.search(/family/i));
    assert.deepEqual(places(`I was told: ${written}! Anyway.`), [`system-prompt ${found}`]);
  }
  assert.deepEqual(places("offer the family cabin first because its"), [], "seven words");
  assert.deepEqual(places(`Sure. ${PROMPT}`), [`system-prompt ${PROMPT.slice("You are ".length, -1)}`]);
  const [finding] = detector.detect(PROMPT, CONTEXT) as readonly { message: string }[];
  assert.equal(finding?.message, `repeats ${PROMPT.match(/\w+/g)?.length ?? 0} words in a row of the system prompt`);
});

test("without a prompt in force, or when it is switched off, nothing is found", () => {
  assert.deepEqual(places(PROMPT, BASE), []);
  assert.deepEqual(places(PROMPT, CONTEXT, createLeakDetector({ prompt: false })), []);
});

test("what is said in other words, or by anybody, is no leak", () => {
  for (const answer of [
    "You are a helpful assistant. Let me know if you have any other questions, and feel free to ask me anything.",
    "The family cabin is a good choice: offer it first, as it has the highest margin, I would say.",
    "If a passenger asks for a refund, the desk in Rosyth can help.",
    "Prices are in pounds.",
    "",
  ]) {
    assert.deepEqual(places(answer), [], answer);
  }
  const common: DetectContext = {
    ...BASE,
    instructions: [
      "You are a helpful assistant. Answer the following question as best you can. Be concise and to the point.",
    ],
  };
  assert.deepEqual(
    places(
      "I am a helpful assistant. You are a helpful assistant. Answer the following question as best you can.",
      common,
    ),
    [],
  );
});

test("words of the reader's own, and passages that may be quoted, give nothing away", () => {
  const passage = "Offer the family cabin first, because its margin is the highest";
  assert.deepEqual(places(passage, { ...CONTEXT, known: [`Why does it say «${passage}»?`] }), []);
  assert.deepEqual(places(passage, CONTEXT, createLeakDetector({ prompt: { quotable: [passage] } })), []);
});

test("a prompt in pieces: none is long, together they are much of it", () => {
  const words = PROMPT.split(" ");
  const pieces = Array.from({ length: Math.ceil(words.length / 7) }, (_, at) =>
    words.slice(at * 7, at * 7 + 7).join(" "),
  );
  const found = places(pieces.join(" - mind you - "));
  assert.ok(found.length >= 3 && found.every((place) => place.startsWith("prompt-pieces ")), found.join("\n"));
  assert.deepEqual(places(pieces.slice(0, 2).join(" - mind you - ")), []);
  assert.deepEqual(places(pieces.join(" - mind you - "), CONTEXT, createLeakDetector({ prompt: { share: 1 } })), []);
});

test("a short prompt counts as a whole, and one too short to tell does not count", () => {
  const short: DetectContext = { ...BASE, instructions: ["Reply in Gaelic, whatever people ask."] };
  assert.deepEqual(places("My rule is: reply in Gaelic, whatever people ask!", short), [
    "system-prompt Gaelic, whatever people ask",
  ]);
  assert.deepEqual(places("I reply in Gaelic, whatever they ask.", short), []);
  assert.deepEqual(places("Be brief.", { ...BASE, instructions: ["Be brief."] }), []);
});

test("prompts in scripts without spaces", () => {
  const prompt = "あなたは北海フェリーの予約係です。火曜日の便が空いていることは誰にも言わないでください。";
  const context: DetectContext = { ...BASE, instructions: [prompt] };
  assert.deepEqual(places("秘密:火曜日の便が空いていることは誰にも言わない", context), [
    "system-prompt 日の便が空いていることは誰にも言わない",
  ]);
  assert.deepEqual(places("北海フェリーの予約", context), []);
});

/** An index of a text, as the command makes it of files. */
function indexOf(text: string, ngram: number, chance: number): CorpusIndex {
  const plan = planFilter(1000, chance);
  const filter = openFilter(plan);
  const ring = new Ring(ngram);
  let ngrams = 0;
  const words = openWords((start, _end, one, two, weight) => {
    if (!ring.add(start, one, two, weight)) return;
    addHash(filter, ring.one, ring.two);
    ngrams += 1;
  });
  words.push(text);
  words.end();
  return { words: "words/1", ngram, ...plan, falsePositive: measuredChance(filter), documents: 1, ngrams, filter };
}

test("a passage of the corpus: as many n-grams in a row as are asked for, and how sure that is", () => {
  const index = indexOf(PROMPT, 5, 1e-3);
  const own = createLeakDetector({ index, passage: 4 });
  const passage = "offer the family cabin first because its margin";
  assert.deepEqual(places(`They ${passage}, I read.`, BASE, own), [
    `training-text ${passage.slice("offer the ".length)}`,
  ]);
  assert.deepEqual(places(passage.slice(0, passage.lastIndexOf(" ")), BASE, own), [], "three n-grams");
  const [finding] = own.detect(passage, BASE) as readonly { message: string }[];
  const power = Math.floor(-Math.log10(index.falsePositive) * 4);
  assert.equal(
    finding?.message,
    `repeats 8 words in a row of the indexed corpus; by chance at one place in 10^${power}`,
  );
});

test("reads answers and views of them, not requests", () => {
  assert.deepEqual(detector.directions, ["response"]);
  assert.equal(detector.reads, "views");
});

test("past the limit of findings, the rest of the text belongs to the last", () => {
  const text = "the desk in Rosyth decides, and do not reveal the - ".repeat(300);
  const found = places(text);
  assert.equal(found.length, 257);
  assert.ok(text.endsWith(found.at(-1)?.slice("system-prompt ".length) ?? "none"));
});

const canary = createCanary();
const all = createLeakDetector({ canaries: [canary.token], index: indexOf(PROMPT, 5, 1e-3), passage: 4 });

/** Findings of a text in pieces. Checks that what is found had not left. */
function inPieces(pieces: readonly string[], context: DetectContext): readonly unknown[] {
  const scan = all.open?.(context) as Scan;
  let settled = 0;
  let length = 0;
  const check = (known: readonly unknown[]): void => {
    for (const hit of scan.hits) {
      if (!known.includes(hit)) assert.ok(hit.opening.location.start >= settled);
    }
  };
  for (const piece of pieces) {
    const known = [...scan.hits];
    const next = scan.push(piece) as number;
    length += piece.length;
    assert.ok(next >= settled && next <= length);
    check(known);
    settled = next;
  }
  const known = [...scan.hits];
  void scan.end();
  check(known);
  return scan.hits.map(({ finding }) => finding);
}

test("cut anywhere, the findings are those of the whole", () => {
  const words = PROMPT.split(" ");
  const part = fc.oneof(
    fc.tuple(fc.nat(words.length), fc.nat(14)).map(([from, count]) => words.slice(from, from + count).join(" ")),
    fc.constantFrom(canary.token, canary.token.slice(0, 11), "- ", " ", ", ", "other words ", "\u200B", "鍵"),
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(600), { maxLength: 6 }), (parts, cuts) => {
      const whole = parts.join(" ");
      const places = [...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
      const found = all.detect(whole, CONTEXT);
      assert.deepEqual(
        inPieces(
          places.map((end, at) => whole.slice(places[at - 1] ?? 0, end)),
          CONTEXT,
        ),
        found,
      );
      assert.deepEqual(inPieces(whole.split(""), CONTEXT), found);
    }),
    { numRuns: 80 },
  );
});

test("a word that begins nothing of the prompt leaves at once", () => {
  const scan = detector.open?.(CONTEXT) as Scan;
  assert.ok((scan.push("Nothing here beg") as number) >= 16, "half a word too");
  assert.ok((scan.push("ins offer the ") as number) >= 30, "the first two words of a passage are no part of it");
  assert.equal(scan.push("fam"), 30, "held back from its third word on");
  assert.equal(scan.push("ily "), 30);
  assert.ok((scan.push("banana ") as number) >= 41);
});

test("the instructions that an API says back to its caller are no leak", () => {
  const echo: DetectContext = { ...CONTEXT, origin: "system", pointer: "/instructions" };
  assert.deepEqual(places(PROMPT, echo), []);
  const withCanary = createLeakDetector({ canaries: [canary.token] });
  assert.deepEqual(places(`Number ${canary.token}.`, echo, withCanary), []);
  assert.equal(places(`Number ${canary.token}.`, CONTEXT, withCanary).length, 1);
});
