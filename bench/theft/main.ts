/**
 * What the watch over extraction is worth: models are stolen through a real gateway, by four strategies and at several
 * budgets, with the defence off and on; and honest users are served beside it. The copies' fidelity (how often they say
 * what the model says) and accuracy are of 2,000 samples that nobody trained on.
 *
 * A thief here is patient: it never asks so fast that volume alone gives it away, and it waits out the slow stage. How long
 * that takes is reckoned from `slowPerMinute`, not waited for.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "../../src/core/index.ts";
import { createKey } from "../../src/gateway/index.ts";
import { startHarness, type Harness } from "../../test/gateway/harness.ts";
import { perceptron } from "../../test/predict/onnx.ts";
import { random } from "../../test/predict/random.ts";
import { ATTACKS, type Attack } from "./attacks.ts";
import { CLASSES, DIMENSIONS, source, type Sample } from "./data.ts";
import { Net, type Example } from "./net.ts";
import { interval, percent, print } from "../table.ts";

const SEED = 11;
const BUDGETS = [100, 300, 1_000, 3_000];
const TEST = 2_000;
const EPOCHS = 30;
const HIDDEN = 32;
/** Rows of one request of a thief. */
const ROWS = 20;
const SLOW_PER_MINUTE = 30;
const STAGES = { observe: 200, slow: 500, coarsen: 1_000, refuse: 2_000 };
const NAMES = ["observe", "slow", "coarsen", "refuse"] as const;
const APPS = 15;
const USERS_PER_APP = 10;

interface Victim {
  readonly name: string;
  readonly net: Net;
}

export async function run(): Promise<void> {
  const { uniform } = random(SEED);
  const world = source(SEED);
  const train = world.draw(3_000, uniform);
  const test = world.draw(TEST, uniform);
  const natural = world.draw(BUDGETS.at(-1) as number, uniform);
  const victims: readonly Victim[] = [
    { name: "logistic", net: trained([DIMENSIONS, CLASSES], train.map(exampleOf), uniform) },
    { name: "perceptron", net: trained([DIMENSIONS, HIDDEN, CLASSES], train.map(exampleOf), uniform) },
  ];
  const folder = await mkdtemp(join(tmpdir(), "holdfast-theft-"));
  try {
    const files = new Map<string, string>();
    for (const { name, net } of victims) {
      const file = join(folder, `${name}.onnx`);
      await writeFile(file, perceptron(net.layers()));
      files.set(name, file);
    }
    for (const { name, net } of victims) {
      console.log(`victim ${name}: accuracy ${rate(test.map(({ input, label }) => net.label(input) === label))}`);
    }
    const rows: string[][] = [
      [
        "victim",
        "attack",
        "asked",
        "fidelity, open",
        "defended",
        "accuracy, open",
        "defended",
        "answers got",
        "hours slowed",
      ],
    ];
    const arrivals: string[][] = [["victim", "attack", ...NAMES, "alarms"]];
    await withGateway(files, false, async (open) => {
      await withGateway(files, true, async (defended) => {
        for (const victim of victims) {
          for (const attack of ATTACKS) {
            const free = await steal(open, victim, attack, natural, test, 1);
            const watched = await steal(defended, victim, attack, natural, test, 1);
            const seen = await stagesOf(defended, watched.keys);
            rows.push(...tableOf(victim, attack.name, free, watched, seen));
            arrivals.push([victim.name, attack.name, ...NAMES.map((stage) => seen.at.get(stage) ?? "-"), seen.alarms]);
          }
        }
        // The same, spread over ten keys of one app.
        const victim = victims[1] as Victim;
        const attack = ATTACKS[3] as Attack;
        const spread = await steal(defended, victim, attack, natural, test, 10);
        const seen = await stagesOf(defended, spread.keys);
        rows.push(...tableOf(victim, "natural, 10 keys", undefined, spread, seen));
        arrivals.push([
          victim.name,
          "natural, 10 keys",
          ...NAMES.map((stage) => seen.at.get(stage) ?? "-"),
          seen.alarms,
        ]);
        console.log(`\nhours at ${SLOW_PER_MINUTE} answers a minute; intervals: 95 %, of the test samples alone\n`);
        print(rows);
        console.log("\nanswers given before each stage began, and the alarms that brought it forward\n");
        print(arrivals);
        await honest(defended, world, uniform);
      });
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  console.log(
    "\nA copy from natural data is good long before any stage: what the stages change is how much better it gets, how long" +
      "\nthat takes, and that it is seen. Who comes as many apps, or is content with few answers, is not stopped.",
  );
}

async function withGateway(
  files: ReadonlyMap<string, string>,
  isDefended: boolean,
  work: (harness: Harness) => Promise<void>,
): Promise<void> {
  const models = Object.fromEntries(
    [...files].map(([name, file]) => [
      name,
      { file, inputs: { inputs: { min: 0, max: 1 } }, answers: isDefended ? "rounded" : "full" },
    ]),
  );
  const harness = await startHarness({
    config: {
      receipts: "buffered",
      predict: { models },
      extraction: {
        predictions: isDefended ? STAGES : { observe: "off", slow: "off", coarsen: "off", refuse: 1_000_000_000 },
        alarms: { perMinute: 1_000_000_000, ...(isDefended ? {} : { novelty: 1, normality: 0 }) },
        slowPerMinute: 1_000_000,
      },
      limits: { requestsPerMinute: 1_000_000 },
      guards: { injection: { request: "off" } },
    },
  });
  try {
    await work(harness);
  } finally {
    await harness.close();
  }
}

interface Stolen {
  /** For each budget: whether the copy says what the victim says, and whether it is right, of each test sample. */
  readonly copies: readonly {
    readonly asked: number;
    readonly answers: number;
    readonly same: boolean[];
    readonly right: boolean[];
  }[];
  /** Public ids of the keys that asked. */
  readonly keys: readonly string[];
}

async function steal(
  harness: Harness,
  victim: Victim,
  attack: Attack,
  natural: readonly Sample[],
  test: readonly Sample[],
  keys: number,
): Promise<Stolen> {
  const { uniform } = random(SEED + 1);
  const app = `thief-${victim.name}-${attack.name}-${keys}`;
  const made = await Promise.all(Array.from({ length: keys }, () => createKey(harness.db, { app }, systemClock)));
  const asked: (readonly number[])[] = [];
  const known: Example[] = [];
  const copies: Stolen["copies"][number][] = [];
  let copy: Net | undefined;
  let requests = 0;
  for (const budget of BUDGETS) {
    const inputs = attack.choose(budget - asked.length, { natural, uniform, copy, asked });
    for (let start = 0; start < inputs.length; start += ROWS) {
      const rows = inputs.slice(start, start + ROWS);
      const key = made[requests++ % made.length] as (typeof made)[number];
      const answers = await infer(harness, victim.name, rows, key.key.reveal());
      answers?.forEach((told, index) => known.push({ input: rows[index] as readonly number[], told }));
    }
    asked.push(...inputs);
    copy = trained([DIMENSIONS, HIDDEN, CLASSES], known, uniform);
    const net = copy;
    copies.push({
      asked: budget,
      answers: known.length,
      same: test.map(({ input }) => net.label(input) === victim.net.label(input)),
      right: test.map(({ input, label }) => net.label(input) === label),
    });
  }
  return { copies, keys: made.map(({ id }) => id) };
}

/** @returns what the model says of each row, or undefined when it says nothing any more */
async function infer(
  harness: Harness,
  model: string,
  rows: readonly (readonly number[])[],
  key: string,
): Promise<readonly (readonly number[])[] | undefined> {
  const body = { inputs: [{ name: "inputs", shape: [rows.length, DIMENSIONS], datatype: "FP32", data: rows }] };
  const answer = await harness.post(`/v2/models/${model}/infer`, body, { authorization: `Bearer ${key}` });
  if (answer.status === 403) return undefined;
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  const [{ data }] = answer.json["outputs"] as [{ data: readonly number[] }];
  return rows.map((_, row) => data.slice(row * CLASSES, (row + 1) * CLASSES));
}

interface Seen {
  readonly at: ReadonlyMap<string, string>;
  /** Answers while slowed or coarsened. */
  readonly slowed: readonly number[];
  readonly alarms: string;
}

/** What the receipts say of keys: how many answers they had got when each stage began. */
async function stagesOf(harness: Harness, keys: readonly string[]): Promise<Seen> {
  const at = new Map<string, string>();
  const alarms = new Set<string>();
  const slowed: number[] = [];
  let answers = 0;
  // Buffered receipts reach the ledger within 50 ms.
  await new Promise((resolve) => setTimeout(resolve, 200));
  for (const { principal, extraction, prediction, outcome } of await harness.receipts()) {
    if (principal === null || !keys.includes(principal.key)) continue;
    const { stage } = extraction ?? {};
    if (stage !== undefined)
      for (const one of NAMES.slice(0, NAMES.indexOf(stage) + 1)) if (!at.has(one)) at.set(one, String(answers));
    for (const alarm of extraction?.alarms ?? []) alarms.add(alarm);
    if (outcome !== "served") continue;
    const rows = prediction?.rows ?? 0;
    answers += rows;
    if (stage === "slow" || stage === "coarsen") slowed.push(...Array.from({ length: rows }, () => answers));
  }
  return { at, slowed, alarms: alarms.size === 0 ? "-" : [...alarms].join(", ") };
}

function tableOf(victim: Victim, name: string, free: Stolen | undefined, watched: Stolen, seen: Seen): string[][] {
  return watched.copies.map((copy, index) => {
    const other = free?.copies[index];
    const slowed = seen.slowed.filter((answers) => answers <= copy.answers).length;
    return [
      victim.name,
      name,
      String(copy.asked),
      other === undefined ? "-" : rate(other.same),
      rate(copy.same),
      other === undefined ? "-" : rate(other.right),
      rate(copy.right),
      String(copy.answers),
      (slowed / SLOW_PER_MINUTE / 60).toFixed(1),
    ];
  });
}

/** Honest users: so many in each app, each with data of the day; most ask little, a few very much, and some of it twice. */
async function honest(
  harness: Harness,
  world: { draw(many: number, from: () => number): Sample[] },
  uniform: () => number,
): Promise<void> {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const ids: string[] = [];
  let asked = 0;
  for (let app = 0; app < APPS; app++) {
    for (let user = 0; user < USERS_PER_APP; user++) {
      const { id, key } = await createKey(harness.db, { app: `honest-${app}` }, systemClock);
      ids.push(id);
      const many = Math.min(1_500, Math.max(1, Math.round(60 * Math.exp(1.2 * normal()))));
      asked += many;
      const day = world.draw(Math.ceil(many * 0.8), uniform).map(({ input }) => input);
      const rows = Array.from({ length: many }, (_, index) => day[index % day.length] as readonly number[]);
      for (let start = 0; start < rows.length; start += ROWS) {
        await infer(harness, "perceptron", rows.slice(start, start + ROWS), key.reveal());
      }
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  const worst = new Map<string, number>();
  const alarmed = new Map<string, Set<string>>([
    ["distances", new Set()],
    ["novelty", new Set()],
  ]);
  for (const { principal, extraction } of await harness.receipts()) {
    if (principal === null || extraction === undefined || !ids.includes(principal.key)) continue;
    worst.set(principal.key, Math.max(worst.get(principal.key) ?? 0, NAMES.indexOf(extraction.stage) + 1));
    for (const alarm of extraction.alarms) alarmed.get(alarm)?.add(principal.key);
  }
  console.log(
    `\n${ids.length} honest users in ${APPS} apps, ${asked} queries in all, natural data, a fifth of it asked twice\n`,
  );
  const shares = NAMES.map((name, index) => {
    const many = ids.filter((id) => (worst.get(id) ?? 0) > index).length;
    return [VERBS[name], String(many), `${percent(many / ids.length)} ${interval(many, ids.length)}`];
  });
  const alarms = [...alarmed].map(([alarm, { size }]) => [
    `alarm: ${alarm}`,
    String(size),
    `${percent(size / ids.length)} ${interval(size, ids.length)}`,
  ]);
  print([["", "users", "share, 95 %"], ...shares, ...alarms]);
}

const VERBS = { observe: "observed", slow: "slowed", coarsen: "coarsened", refuse: "refused" };

function trained(sizes: readonly number[], examples: readonly Example[], uniform: () => number): Net {
  const net = new Net(sizes, uniform);
  net.train(examples, EPOCHS * Math.max(1, Math.round(1_000 / Math.max(100, examples.length))), uniform);
  return net;
}

function exampleOf({ input, label }: Sample): Example {
  return { input, told: Array.from({ length: CLASSES }, (_, index) => (index === label ? 1 : 0)) };
}

function rate(hits: readonly boolean[]): string {
  const many = hits.filter(Boolean).length;
  return `${percent(many / hits.length)} ${interval(many, hits.length)}`;
}
