import assert from "node:assert/strict";
import { test } from "node:test";

import { presidioTable, scorePresidio } from "./presidio.ts";

const text = "Ann Oe paid with 4111111111111111 in Rome, aged 30";
const documents = [
  {
    text,
    spans: [
      { type: "PERSON", start: 0, end: 6 },
      { type: "CREDIT_CARD", start: 17, end: 33 },
      { type: "GPE", start: 37, end: 41 },
    ],
  },
];

test("a span is found by an overlap of a fitting rule, a finding right by the same", () => {
  const scores = scorePresidio(documents, () => [
    { id: "person", start: 4, end: 6 },
    { id: "card", start: 17, end: 33 },
    { id: "person", start: 37, end: 41 },
    { id: "vin", start: 42, end: 46 },
    // This set marks no ages: not asked for.
    { id: "age", start: 48, end: 50 },
  ]);
  const of = (type: string) => scores.types.find((score) => score.type === type);
  assert.deepEqual([of("PERSON")?.recall.hits, of("PERSON")?.precision.hits, of("PERSON")?.precision.of], [1, 1, 2]);
  assert.deepEqual([of("GPE")?.recall.hits, of("GPE")?.recall.of], [0, 1]);
  assert.equal(of("vin")?.precision.rate, 0);
  assert.equal(of("age"), undefined);
  assert.equal(scores.structured.f1, 1);
  assert.equal(scores.all.recall.rate, 2 / 3);
  assert.equal(scores.all.precision.rate, 2 / 4);
  assert.match(presidioTable(scores), /^PERSON +1\.000 \[0\.207, 1\.000\] 1\/1/m);
});

test("Wilson's interval: 8 of 10", () => {
  const spans = Array.from({ length: 10 }, (_, at) => ({ type: "PERSON", start: at * 2, end: at * 2 + 1 }));
  const found = spans.slice(0, 8).map(({ start, end }) => ({ id: "person", start, end }));
  const { recall } = scorePresidio([{ text: "", spans }], () => found).all;
  assert.deepEqual([recall.low.toFixed(4), recall.high.toFixed(4)], ["0.4902", "0.9433"]);
});
