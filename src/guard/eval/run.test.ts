import assert from "node:assert/strict";
import { test } from "node:test";

import { isHoldfastError, type Style } from "../../core/index.ts";
import { adapterContestant } from "./adapter.ts";
import type { Contestant } from "./contestant.ts";
import { reportOf, type ContestantReport } from "./report.ts";
import type { Row } from "./rows.ts";
import { evaluate, type Evasion, type Tally } from "./run.ts";
import { tables } from "./table.ts";

const PLAIN: Style = { bold: String, dim: String, red: String, green: String, yellow: String };

function row(text: string, attack: boolean, source = "s", kind = "k"): Row {
  return { text, attack, kind, source, origin: "user", lang: undefined };
}

/** Flags a text by the number in it. */
function counting(name = "counting", threshold = 5): Contestant {
  return adapterContestant({ name, detect: (text) => Number(/\d+/.exec(text)?.[0] ?? 0) }, { threshold, stopwatch });
}

let ticks = 0;
/** Every reading is a millisecond later than the one before. */
const stopwatch = (): number => ticks++;

const upper: Evasion = { name: "upper", apply: (text) => text.toUpperCase() };
const nothing = (): void => undefined;

async function judge(
  rows: readonly Row[],
  contestants: readonly Contestant[],
  evasions: readonly Evasion[] = [],
): Promise<readonly ContestantReport[]> {
  const tallies = await evaluate(rows, contestants, { evasions, seed: 1, progress: nothing });
  return tallies.map((tally) => reportOf(tally, 1));
}

test("rates, area and groups are those of the rows", async () => {
  const rows = [
    row("9", true, "a", "x"),
    row("7", true, "a", "x"),
    row("3", true, "a", "y"),
    row("6", false, "a", "z"),
    row("1", false, "b", "z"),
    row("2", false, "b", "z"),
  ];
  const [report] = await judge(rows, [counting()]);
  const group = (by: string, name: string): ContestantReport["groups"][number] | undefined =>
    report?.groups.find((entry) => entry.by === by && entry.name === name);
  assert.deepEqual(
    report?.groups.map(({ by, name, attacks, benign }) => `${by} ${name} ${attacks}/${benign}`),
    ["all all 3/3", "source a 3/1", "source b 0/2", "kind x 2/0", "kind y 1/0", "kind z 0/3"],
  );
  assert.equal(group("all", "all")?.tpr?.value, 2 / 3);
  assert.equal(group("all", "all")?.fpr?.value, 1 / 3);
  assert.equal(group("all", "all")?.auc?.value, 8 / 9);
  assert.equal(group("all", "all")?.tprAtOnePercentFpr?.value, 2 / 3);
  // No attacks: no area. No benign rows of its own: against those of the run.
  assert.deepEqual(Object.keys(group("source", "b") ?? {}), ["by", "name", "attacks", "benign", "errors", "fpr"]);
  assert.equal(group("kind", "y")?.against, "run");
  assert.equal(group("kind", "y")?.auc?.value, 2 / 3);
  assert.equal(group("source", "a")?.against, "group");
  assert.equal(report?.latency.p50?.value, 1);
  assert.equal(report?.errors, 0);
});

test("a row that fails is an error, in no rate, and says why without the text", async () => {
  const failing = adapterContestant(
    {
      name: "failing",
      detect: (text) => {
        if (text === "boom") throw new RangeError("cannot judge boom");
        return text === "nan" ? Number.NaN : { score: 1, flagged: true };
      },
    },
    { threshold: undefined, stopwatch },
  );
  const rows = [row("boom", true), row("nan", true), row("fine", true), row("fine", false), row("boom", false)];
  const [report] = await judge(rows, [failing], [upper]);
  const all = report?.groups[0];
  assert.deepEqual([all?.attacks, all?.benign, all?.errors], [1, 1, 3]);
  assert.deepEqual(all?.tpr, { value: 1, low: all?.tpr?.low, high: 1 });
  assert.deepEqual(report?.reasons, { RangeError: 2, "the score is not a number": 1 });
  assert.equal(report?.errors, 3);
  assert.equal(report?.evasions[0]?.errors, 3);
  assert.equal(report?.evasions[0]?.attacks, 1);
  const printed = tables(report === undefined ? [] : [report], PLAIN);
  assert.match(printed, /failing: 3 texts were not judged: RangeError \(2\), the score is not a number \(1\)/);
  assert.ok(!printed.includes("boom"));
});

test("a row that fails only under an evasion is an error there", async () => {
  const picky = adapterContestant(
    {
      name: "picky",
      detect: (text) => {
        if (text === "B1") throw new TypeError("no");
        return text.includes("1") ? 1 : 0;
      },
    },
    { threshold: undefined, stopwatch },
  );
  const [report] = await judge([row("a1", true), row("b1", true), row("c", false)], [picky], [upper]);
  assert.equal(report?.groups[0]?.errors, 0);
  assert.deepEqual([report?.evasions[0]?.errors, report?.evasions[0]?.attacks, report?.errors], [1, 1, 1]);
});

test("what an evasion leaves is counted over the same rows", async () => {
  const lowerOnly = adapterContestant(
    { name: "lower", detect: (text) => (/[a-m]/.test(text) || text.includes("N") ? 1 : 0) },
    { threshold: undefined, stopwatch },
  );
  // "n" is gained in upper case, letters before it are lost unless there is an "N" too.
  const rows = [row("a", true), row("b", true), row("an", true), row("n", true), row("z", true), row("n", false)];
  const [report] = await judge(rows, [lowerOnly], [upper]);
  const evasion = report?.evasions.find(({ by }) => by === "all");
  assert.equal(evasion?.plain?.value, 3 / 5);
  assert.equal(evasion?.evaded?.value, 2 / 5);
  assert.equal(evasion?.kept?.value, 2 / 3);
  assert.equal(evasion?.fpr?.value, 1);
});

test("an evasion draws the same for a row whatever else runs", async () => {
  const seen: string[][] = [[], []];
  const random: Evasion = { name: "random", apply: (text, draw) => `${text} ${draw()}` };
  const other: Evasion = { name: "other", apply: (text, draw) => `${text}${draw()}` };
  for (const [index, evasions] of [[random], [other, random]].entries()) {
    const spy = adapterContestant(
      {
        name: "spy",
        detect: (text) => {
          if (text.includes(" ")) seen[index]?.push(text);
          return 0;
        },
      },
      { threshold: undefined, stopwatch },
    );
    await evaluate([row("a", true), row("b", true)], [spy], { evasions, seed: 4, progress: nothing });
  }
  assert.deepEqual(
    seen[0]?.filter((text) => /^[ab] /.test(text)),
    seen[1]?.filter((text) => /^[ab] /.test(text)),
  );
});

test("contestants stand side by side in the same order of rows, with the threshold of each", async () => {
  const rows = [row("6", true), row("1", false)];
  const reports = await judge(rows, [counting("low", 5), counting("high", 7)], [upper]);
  const printed = tables(reports, PLAIN).split("\n");
  assert.match(printed[0] ?? "", /^GROUP +DETECTOR +ATTACKS +BENIGN +TPR +FPR +AUC +TPR AT 1 % FPR +ERRORS$/);
  assert.match(
    printed[1] ?? "",
    /^all +low +1 +1 +1\.00 \[\.207, 1\.00\] +\.000 \[\.000, \.793\] +1\.00 \[1\.00, 1\.00\]/,
  );
  assert.match(printed[2] ?? "", /^ +high +1 +1 +\.000 \[/);
  assert.ok(printed.some((line) => /^upper +low +1 +1\.00/.test(line)));
  assert.ok(
    printed.some((line) => /^high +unknown +7 +1\.00 \[1\.00, 1\.00\]/.test(line)),
    printed.join("\n"),
  );
});

test("no rows are no result, and too many groups are a limit", async () => {
  const options = { evasions: [], seed: 1, progress: nothing };
  await assert.rejects(evaluate([], [counting()], options), (error) => isHoldfastError(error, "guard.eval-set-empty"));
  const rows = Array.from({ length: 2_000 }, (_, at) => row("1", true, `s${at}`));
  const tallies: readonly Tally[] = await evaluate(rows, [counting()], options);
  assert.equal(tallies[0]?.cells.length, 2_000);
  await assert.rejects(evaluate([...rows, row("1", false)], [counting()], options), (error) =>
    isHoldfastError(error, "guard.eval-limit"),
  );
});
