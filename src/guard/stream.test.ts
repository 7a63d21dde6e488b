import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { isHoldfastError, type Finding, type Verdict } from "../core/index.ts";
import { STREAM_STEP, type Detector } from "./detector.ts";
import { SECRET_RULES } from "./detectors/secrets/rules/index.ts";
import { secretsDetector } from "./detectors/secrets/secrets.ts";
import { unicodeDetector } from "./detectors/unicode/unicode.ts";
import { createGuard, type Guard } from "./guard.ts";
import type { GuardAction } from "./policy.ts";
import { repeats } from "./read.ts";
import { createVault } from "./vault.ts";

const AWS = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");
const POINTER = "/choices/0/delta/content";

function guardWith(unicode: GuardAction, secrets: GuardAction): Guard {
  return createGuard({
    detectors: [unicodeDetector, secretsDetector],
    settings: {
      unicode: { request: "off", response: unicode, onError: "block" },
      secrets: { request: "off", response: secrets, onError: "block" },
    },
  });
}

interface Outcome {
  readonly output: string;
  readonly blocked: boolean;
  readonly verdict: Verdict;
  /** Most units that were held back. */
  readonly held: number;
}

async function read(guard: Guard, pieces: readonly string[]): Promise<Outcome> {
  const stream = guard.stream("response", "assistant", POINTER);
  let output = "";
  let given = 0;
  let held = 0;
  for (const piece of pieces) {
    const step = await stream.push(piece);
    output += step.emit;
    given += piece.length;
    held = Math.max(held, given - output.length);
    if (step.blocked) held = 0;
  }
  const last = await stream.end();
  return { output: output + last.emit, blocked: last.blocked, verdict: stream.verdict, held };
}

function cutAt(text: string, cuts: readonly number[]): readonly string[] {
  const places = [0, ...cuts.toSorted((one, other) => one - other), text.length];
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

/** A fixed draw, so that failures repeat. */
const example = (index: number): string =>
  (SECRET_RULES[index % SECRET_RULES.length] as (typeof SECRET_RULES)[number]).example((alphabet, length) =>
    Array.from({ length }, (_, at) => alphabet.charAt(((at + index + 3) * 2_654_435_761) % alphabet.length)).join(""),
  );

const fragment = fc.oneof(
  fc.nat(SECRET_RULES.length - 1).map(example),
  fc.constantFrom(
    ..."\u200B \u200D \uFE0F \u{E0101} 😀 \u2067 \u2066 \u2069 \u202E א a \u00AD Ａ ＫＩＡ \uD83D \uDC00 \u0007 \u{E0058}".split(
      " ",
    ),
    ..."\n; ;token = ;-----BEGIN ;://u:;@h;e\u0301;\u200B\u200B\u200B\u200B\u200B;می\u200Cخ".split(";"),
    "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
  ),
  fc.string({ maxLength: 6 }),
);
const hostile = fc
  .tuple(fc.array(fragment, { maxLength: 7 }), fc.array(fc.tuple(fc.nat(300), fragment), { maxLength: 2 }))
  .map(([fragments, inserts]) =>
    inserts.reduce((text, [at, insert]) => text.slice(0, at) + insert + text.slice(at), fragments.join("")),
  );
const action = fc.constantFrom<GuardAction>("flag", "mask", "block", "off");

test("a text cut at every position, or anywhere, gives the output and the verdict of one piece", async () => {
  await fc.assert(
    fc.asyncProperty(
      hostile,
      action,
      action,
      fc.array(fc.nat(600), { maxLength: 5 }),
      async (text, unicode, secrets, cuts) => {
        const guard = guardWith(unicode, secrets);
        const { held: _, ...whole } = await read(guard, [text]);
        const everywhere = Array.from({ length: text.length }, (_, at) => at);
        for (const places of [everywhere, cuts.filter((cut) => cut <= text.length)]) {
          const { held: _, ...cut } = await read(guard, cutAt(text, places));
          assert.deepEqual(cut, whole);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("a stream judges as an inspection of the whole does", async () => {
  await fc.assert(
    fc.asyncProperty(hostile, action, action, async (text, unicode, secrets) => {
      const guard = guardWith(unicode, secrets);
      const { verdict, masked } = await guard.inspect([{ pointer: POINTER, text, origin: "assistant" }], "response");
      const stream = await read(guard, [text]);
      if (stream.blocked) {
        // What was hidden in an encoding could not be masked any more.
        assert.equal(stream.verdict.action, "block");
        assert.ok(stream.verdict.findings.length > 0);
        return;
      }
      const { plain, inViews } = split(verdict.findings, text);
      const streamed = split(stream.verdict.findings, text);
      assert.deepEqual(streamed.plain, plain);
      // A look sees its window as if the text ended there, so it may take more for a find than the whole shows.
      for (const found of inViews)
        assert.ok(
          streamed.inViews.some((it) => repeats(it, found)),
          found.rule,
        );
      if (streamed.inViews.length === 0) assert.deepEqual(stream.verdict, verdict);
      assert.equal(stream.output, masked[0]?.text ?? text);
    }),
    { numRuns: 300 },
  );
});

const CONTEXT = { direction: "response", origin: "assistant", pointer: POINTER } as const;

/** The findings in the text as it stands, which are read exactly, and those in views of it, which are read in passing. */
function split(findings: readonly Finding[], text: string): { plain: readonly Finding[]; inViews: readonly Finding[] } {
  const exact = new Set(secretsDetector.detect(text, CONTEXT).map(idOf));
  const isPlain = (finding: Finding): boolean => finding.rule.startsWith("unicode.") || exact.has(idOf(finding));
  return { plain: findings.filter(isPlain), inViews: findings.filter((finding) => !isPlain(finding)) };
}

function idOf({ rule, location }: Finding): string {
  return `${rule} ${location.start}`;
}

test("what a look cuts short, the next one completes", async () => {
  const token = [
    "eyJhbGciOiJIUzI1NiJ9",
    "eyJzdWIiOiJlaGtucXR3eiJ9",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq",
  ].join(".");
  const encoded = Buffer.from(token).toString("base64");
  const before = "x".repeat(STREAM_STEP - encoded.length + 1) + " ";
  const { verdict } = await read(guardWith("flag", "flag"), [before.slice(1) + encoded]);
  const found = verdict.findings.find(({ rule }) => rule === "secrets.jwt");
  assert.deepEqual(
    [found?.location.start, found?.location.end],
    [before.length - 1, before.length - 1 + encoded.length],
  );
});

test("ordinary text flows: what is held back is a few units", async () => {
  const prose =
    "The token is valid for a day. Ask your secret santa, then skim https://example.com/path?a=b#c: fine, 42 % done. ";
  const guard = guardWith("mask", "mask");
  const { output, held } = await read(guard, Array.from(prose.repeat(3)));
  assert.equal(output, prose.repeat(3));
  assert.ok(held <= 24, `held back ${held}`);
});

test("a key is masked before any of it leaves, and flows on behind it", async () => {
  const text = `key ${AWS}, and that was it`;
  const { output, verdict } = await read(guardWith("mask", "mask"), Array.from(text));
  assert.equal(output, "key [masked:secrets.aws-access-key-id], and that was it");
  assert.equal(verdict.action, "mask");
  assert.deepEqual(verdict.findings[0]?.location, { pointer: POINTER, start: 4, end: 24 });
});

test("a private key is masked without being held back, however long", async () => {
  const line = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\n";
  const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${line.repeat(500)}-----END OPENSSH PRIVATE KEY-----`;
  const stream = guardWith("mask", "mask").stream("response", "assistant", POINTER);
  let output = "";
  const text = `Here: ${key} Done.`;
  for (let at = 0; at < text.length; at += 100) {
    output += (await stream.push(text.slice(at, at + 100))).emit;
    if (at > 200 && at < 30_000) assert.equal(output, "Here: [masked:secrets.private-key]");
  }
  output += (await stream.end()).emit;
  assert.equal(output, "Here: [masked:secrets.private-key] Done.");
  assert.equal(stream.verdict.findings[0]?.location.end, 6 + key.length);
});

test("a block lets out what came before, nothing of the match, and nothing after", async () => {
  const text = `before ${AWS} after`;
  for (const pieces of [[text], Array.from(text), [text.slice(0, 12), text.slice(12)]]) {
    const { output, blocked, verdict } = await read(guardWith("mask", "block"), pieces);
    assert.equal(output, "before ");
    assert.equal(blocked, true);
    assert.equal(verdict.action, "block");
  }
});

test("a blocked stream stays blocked", async () => {
  const stream = guardWith("block", "mask").stream("response", "assistant", POINTER);
  assert.deepEqual(await stream.push("ok \u202E no"), { emit: "ok ", blocked: true });
  assert.deepEqual(await stream.push("more"), { emit: "", blocked: true });
  assert.deepEqual(await stream.end(), { emit: "", blocked: true });
  assert.equal(stream.verdict.findings.length, 1);
});

test("an ended stream takes nothing more", async () => {
  const stream = guardWith("mask", "mask").stream("response", "assistant", POINTER);
  await stream.end();
  assert.throws(
    () => void stream.push("x"),
    (error) => isHoldfastError(error, "guard.stream-ended"),
  );
  assert.throws(
    () => void stream.end(),
    (error) => isHoldfastError(error, "guard.stream-ended"),
  );
});

test("text passes at once where all detectors are off", async () => {
  const stream = guardWith("off", "off").stream("response", "assistant", POINTER);
  assert.deepEqual(await stream.push(AWS), { emit: AWS, blocked: false });
  await stream.end();
  assert.deepEqual(
    stream.verdict.runs.map(({ outcome }) => outcome),
    ["not-scanned", "not-scanned"],
  );
});

/** Finds words of four capitals, each by itself, by reading whole texts. */
function capitals(how: "now" | "later"): Detector {
  const detect = (text: string, pointer: string): readonly Finding[] =>
    Array.from(text.matchAll(/(?<![A-Z])[A-Z]{4}(?![A-Z])/g), ({ index }) => ({
      rule: "capitals.four",
      severity: "low",
      location: { pointer, start: index, end: index + 4 },
      message: "four capitals",
      remedy: "none",
      references: [],
    }));
  return {
    id: "capitals",
    version: "1",
    directions: ["response"],
    longestMatch: 5,
    cost: "cheap",
    detect: (text, { pointer }) => (how === "now" ? detect(text, pointer) : Promise.resolve(detect(text, pointer))),
  };
}

test("a detector of whole texts is exact over a window", async () => {
  const letters = fc.array(fc.constantFrom("A", "B", "c", " "), { maxLength: 60 }).map((units) => units.join(""));
  await fc.assert(
    fc.asyncProperty(letters, fc.constantFrom("now", "later"), fc.array(fc.nat(60)), async (text, how, cuts) => {
      const guard = createGuard({
        detectors: [capitals(how)],
        settings: { capitals: { request: "off", response: "mask", onError: "block" } },
      });
      const expected = text.replace(/(?<![A-Z])[A-Z]{4}(?![A-Z])/g, "[masked:capitals.four]");
      const { output, verdict } = await read(
        guard,
        cutAt(
          text,
          cuts.filter((cut) => cut <= text.length),
        ),
      );
      assert.equal(output, expected);
      assert.equal(verdict.findings.length, expected.split("[masked").length - 1);
    }),
    { numRuns: 300 },
  );
});

test("a detector that fails in mid-stream blocks, or steps aside by an explicit choice", async () => {
  for (const onError of ["block", "allow"] as const) {
    for (const detect of [
      () => {
        throw new Error("broken");
      },
      () => Promise.reject(new Error("broken")),
      () => [{}] as unknown as readonly Finding[],
    ]) {
      const guard = createGuard({
        detectors: [{ ...capitals("now"), detect }],
        settings: { capitals: { request: "off", response: "mask", onError } },
      });
      const { output, blocked, verdict } = await read(guard, ["some text ", "and more"]);
      assert.equal(blocked, onError === "block");
      assert.equal(output, onError === "block" ? "" : "some text and more");
      assert.equal(verdict.runs[0]?.outcome, "error");
      assert.equal(verdict.action, onError);
    }
  }
});

/** Finds a word anywhere, but only says so of a window, as a classifier does. */
function inPassing(word: string, how: "now" | "later", reads: "text" | "views" = "text"): Detector {
  const find = (text: string, pointer: string): readonly Finding[] =>
    text.includes(word)
      ? [
          {
            rule: "passing.word",
            severity: "high",
            location: { pointer, start: 0, end: text.length },
            message: "the word is somewhere in it",
            remedy: "none",
            references: [],
          },
        ]
      : [];
  return {
    ...capitals("now"),
    id: "passing",
    guarantee: "windowed",
    reads,
    detect: (text, { pointer }) => (how === "now" ? find(text, pointer) : Promise.resolve(find(text, pointer))),
  };
}

function guardInPassing(does: GuardAction, detector: Detector): Guard {
  return createGuard({
    detectors: [detector, secretsDetector],
    settings: {
      passing: { request: "off", response: does, onError: "block" },
      secrets: { request: "off", response: "mask", onError: "block" },
    },
  });
}

test("what is judged in passing does not depend on the cuts either", async () => {
  const words = fc
    .array(fc.oneof(fc.constantFrom("attack ", "atta", "ck ", `${AWS} `), fc.string({ maxLength: 90 })), {
      maxLength: 40,
    })
    .map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(
      words,
      action,
      fc.constantFrom("now", "later"),
      fc.array(fc.nat(2000), { maxLength: 6 }),
      async (text, does, how, cuts) => {
        const guard = guardInPassing(does, inPassing("attack", how));
        const { held: _, ...whole } = await read(guard, [text]);
        const everywhere = Array.from({ length: text.length }, (_, at) => at);
        for (const places of [everywhere, cuts.filter((cut) => cut <= text.length)]) {
          const { held: _, ...cut } = await read(guard, cutAt(text, places));
          assert.deepEqual(cut, whole);
        }
        assert.equal(whole.blocked, text.includes("attack") && (does === "block" || does === "mask"));
      },
    ),
    { numRuns: 60 },
  );
});

test("text flows past what judges in passing, which stops it within one step", async () => {
  const text = `${"all is well. ".repeat(60)}attack ${"and more of it. ".repeat(60)}`;
  const { output, blocked, held } = await read(guardInPassing("block", inPassing("attack", "later")), Array.from(text));
  assert.equal(blocked, true);
  assert.ok(held <= 24, `held back ${held}`);
  const said = text.indexOf("attack") + "attack".length;
  assert.ok(output.length >= said && output.length < said + STREAM_STEP, `passed ${output.length - said} more`);
  assert.ok(text.startsWith(output));
});

test("what an answer hides in an encoding stops it, and what is plain is masked", async () => {
  const guard = guardWith("mask", "mask");
  const plain = await read(guard, [`plain ${AWS}`]);
  assert.equal(plain.output, "plain [masked:secrets.aws-access-key-id]");
  const hidden = Buffer.from(`the key: ${AWS}, use it`).toString("base64");
  const text = `Here: ${hidden} and ${"more ".repeat(200)}`;
  for (const pieces of [[text], Array.from(text)]) {
    const { output, blocked, verdict } = await read(guard, pieces);
    assert.equal(blocked, true);
    assert.equal(output, text.slice(0, STREAM_STEP));
    assert.deepEqual(verdict.findings[0]?.location, { pointer: POINTER, start: 6, end: 6 + hidden.length });
  }
});

test("a look that takes too long is a failure", async () => {
  const never = { ...inPassing("x", "later"), detect: () => new Promise<readonly Finding[]>(() => undefined) };
  for (const onError of ["block", "allow"] as const) {
    const guard = createGuard({
      detectors: [never],
      settings: { passing: { request: "off", response: "flag", onError, timeoutMs: 20 } },
    });
    const { blocked, verdict } = await read(guard, ["some text"]);
    assert.equal(blocked, onError === "block");
    assert.equal(verdict.runs[0]?.why, "the detector took longer than its time limit");
  }
});

test("placeholders of the request come back in the answer, wherever it is cut", async () => {
  const guard = createGuard({
    detectors: [secretsDetector],
    settings: { secrets: { request: "tokenise", response: "mask", onError: "block" } },
  });
  const { masked, vault } = await guard.inspect([{ pointer: "/m", text: `use ${AWS}.`, origin: "user" }], "request");
  const placeholder = masked[0]?.text.slice(4, -1) ?? "";
  assert.match(placeholder, /^\[AWS_ACCESS_KEY_ID_1_[b-v]{7}\]$/);
  assert.ok(vault !== undefined);
  const answer = `I used ${placeholder}, as told: ${placeholder.toLowerCase()}`;
  for (const pieces of [[answer], Array.from(answer)]) {
    const stream = guard.stream("response", "assistant", POINTER, { vault });
    let output = "";
    for (const piece of pieces) output += (await stream.push(piece)).emit;
    output += (await stream.end()).emit;
    assert.equal(output, `I used ${AWS}, as told: ${AWS}`);
  }
  const whole = await guard.inspect([{ pointer: POINTER, text: answer, origin: "assistant" }], "response", { vault });
  assert.deepEqual(whole.restored, [{ pointer: POINTER, text: `I used ${AWS}, as told: ${AWS}` }]);
});

test("what waited as a placeholder comes out before a block, wherever it is cut", async () => {
  const guard = guardWith("mask", "block");
  const vault = createVault();
  vault.placeholder("pii.email", "ada@example.org");
  const text = `see [EMAIL ${AWS} and more`;
  for (const pieces of [[text], Array.from(text)]) {
    const stream = guard.stream("response", "assistant", POINTER, { vault });
    let output = "";
    for (const piece of pieces) output += (await stream.push(piece)).emit;
    output += (await stream.end()).emit;
    assert.equal(output, "see [EMAIL ");
  }
});

test("a detector whose findings pass holds nothing back, and its findings stand in the verdict of a block after them", async () => {
  const flagged = guardWith("off", "flag").stream("response", "assistant", POINTER);
  for (const piece of [AWS.slice(0, 7), AWS.slice(7)]) assert.equal((await flagged.push(piece)).emit, piece);
  await flagged.end();
  assert.deepEqual(
    flagged.verdict.findings.map(({ rule }) => rule),
    ["secrets.aws-access-key-id"],
  );

  for (const pieces of [
    [`${AWS}\u202E`],
    [...AWS.split(""), "\u202E"],
    [`${AWS}\u202E x`],
    [AWS.slice(0, 9), `${AWS.slice(9)}\u202E`],
  ]) {
    const { output, blocked, verdict } = await read(guardWith("block", "flag"), pieces);
    assert.equal(output, AWS);
    assert.equal(blocked, true);
    assert.equal(verdict.findings.length, 2, JSON.stringify(pieces));
  }
});
