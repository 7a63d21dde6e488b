import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { isHoldfastError, type CommandResult, type Style } from "../../core/index.ts";
import { run, type EvalReport } from "./eval.ts";

const PLAIN: Style = { bold: String, dim: String, red: String, green: String, yellow: String };
const TAGS = Array.from("hidden", (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join("");

let folder = "";
let set = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-eval-"));
  const rows = [
    ...Array.from({ length: 20 }, (_, at) => ({ text: `text ${at} ${TAGS}`, label: 1, kind: "tags", source: "a" })),
    ...Array.from({ length: 30 }, (_, at) => ({ text: `text ${at}`, label: 0, kind: "plain", source: "b" })),
  ];
  set = await file("set.jsonl", rows.map((row) => JSON.stringify(row)).join("\n"));
});
after(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

function evaluate(
  paths: readonly string[],
  options: Readonly<Record<string, string | readonly string[]>>,
): Promise<CommandResult> {
  return run({ services: undefined, args: {}, options, progress: () => {}, rest: paths });
}

test("a detector and an adapter are measured side by side, and the report is written", async () => {
  const adapter = await file(
    "long.mjs",
    'export const name = "long"; export const detect = (text) => text.length / 20;',
  );
  const out = join(folder, "report.json");
  const result = await evaluate([set, set], {
    detector: ["unicode", "secrets+unicode"],
    adapter: [adapter],
    evasions: "base64, reversed",
    out,
  });
  assert.equal(result.exit, 0);
  const report = result.data as EvalReport;
  assert.deepEqual(JSON.parse(await readFile(out, "utf8")), JSON.parse(JSON.stringify(report)));
  assert.deepEqual(report.rows, { attacks: 40, benign: 60 });
  assert.deepEqual(
    report.detectors.map(({ name, threshold }) => [name, threshold]),
    [
      ["unicode", null],
      ["secrets+unicode", null],
      ["long", 0.5],
    ],
  );
  const [unicode, , long] = report.detectors;
  assert.equal(unicode?.groups[0]?.tpr?.value, 1);
  assert.equal(unicode?.groups[0]?.fpr?.value, 0);
  assert.equal(unicode?.groups[0]?.auc?.value, 1);
  assert.equal(long?.groups[0]?.auc?.value, 1);
  assert.deepEqual(
    long?.evasions.filter(({ by }) => by === "all").map(({ evasion }) => evasion),
    ["base64", "reversed"],
  );
  const text = result.text(PLAIN);
  assert.match(text, /^100 rows \(40 attacks, 60 benign\), seed 1; intervals of 95 %\n/);
  assert.match(text, /\nsource a +unicode +40 +0 +1\.00 \[\.912, 1\.00\]/);
  assert.ok(!text.includes(TAGS));
});

test("a sample is drawn by the seed", async () => {
  const report = async (seed: string): Promise<EvalReport> =>
    (await evaluate([set], { detector: ["unicode"], sample: "7", seed })).data as EvalReport;
  assert.deepEqual((await report("5")).rows, { attacks: 7, benign: 7 });
  assert.deepEqual((await report("5")).detectors[0]?.groups, (await report("5")).detectors[0]?.groups);
});

test("rows that are not judged make the run incomplete", async () => {
  const adapter = await file(
    "failing.mjs",
    'export const name = "failing"; export const detect = (text) => { if (text === "text 3") throw new Error(text); return 0; };',
  );
  const result = await evaluate([set], { detector: ["none"], adapter: [adapter] });
  assert.equal(result.exit, 2);
  assert.match(result.text(PLAIN), /failing: 1 text was not judged: Error \(1\)/);
});

for (const [what, options] of [
  ["an unknown detector", { detector: ["everything"] }],
  ["an unknown evasion", { detector: ["unicode"], evasions: "magic" }],
  ["a threshold over 1", { detector: ["unicode"], threshold: "1.5" }],
  ["a threshold that is no number", { detector: ["unicode"], threshold: "high" }],
  ["an empty sample", { detector: ["unicode"], sample: "0" }],
  ["a broken seed", { detector: ["unicode"], seed: "1.5" }],
  ["nothing to evaluate", { detector: ["none"] }],
] as const) {
  test(`${what} is refused`, async () => {
    await assert.rejects(evaluate([set], options), (error) => isHoldfastError(error, "guard.option-invalid"));
  });
}

test("a report that cannot be written is known before anything is judged", async () => {
  const adapter = await file(
    "never.mjs",
    'export const name = "never"; export const detect = () => { process.exit(9); };',
  );
  const options = { detector: ["none"], adapter: [adapter], out: join(folder, "none", "report.json") };
  await assert.rejects(evaluate([set], options), { code: "ENOENT" });
});

test("an empty set is nothing to do", async () => {
  await assert.rejects(evaluate([await file("empty.jsonl", "\n")], { detector: ["unicode"] }), (error) => {
    assert.ok(isHoldfastError(error, "guard.eval-set-empty"));
    assert.equal(error.exit, 3);
    return true;
  });
});
