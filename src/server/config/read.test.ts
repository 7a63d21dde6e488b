import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import { parseDocument } from "yaml";

import { MAX_CONFIG_BYTES, readConfig, type ConfigProblem } from "./read.ts";

function problems(text: string): readonly ConfigProblem[] {
  return readConfig(text, "holdfast.yaml").problems;
}

function only(text: string): ConfigProblem {
  const found = problems(text);
  assert.equal(found.length, 1, JSON.stringify(found));
  return found[0] as ConfigProblem;
}

test("an empty text, comments alone and an empty map all mean the defaults", () => {
  for (const text of ["", "\n\n", "# nothing\n", "{}", "---\n"]) {
    const { config } = readConfig(text, "holdfast.yaml");
    assert.equal(config?.data, ".holdfast", JSON.stringify(text));
    assert.equal(config.gateway.listen, "127.0.0.1:8787");
    assert.equal(config.admin.listen, "127.0.0.1:8788");
    assert.equal(config.storage.url, "sqlite");
    assert.equal(config.telemetry.metrics, false);
  }
});

test("what is written counts, and what is not stands at its default", () => {
  const { config } = readConfig("gateway:\n  limits:\n    bodyBytes: 1000\n", "holdfast.yaml");
  assert.equal(config?.gateway.limits.bodyBytes, 1_000);
  assert.equal(config.gateway.limits.jsonDepth, 64);
});

test("an unknown field is refused with its place and the field that was meant", () => {
  assert.deepEqual(only("gateway:\n  limits:\n    bodyByts: 1000\n"), {
    place: "holdfast.yaml:3:5",
    path: "gateway.limits.bodyByts",
    what: "unknown field",
    hint: "did you mean bodyBytes",
  });
});

test("an unknown field like no other lists those that are there", () => {
  const { hint } = only("wombat: 1\n");
  assert.equal(hint, "fields here: data, gateway, admin, storage, ledger, counters, models, telemetry");
});

test("a wrong value is refused with its place, what was expected and what the field is", () => {
  const cases: readonly (readonly [string, string, string, RegExp])[] = [
    ["gateway:\n  receipts: soon\n", "2:3", "gateway.receipts", /^expected one of "durable", "buffered"$/],
    [
      "gateway:\n  limits: {bodyBytes: 0}\n",
      "2:12",
      "gateway.limits.bodyBytes",
      /^expected a whole number from 1 to 268435456$/,
    ],
    [
      "gateway:\n  limits: {jsonDepth: deep}\n",
      "2:12",
      "gateway.limits.jsonDepth",
      /^expected a whole number from 4 to 512$/,
    ],
    ["telemetry:\n  metrics: 1\n", "2:3", "telemetry.metrics", /^expected true or false$/],
    ["telemetry:\n  traces: {endpoint: nowhere}\n", "2:12", "telemetry.traces.endpoint", /^expected a URL$/],
    ["admin:\n  listen: 8788\n", "2:3", "admin.listen", /^expected a text$/],
    ["admin:\n  listen: localhost:99999\n", "2:3", "admin.listen", /^expected host:port/],
    ["gateway: 7\n", "1:1", "gateway", /^expected a map with listen, receipts/],
    ["data:\n", "1:1", "data", /^expected a text$/],
    [
      "gateway:\n  upstreams:\n    - name: one\n      url: http://127.0.0.1/v1\n      protocol: soap\n",
      "5:7",
      "gateway.upstreams.0.protocol",
      /^expected one of "openai", "anthropic", "gemini"$/,
    ],
    [
      "gateway:\n  upstreams:\n    - name: One\n      url: http://127.0.0.1/v1\n      protocol: openai\n",
      "3:7",
      "gateway.upstreams.0.name",
      /lower-case letters/,
    ],
  ];
  for (const [text, place, path, what] of cases) {
    const problem = only(text);
    assert.equal(problem.place, `holdfast.yaml:${place}`, text);
    assert.equal(problem.path, path);
    assert.match(problem.what, what);
    assert.notEqual(problem.hint, "");
  }
});

test("a missing field is blamed on the map that lacks it", () => {
  const found = problems("gateway:\n  upstreams:\n    - name: one\n      protocol: openai\n");
  assert.deepEqual(
    found.map(({ place, path, what }) => ({ place, path, what })),
    [{ place: "holdfast.yaml:3:7", path: "gateway.upstreams.0.url", what: "missing, expected a URL" }],
  );
});

test("a key that is written into the file is refused", () => {
  const text =
    "gateway:\n  upstreams:\n    - {name: one, protocol: openai, url: 'http://127.0.0.1/v1', key: sk-very-secret}\n";
  const found = problems(text);
  assert.equal(found[0]?.path, "gateway.upstreams.0.key");
  assert.match(found[0].what, /env/);
  assert.doesNotMatch(JSON.stringify(found), /very-secret/);
});

test("all problems are found at once", () => {
  const found = problems("dat: x\ngateway: {listen: 1}\nadmin: {hosts: [A_B]}\n");
  assert.deepEqual(found.map(({ path }) => path).toSorted(), ["admin.hosts.0", "dat", "gateway.listen"]);
});

test("the gateway and the admin API cannot share an address, except one that the system chooses", () => {
  assert.match(only("admin: {listen: 127.0.0.1:8787}\n").what, /the gateway listens on the same address/);
  assert.deepEqual(problems("gateway: {listen: 127.0.0.1:0}\nadmin: {listen: 127.0.0.1:0}\n"), []);
});

test("broken YAML is refused with its place, and the text is not quoted", () => {
  const cases: readonly (readonly [string, RegExp, RegExp])[] = [
    ["a: 1\na: sekret\n", /:2:1$/, /same field twice/],
    ["a: 'sekret\n", /:\d+:\d+$/, /not valid YAML/],
    ["a: !!js/function sekret\n", /:1:4$/, /tag/],
    ["--- {}\n--- {a: sekret}\n", /:2:1$/, /more than one YAML document/],
    ["a:\n\t- sekret\n", /:2:\d$/, /tab|not valid|indentation/],
  ];
  for (const [text, place, what] of cases) {
    const found = problems(text);
    assert.match(found[0]?.place ?? "", place, text);
    assert.match(found[0]?.what ?? "", what, text);
    assert.doesNotMatch(JSON.stringify(found), /sekret/);
  }
});

test("too much is refused by its name: bytes, depth, aliases", () => {
  assert.match(only(`# ${"x".repeat(MAX_CONFIG_BYTES)}`).what, /larger than 1048576 bytes/);
  assert.match(only("[".repeat(100_000)).what, /nested too deep|not valid YAML/);
  const bomb = ["a: &a [1,1,1,1,1,1,1,1,1]"];
  for (let level = 1; level < 9; level++) {
    const [name, before] = [String.fromCharCode(97 + level), String.fromCharCode(96 + level)];
    bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(",")}]`);
  }
  assert.match(only(bomb.join("\n")).what, /aliases expand to more than the limit of 100/);
});

test("names that JavaScript treats specially are unknown fields like any other", () => {
  for (const name of ["__proto__", "constructor", "toString"]) {
    assert.equal(only(`${name}: {data: /tmp}\n`).what, "unknown field", name);
  }
  assert.equal(({} as { data?: string }).data, undefined);
});

test("an environment variable takes the field's place, and is named when it is wrong", () => {
  const override = (value: string) => [{ variable: "HOLDFAST_ADMIN_LISTEN", path: ["admin", "listen"], value }];
  const good = readConfig("admin: {listen: 127.0.0.1:1}\n", "holdfast.yaml", override("127.0.0.1:2"));
  assert.equal(good.config?.admin.listen, "127.0.0.1:2");
  assert.equal(readConfig("", "holdfast.yaml", override("127.0.0.1:3")).config?.admin.listen, "127.0.0.1:3");
  const bad = readConfig("", "holdfast.yaml", override("nowhere"));
  assert.deepEqual(
    bad.problems.map(({ place, path }) => ({ place, path })),
    [{ place: "HOLDFAST_ADMIN_LISTEN", path: "admin.listen" }],
  );
  // A file that is wrong at that very place is still refused for it.
  assert.equal(readConfig("admin: 7\n", "holdfast.yaml", override("127.0.0.1:2")).problems.length, 1);
});

test("an alias is followed to the place it stands for", () => {
  const found = problems("gateway: {limits: &l {bodyByts: 1}}\nadmin: *l\n");
  assert.deepEqual(
    found.map(({ place, path }) => `${place} ${path}`),
    ["holdfast.yaml:1:23 gateway.limits.bodyByts", "holdfast.yaml:1:23 admin.bodyByts"],
  );
});

test("whatever the text, the answer is a configuration or problems with places in it", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "gateway:",
      "  limits:",
      "- ",
      "a: &a ",
      "*a",
      "!!binary ",
      "{",
      "}",
      "[",
      "]",
      "\n",
      "'",
      '"',
      "|",
      "? ",
    ),
    fc.string({ maxLength: 6, unit: "binary" }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join("");
      const result = readConfig(text, "f");
      if (result.config !== undefined) assert.equal(parseDocument(text).errors.length, 0);
      else assert.ok(result.problems.length > 0);
      for (const { place } of result.problems) assert.match(place, /^f(:\d+:\d+)?$/);
    }),
    { numRuns: 500 },
  );
});
