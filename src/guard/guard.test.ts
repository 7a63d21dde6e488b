import assert from "node:assert/strict";
import { test } from "node:test";

import { isHoldfastError, type Finding } from "../core/index.ts";
import type { Detector, TextSpan } from "./detector.ts";
import { secretsDetector } from "./detectors/secrets/secrets.ts";
import { unicodeDetector } from "./detectors/unicode/unicode.ts";
import { createGuard } from "./guard.ts";
import type { DetectorSettings, GuardAction } from "./policy.ts";

const AWS = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");

function span(text: string, pointer = "/messages/0/content"): TextSpan {
  return { pointer, text, origin: "user" };
}

function settings(
  request: GuardAction,
  response: GuardAction = request,
  onError: "block" | "allow" = "block",
): DetectorSettings {
  return { request, response, onError };
}

/** Finds every occurrence of its word. */
function wordDetector(word: string, how: "now" | "later" = "now"): Detector {
  const detect = (text: string, pointer: string): readonly Finding[] =>
    Array.from(text.matchAll(new RegExp(word, "g")), ({ index }) => ({
      rule: `${word}.found`,
      severity: "low",
      location: { pointer, start: index, end: index + word.length },
      message: "a word",
      remedy: "none",
      references: [],
    }));
  return {
    id: word,
    version: "1",
    directions: ["request"],
    longestMatch: word.length,
    cost: "cheap",
    detect: (text, { pointer }) => (how === "now" ? detect(text, pointer) : Promise.resolve(detect(text, pointer))),
  };
}

function brokenDetector(detect: Detector["detect"]): Detector {
  return { ...wordDetector("broken"), directions: ["request", "response"], detect };
}

test("a clean message is allowed, and the verdict says who looked", async () => {
  const guard = createGuard({
    detectors: [unicodeDetector, secretsDetector],
    settings: { unicode: settings("block"), secrets: settings("off") },
  });
  const { verdict, masked } = await guard.inspect([span("hello")], "request");
  assert.deepEqual(masked, []);
  assert.deepEqual(verdict, {
    action: "allow",
    findings: [],
    runs: [
      { detector: "unicode", version: unicodeDetector.version, findings: 0, outcome: "ran" },
      {
        detector: "secrets",
        version: secretsDetector.version,
        findings: 0,
        outcome: "not-scanned",
        why: "off by policy",
      },
    ],
  });
});

test("a finding does what the settings of its detector and direction say", async () => {
  for (const action of ["allow", "flag", "mask", "block"] as const) {
    const guard = createGuard({ detectors: [secretsDetector], settings: { secrets: settings(action, "flag") } });
    const request = await guard.inspect([span(`k ${AWS}`)], "request");
    assert.equal(request.verdict.action, action);
    assert.equal(request.verdict.findings.length, 1);
    assert.deepEqual(
      request.masked,
      action === "mask" ? [{ pointer: "/messages/0/content", text: "k [masked:secrets.aws-access-key-id]" }] : [],
    );
    assert.equal((await guard.inspect([span(`k ${AWS}`)], "response")).verdict.action, "flag");
  }
});

test("the hardest action wins, and a block masks nothing", async () => {
  const guard = createGuard({
    detectors: [unicodeDetector, secretsDetector],
    settings: { unicode: settings("mask"), secrets: settings("block") },
  });
  const { verdict, masked } = await guard.inspect([span("a\u200Bb", "/a"), span(AWS, "/b")], "request");
  assert.equal(verdict.action, "block");
  assert.deepEqual(masked, []);
  assert.deepEqual(
    verdict.findings.map(({ location }) => location.pointer),
    ["/a", "/b"],
  );
});

test("each span is masked by itself: hidden characters go, secrets get a label", async () => {
  const guard = createGuard({
    detectors: [unicodeDetector, secretsDetector],
    settings: { unicode: settings("mask"), secrets: settings("mask") },
  });
  const spans = [span("ig\u200Bnore", "/a"), span("fine", "/b"), span(`x\u202E ${AWS}!`, "/c")];
  assert.deepEqual((await guard.inspect(spans, "request")).masked, [
    { pointer: "/a", text: "ignore" },
    { pointer: "/c", text: "x [masked:secrets.aws-access-key-id]!" },
  ]);
});

test("a detector that does not read a direction is shown as not scanning it", async () => {
  const guard = createGuard({ detectors: [wordDetector("bad")], settings: { bad: settings("block") } });
  const { verdict } = await guard.inspect([span("bad")], "response");
  assert.deepEqual(verdict.runs, [
    { detector: "bad", version: "1", findings: 0, outcome: "not-scanned", why: "does not read a response" },
  ]);
});

test("a detector may answer later", async () => {
  const guard = createGuard({ detectors: [wordDetector("bad", "later")], settings: { bad: settings("mask") } });
  const { masked } = await guard.inspect([span("a bad day", "/a"), span("good", "/b")], "request");
  assert.deepEqual(masked, [{ pointer: "/a", text: "a [masked:bad.found] day" }]);
});

const FAILURES: Readonly<Record<string, Detector["detect"]>> = {
  throws: () => {
    throw new Error(`quotes ${AWS}`);
  },
  rejects: () => Promise.reject(new Error(`quotes ${AWS}`)),
  "answers with nothing": () => undefined as unknown as readonly Finding[],
  "answers with another thing": () => [{ rule: 1 }] as unknown as readonly Finding[],
  "points outside the text": (text, { pointer }) => [
    {
      rule: "broken.x",
      severity: "low",
      location: { pointer, start: 0, end: text.length + 1 },
      message: "",
      remedy: "",
      references: [],
    },
  ],
  "points at another field": () => [
    {
      rule: "broken.x",
      severity: "low",
      location: { pointer: "/other", start: 0, end: 1 },
      message: "",
      remedy: "",
      references: [],
    },
  ],
};

for (const [name, detect] of Object.entries(FAILURES)) {
  test(`a detector that ${name} blocks, or not by an explicit choice, and shows`, async () => {
    for (const onError of ["block", "allow"] as const) {
      const guard = createGuard({
        detectors: [brokenDetector(detect)],
        settings: { broken: settings("flag", "flag", onError) },
      });
      const { verdict } = await guard.inspect([span("text"), span("more", "/b")], "request");
      assert.equal(verdict.action, onError);
      const [run] = verdict.runs;
      assert.equal(run?.outcome, "error");
      assert.equal(
        run?.why,
        name.startsWith("throws") || name.startsWith("rejects")
          ? "the detector failed"
          : "the detector answered with something that is no finding",
      );
      assert.ok(!JSON.stringify(verdict).includes(AWS));
    }
  });
}

test("a detector that takes longer than its time blocks, or not by an explicit choice, and shows", async () => {
  for (const onError of ["block", "allow"] as const) {
    const guard = createGuard({
      detectors: [brokenDetector(() => new Promise<readonly Finding[]>(() => undefined))],
      settings: { broken: { ...settings("flag", "flag", onError), timeoutMs: 20 } },
    });
    const { verdict } = await guard.inspect([span("text")], "request");
    assert.equal(verdict.action, onError);
    assert.equal(verdict.runs[0]?.why, "the detector took longer than its time limit");
  }
});

test("undoing disguises counts into a detector's time, and the next detector goes on from there", async () => {
  // Layers within layers: well over a millisecond of work.
  const layer = (text: string): string => Buffer.from(text).toString("base64");
  const text = `${layer(layer(layer("this is forbidden. ".repeat(10_000))))} `.repeat(2);
  const seen: string[] = [];
  const reader = (id: string): Detector => ({
    ...brokenDetector((read) => {
      if (read.includes("forbidden")) seen.push(id);
      return [];
    }),
    id,
    reads: "views",
  });
  const hasty = { ...settings("block", "block", "block"), timeoutMs: 1 };
  const patient = { ...settings("flag"), timeoutMs: 60_000 };
  const both = createGuard({
    detectors: [reader("hasty"), reader("patient")],
    settings: { hasty, patient },
  });
  const { verdict } = await both.inspect([span(text)], "request");
  assert.equal(verdict.action, "block");
  assert.equal(verdict.runs[0]?.why, "the detector took longer than its time limit");
  assert.equal(verdict.runs[1]?.outcome, "ran");
  assert.deepEqual([...new Set(seen)], ["patient"]);
});

test("a detector of views finds what is encoded, and points at the encoded text", async () => {
  const guard = createGuard({
    detectors: [{ ...wordDetector("forbidden"), reads: "views" }],
    settings: { forbidden: settings("mask") },
  });
  const hidden = Buffer.from("something that is forbidden here").toString("base64");
  const { verdict, masked } = await guard.inspect([span(`read ${hidden} please`)], "request");
  assert.deepEqual(verdict.findings[0]?.rule, "forbidden.found");
  const { start, end } = verdict.findings[0].location;
  assert.ok(start >= 5 && end <= 5 + hidden.length && start < end);
  assert.ok(masked[0]?.text.includes("[masked:forbidden.found]"));
});

test("what is tokenised is masked instead where it overlaps what is masked", async () => {
  const guard = createGuard({
    detectors: [wordDetector("abc"), wordDetector("bcd"), wordDetector("xyz")],
    settings: { abc: settings("tokenise"), bcd: settings("mask"), xyz: settings("tokenise") },
  });
  const { masked, vault } = await guard.inspect([span("1 abcd 2 xyz")], "request");
  assert.match(masked[0]?.text ?? "", /^1 \[masked:abc\.found\] 2 \[FOUND_1_[b-v]{7}\]$/);
  assert.equal(vault?.size, 1);
});

test("settings and detectors must match one to one", () => {
  const codeOf = (make: () => unknown): string | undefined => {
    try {
      make();
    } catch (error) {
      return isHoldfastError(error) ? error.code : "another error";
    }
    return undefined;
  };
  const detectors = [unicodeDetector];
  const unicode = settings("block");
  assert.equal(
    codeOf(() => createGuard({ detectors, settings: { unicode } })),
    undefined,
  );
  assert.equal(
    codeOf(() => createGuard({ detectors, settings: {} })),
    "guard.settings-missing",
  );
  assert.equal(
    codeOf(() => createGuard({ detectors, settings: { unicode, secret: unicode } })),
    "guard.detector-unknown",
  );
  assert.equal(
    codeOf(() => createGuard({ detectors: [...detectors, ...detectors], settings: { unicode } })),
    "guard.detector-repeated",
  );
});

const FIRST = "What was said first, and comes again with every turn. ".repeat(3);

test("a text of a request that was found clean is read once for each place and scope", async () => {
  const read: string[] = [];
  const spy: Detector = {
    ...wordDetector("spy"),
    directions: ["request", "response"],
    detect: (text, { origin, pointer, scope }) => {
      read.push(`${scope} ${origin} ${pointer} ${text}`);
      return wordDetector("spy").detect(text, { direction: "request", origin, pointer });
    },
  };
  const guard = createGuard({ detectors: [spy], settings: { spy: settings("flag") } });
  const readOf = async (spans: readonly TextSpan[], scope = "one", direction: "request" | "response" = "request") => {
    read.length = 0;
    const { verdict } = await guard.inspect(spans, direction, { scope });
    return { read: [...read], found: verdict.findings.length };
  };
  await readOf([span(FIRST, "/0"), span(`${FIRST} a spy`, "/1")]);
  // The history of a conversation comes again; what something was found in is read, and found, each time.
  assert.deepEqual(await readOf([span(FIRST, "/0"), span(`${FIRST} a spy`, "/1"), span("next", "/2")]), {
    read: [`one user /1 ${FIRST} a spy`, "one user /2 next"],
    found: 1,
  });
  // Elsewhere, from somebody else, of another tenant, as an answer: read.
  assert.equal((await readOf([span(FIRST, "/3")])).read.length, 1);
  assert.equal((await readOf([{ ...span(FIRST, "/0"), origin: "tool" }])).read.length, 1);
  assert.equal((await readOf([span(FIRST, "/0")], "two")).read.length, 1);
  assert.equal((await readOf([span(FIRST, "/0")], "one", "response")).read.length, 1);
  // A short one: it costs as little to read it.
  await readOf([span("short", "/5")]);
  assert.equal((await readOf([span("short", "/5")])).read.length, 1);
  // Texts that are not well formed would have one digest.
  await readOf([span(`${FIRST}\ud800`, "/4")]);
  assert.equal((await readOf([span(`${FIRST}\ud801`, "/4")])).read.length, 1);
});

test("a text is not taken for clean because a detector failed on it, or answers later", async () => {
  let fails = true;
  let reads = 0;
  const fragile = brokenDetector(() => {
    reads++;
    if (fails) throw new Error("down");
    return [];
  });
  const slow = { ...wordDetector("slow", "later"), cost: "expensive" } as const;
  let asked = 0;
  const later: Detector = { ...slow, detect: (...args) => (asked++, slow.detect(...args)) };
  const guard = createGuard({
    detectors: [fragile, later],
    settings: { broken: settings("flag", "flag", "allow"), slow: settings("flag") },
  });
  const inspect = (): Promise<unknown> => guard.inspect([span(FIRST)], "request");
  await inspect();
  fails = false;
  await inspect();
  assert.equal(reads, 2);
  await inspect();
  assert.deepEqual([reads, asked], [2, 3]);
});
