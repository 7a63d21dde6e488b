import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../../core/index.ts";
import { PII_ENTITIES } from "./entities.ts";
import { createPiiDetector, MAX_HITS, piiDetector, warmPiiDetector, type PiiOptions } from "./pii.ts";

const CONTEXT = { direction: "request", origin: "user", pointer: "/y" } as const;
const everything = createPiiDetector({ entities: "all" });

function places(text: string, detector = everything): readonly string[] {
  return detector
    .detect(text, CONTEXT)
    .map(({ rule, location }) => `${rule.replace("pii.", "")} ${text.slice(location.start, location.end)}`);
}

test("a finding points at what it found and does not hold it", () => {
  const found = piiDetector.detect("pay with 4111 1111 1111 1111, please", CONTEXT);
  assert.deepEqual(found, [
    {
      rule: "pii.card",
      severity: "high",
      location: { pointer: "/y", start: 9, end: 28 },
      message: "a payment card number",
      remedy: "leave it out or replace it by a placeholder, unless the model needs it and may have it",
      references: ["OWASP-LLM02:2025", "AML.T0057"],
    },
  ]);
});

test("what is in a text is told apart", () => {
  const texts: Readonly<Record<string, readonly string[]>> = {
    "My name is John Smith and I live at 12 Long Street Apt. 4, Springfield, IL 62701.": [
      "person John Smith",
      "address 12 Long Street Apt. 4, Springfield, IL 62701",
    ],
    "Call me at (212) 555-0142 or +44 20 7946 0958": ["phone (212) 555-0142", "phone +44 20 7946 0958"],
    "jo.doe@example.com from 203.0.113.7, see www.example.org": [
      "email jo.doe@example.com",
      "ip-address 203.0.113.7",
      "domain www.example.org",
    ],
    "my name is john smith ok": ["person john smith"],
    "Mr. Müller works at Siemens AG in Berlin.": [
      "title Mr.",
      "person Müller",
      "organization Siemens AG",
      "location Berlin",
    ],
    "He is 34 years old, born on 12 May 1985.": ["age 34", "date-of-birth 12 May 1985"],
    "Paris Hilton went to Paris.": ["person Paris Hilton", "location Paris"],
    "Hauptstraße 7, 10115 Berlin": ["address Hauptstraße 7, 10115 Berlin"],
    "12, rue de la Paix, 75002 Paris": ["address 12, rue de la Paix, 75002 Paris"],
    "私の電話番号は090-1234-5678です": ["phone 090-1234-5678"],
    "PLEASE CALL JOHN MILLER": ["person JOHN MILLER"],
  };
  for (const [text, expected] of Object.entries(texts)) assert.deepEqual(places(text), expected, text);
});

test("what looks like personal data and is none", () => {
  for (const text of [
    "The quick brown fox. However, it was fine; I will see.",
    "Version 1.2.3.4000 of 2024, on port 8080, took 1700000000 ms at 12:30:45",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b, id 123e4567-e89b-12d3-a456-426614174000",
    "card 4111 1111 1111 1112 and IBAN DE88 3704 0044 0532 0130 00 fail their checks",
    "http server on 127.0.0.1 and 0.0.0.0, std::vector and a::b",
    "It costs $1,234,567.89 or 12345678 units",
    "Will it rain in May? Mark the date, and hope for the best.",
  ]) {
    assert.deepEqual(places(text, piiDetector), [], text);
  }
});

test("a number needs its words where its form is common", () => {
  assert.deepEqual(places("the PESEL is 44051401359", piiDetector), ["pl-pesel 44051401359"]);
  assert.deepEqual(places("the order is 44051401359", piiDetector), []);
  assert.deepEqual(places("routing 021000021", piiDetector), ["us-bank-routing 021000021"]);
});

test("entities and countries choose what is looked for", () => {
  const text = "DNI 12345678Z, NINO AB 12 34 56 C, card 4111111111111111, Anna Huber";
  const found = (options: PiiOptions): readonly string[] => places(text, createPiiDetector(options));
  assert.deepEqual(found({}), [
    "es-dni 12345678Z",
    "gb-nino AB 12 34 56 C",
    "card 4111111111111111",
    "person Anna Huber",
  ]);
  assert.deepEqual(found({ countries: ["ES"], entities: ["card", "es-dni", "gb-nino"] }), [
    "es-dni 12345678Z",
    "card 4111111111111111",
  ]);
  assert.deepEqual(found({ entities: [] }), []);
});

test("custom recognisers: words, patterns, checks, context", () => {
  const detector = createPiiDetector({
    entities: ["project"],
    custom: [
      { id: "project", words: ["falcon heavy", "Ärmel"], severity: "high" },
      { id: "badge", pattern: "\\bB-[0-9]{4}\\b" },
      { id: "member", pattern: "[0-9]{6}", check: "luhn", context: ["member"] },
    ],
  });
  assert.deepEqual(places("on falcon heavy, ärmel and falcon heavyweight: badge B-1234", detector), [
    "project falcon heavy",
    "project ärmel",
    "badge B-1234",
  ]);
  assert.deepEqual(
    places(
      "member 123455, then number 123455 comes a good deal further on, so that the word is away: 123455",
      detector,
    ),
    ["member 123455", "member 123455"],
  );
});

test("what the options name and nobody knows is an error", () => {
  const wrong: readonly (readonly [PiiOptions, string])[] = [
    [{ entities: ["card", "credit-card"] }, "guard.pii-entity-unknown"],
    [{ countries: ["XX"] }, "guard.pii-country-unknown"],
    [{ custom: [{ id: "card", words: ["x"] }] }, "guard.pii-custom-invalid"],
    [{ custom: [{ id: "Bad Id", words: ["x"] }] }, "guard.pii-custom-invalid"],
    [{ custom: [{ id: "none" }] }, "guard.pii-custom-invalid"],
    [{ custom: [{ id: "empty", words: [] }] }, "guard.pii-custom-invalid"],
    [{ custom: [{ id: "look", pattern: "(?<=a)b" }] }, "guard.pii-custom-invalid"],
    [{ custom: [{ id: "x", words: ["a"], check: "none" as "luhn" }] }, "guard.pii-custom-invalid"],
  ];
  for (const [options, code] of wrong) {
    assert.throws(
      () => createPiiDetector(options),
      (error) => isHoldfastError(error, code),
      JSON.stringify(options),
    );
  }
});

test("every entity has a name, and a finding of it a sentence", () => {
  assert.ok(PII_ENTITIES.size > 80);
  for (const { id, name } of PII_ENTITIES.values()) assert.ok(/^[a-z0-9-]+$/.test(id) && name.length > 2, id);
});

const SAMPLES = [
  "My name is John Smith and I live at 12 Long Street Apt. 4, Springfield, IL 62701.",
  "Call +44 20 7946 0958, or mail jo.doe@example.com; IBAN DE89 3704 0044 0532 0130 00.",
  "Dr. Jane O'Neil\nHauptstraße 7\n10115 Berlin\n\nborn 12 May 1985, my name is anna huber",
  "THE QUICK BROWN FOX OF NEW YORK CITY AND UNIVERSITY OF SUSSEX LTD ".repeat(12),
  `${"4111 1111 1111 1111 ".repeat(40)}${"x".repeat(700)}1.2.3.4 ${"a@b.de".repeat(200)}`,
  `${"Anna, Ola and Kofi met the Germans in Paris, ".repeat(30)}私の電話番号は090-1234-5678です 😀 end`,
];

test("a text cut at every place gives the same findings, and settles what is judged", () => {
  for (const detector of [
    everything,
    piiDetector,
    createPiiDetector({ custom: [{ id: "q", words: ["quick brown"] }] }),
  ]) {
    for (const sample of SAMPLES) {
      const whole = detector.detect(sample, CONTEXT);
      for (let cut = 0; cut <= sample.length; cut += sample.length > 200 ? 67 : 3) {
        const scan = detector.open(CONTEXT);
        const settled = scan.push(sample.slice(0, cut)) as number;
        const before = scan.hits.length;
        assert.ok(settled <= cut);
        void scan.push(sample.slice(cut));
        void scan.end();
        for (const { finding } of scan.hits.slice(before)) assert.ok(finding.location.start >= settled);
        assert.deepEqual(
          scan.hits.map(({ finding }) => finding),
          whole,
          `cut at ${cut}`,
        );
      }
    }
  }
});

test("a text cut into single units, or anywhere, gives the same findings", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(SAMPLES, { minLength: 1 }), fc.array(fc.nat(400)), (parts, cuts) => {
      const text = parts.join(" ");
      const scan = everything.open(CONTEXT);
      let at = 0;
      for (const cut of cuts) {
        void scan.push(text.slice(at, at + cut));
        at += cut;
      }
      void scan.push(text.slice(at));
      void scan.end();
      assert.deepEqual(
        scan.hits.map(({ finding }) => finding),
        everything.detect(text, CONTEXT),
      );
    }),
    { numRuns: 20 },
  );
  const scan = everything.open(CONTEXT);
  for (const unit of SAMPLES.join("\n").split("")) void scan.push(unit);
  void scan.end();
  assert.deepEqual(
    scan.hits.map(({ finding }) => finding),
    everything.detect(SAMPLES.join("\n"), CONTEXT),
  );
});

test("what was loaded beforehand finds the same", () => {
  warmPiiDetector();
  const found = piiDetector.detect("Call Maria Jensen on +45 32 12 34 56", CONTEXT);
  assert.deepEqual(
    found.map(({ rule }) => rule),
    ["pii.person", "pii.phone"],
  );
});

test("words of capitals in sentences are no names, streets and hosts among them are seen", () => {
  const rules = (text: string): readonly string[] => everything.detect(text, CONTEXT).map(({ rule }) => rule);
  assert.deepEqual(rules("However, the Board met. Nobody said Hello."), []);
  assert.deepEqual(
    piiDetector
      .detect("They live on Long Lane. Meet at the corner of Main and Third.", CONTEXT)
      .map(({ rule }) => rule),
    ["pii.address", "pii.address"],
  );
  assert.deepEqual(rules("read.It Example.com"), ["pii.domain"]);
});

test("plain words leave a stream at once, but for the last", () => {
  const scan = piiDetector.open(CONTEXT);
  assert.equal(scan.push("nothing in here is anybody's busin"), "nothing in here is anybody's ".length);
});

test("over the limit the rest of the text is one finding", () => {
  const text = "a@b.de ".repeat(MAX_HITS + 5);
  const found = piiDetector.detect(`${text}and more`, CONTEXT);
  assert.equal(found.length, MAX_HITS + 1);
  assert.equal(found.at(-1)?.rule, "pii.flood");
  assert.deepEqual(found.at(-1)?.location, { pointer: "/y", start: 7 * MAX_HITS, end: text.length + 8 });
});
