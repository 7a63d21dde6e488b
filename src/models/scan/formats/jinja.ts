/**
 * Chat templates: Jinja that is rendered for every conversation. A template needs a handful of loops and string
 * operations; one that walks from a value to its class, to all classes and to the process runs code in every engine that
 * renders it without a sandbox (CVE-2024-34359), and probes the sandbox of the others.
 *
 * The template is never rendered. Its tokens are judged, so that spaces, escapes, comments and the names' own spelling do
 * not matter, and its length does not either.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import { lexJinja, type JinjaBlock, type JinjaToken } from "./jinja-lexer.ts";
import { RUNS_CODE, EXHAUSTS, SUPPLY_CHAIN } from "./references.ts";
import { readText } from "./text.ts";

const REMEDY = "do not render it: replace the chat template by the one that the model's publisher documents";

const RULES = {
  internals: {
    id: "jinja.internals",
    severity: "critical",
    verdict: "malicious",
    why: "its template reaches for the internals of Python objects, which is the way out of a template into the process",
    remedy: REMEDY,
    references: [...RUNS_CODE, "CVE-2024-34359"],
  },
  process: {
    id: "jinja.process",
    severity: "critical",
    verdict: "malicious",
    why: "its template calls what runs commands or code",
    remedy: REMEDY,
    references: [...RUNS_CODE, "CVE-2024-34359"],
  },
  dynamic: {
    id: "jinja.dynamic-attribute",
    severity: "high",
    verdict: "suspicious",
    why: "its template looks attributes up by names that it computes, which hides what it reaches for",
    remedy: REMEDY,
    references: [...RUNS_CODE, "CVE-2024-34359"],
  },
  split: {
    id: "jinja.split-name",
    severity: "high",
    verdict: "suspicious",
    why: "its template puts the name of a Python internal together from pieces",
    remedy: REMEDY,
    references: [...RUNS_CODE, "CVE-2024-34359"],
  },
  loads: {
    id: "jinja.loads-template",
    severity: "high",
    verdict: "suspicious",
    why: "its template includes or imports others, which come from files that the model does not hold",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
  bomb: {
    id: "jinja.bomb",
    severity: "medium",
    verdict: "suspicious",
    why: "its template counts or repeats to a number that no conversation needs, which keeps its renderer busy",
    remedy: REMEDY,
    references: [...EXHAUSTS],
  },
  broken: {
    id: "jinja.broken",
    severity: "low",
    verdict: "inconclusive",
    why: "its template has a block or string without an end, so that engines disagree on what it says",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const JINJA_RULES: readonly ScanRule[] = Object.values(RULES);

/** A template in a file of its own: `chat_template.jinja`. */
export const jinja: Format = {
  id: "jinja",
  rules: JINJA_RULES,
  sniff: (_source, name) => /\.(?:jinja2?|j2)$/i.test(name),
  scan: (source, context) => {
    const text = readText(source, context);
    if (text !== undefined) judgeTemplate(text, context);
  },
};

/** Names that lead from a value to the process, without the underscores around them. */
const INTERNALS: ReadonlySet<string> = new Set(
  (
    "class mro base bases subclasses globals builtins init import dict getattribute getattr setattr code closure " +
    "func self module reduce reduce_ex call wrapped loader spec new getitem class_getitem init_subclass " +
    "subclasshook annotations defaults kwdefaults weakref slots delattr dir doc qualname objclass traceback"
  ).split(" "),
);

/** Attributes of functions, frames and generators that lead there without underscores around them. */
const FRAMES: ReadonlySet<string> = new Set(
  (
    "mro gi_frame gi_code gi_yieldfrom cr_frame cr_code cr_await ag_frame ag_code f_globals f_builtins f_locals f_back " +
    "f_code tb_frame tb_next func_globals func_code func_closure im_func im_self im_class co_code"
  ).split(" "),
);

const CALLS: ReadonlySet<string> = new Set(["popen", "system", "check_output", "spawn", "execve"]);
const FUNCTIONS: ReadonlySet<string> = new Set(["eval", "exec", "getattr", "globals"]);
const MODULES: ReadonlySet<string> = new Set(["subprocess", "importlib", "builtins", "shutil"]);
const OF_OS: ReadonlySet<string> = new Set(["environ", "getenv", "listdir", "remove", "unlink", "getcwd"]);

/** Words that only matter beside a lone `__`, from which a template would build the name of an internal. */
const BARE: ReadonlySet<string> = new Set("class globals builtins subclasses mro bases getattribute import".split(" "));

/** Counts over this are no part of a conversation. */
const MANY = 1_000_000;

const DUNDER = /(?<![\p{L}\p{Nd}_])__([a-z_]+?)__(?![\p{L}\p{Nd}_])/gu;

/** Reports what `template` reaches for. Offsets are left out: a template stands inside something else. */
export function judgeTemplate(template: string, context: ScanContext): void {
  if (!context.spend("steps", template.length)) return;
  const { blocks, raw, brokenAt } = lexJinja(template);
  const strings: string[] = [];
  for (const block of blocks) {
    judgeStatement(block, context);
    block.tokens.forEach((token, index) => {
      judgeToken(token, block.tokens, index, context);
      if (token.kind === "string") strings.push(token.text);
    });
  }
  judgePieces(strings, context);
  if (brokenAt !== undefined) context.report(RULES.broken, { detail: `at character ${brokenAt}` });
  for (const part of raw) judgeTemplate(part, context);
}

function judgeStatement({ kind, tokens }: JinjaBlock, context: ScanContext): void {
  if (kind !== "statement") return;
  const first = tokens.find(({ text }) => text !== "-" && text !== "+");
  if (first?.kind === "name" && ["include", "import", "from", "extends"].includes(first.text)) {
    context.report(RULES.loads, { detail: `${first.text} ${tokens.at(tokens.indexOf(first) + 1)?.text ?? ""}` });
  }
}

function judgeToken(token: JinjaToken, tokens: readonly JinjaToken[], index: number, context: ScanContext): void {
  const before = tokens[index - 1]?.text;
  const after = tokens[index + 1]?.text;
  const { text } = token;
  if (token.kind === "string") {
    if (/%c|:c\}/.test(text)) context.report(RULES.split, { detail: "characters by their codes" });
    if (!text.includes("__")) return;
    for (const spelled of [text, text.split("").toReversed().join("")]) {
      const named = internalIn(spelled);
      if (named !== undefined) context.report(RULES.internals, { detail: `the string ${named}` });
    }
    return;
  }
  if (token.kind === "number") {
    const large = Number(text.replaceAll("_", "")) > MANY;
    const inRange = tokens[index - 2]?.text === "range" || tokens.slice(Math.max(0, index - 6), index).some(isRange);
    if (large && (inRange || before === "*" || before === "**" || after === "*" || after === "**")) {
      context.report(RULES.bomb, { detail: text });
    }
    return;
  }
  if (token.kind !== "name") return;
  const attribute = before === ".";
  if ((attribute && (FRAMES.has(text) || /^__.+__$/.test(text))) || isInternal(text)) {
    context.report(RULES.internals, { detail: attribute ? `.${text}` : text });
  } else if (before === "|" && text === "attr") {
    context.report(RULES.dynamic, { detail: "|attr" });
  } else if (attribute && CALLS.has(text) && after === "(") {
    context.report(RULES.process, { detail: `.${text}(` });
  } else if (!attribute && FUNCTIONS.has(text) && after === "(") {
    context.report(RULES.process, { detail: `${text}(` });
  } else if (!attribute && MODULES.has(text) && (after === "." || after === "[")) {
    context.report(RULES.process, { detail: `${text}${after}` });
  } else if (!attribute && text === "os" && after === "." && OF_OS.has(tokens[index + 2]?.text ?? "")) {
    context.report(RULES.process, { detail: `os.${tokens[index + 2]?.text}` });
  }
}

function isRange({ kind, text }: JinjaToken): boolean {
  return kind === "name" && text === "range";
}

/** Most strings that are put together to one name. */
const PIECES = 6;

/** Strings that spell an internal only when put together: `'__cla' ~ 'ss__'`, `['__cl', 'ass__']|join`. */
function judgePieces(strings: readonly string[], context: ScanContext): void {
  if (!strings.some((text) => text.includes("_"))) return;
  strings.forEach((first, index) => {
    let forth = first;
    let back = first;
    for (const next of strings.slice(index + 1, index + PIECES)) {
      if (forth.length + next.length > 64) break;
      forth += next;
      back = next + back;
      const named = internalIn(forth) ?? internalIn(back);
      if (named !== undefined) context.report(RULES.split, { detail: named });
    }
  });
  const piece = strings.find((text) => isHalf(text));
  if (piece !== undefined) context.report(RULES.split, { detail: `the piece ${piece}` });
  const lone = strings.some((text) => text === "__" || text === "_");
  const bare = lone ? strings.find((text) => BARE.has(text)) : undefined;
  if (bare !== undefined) context.report(RULES.split, { detail: `__ and ${bare}` });
}

/** Half the name of an internal: `__cla`, `lobals__`. Three letters at least, and not all of it. */
function isHalf(text: string): boolean {
  const start = /^__([a-z]{3,})$/.exec(text)?.[1];
  const end = /^([a-z]{3,})__$/.exec(text)?.[1];
  if (start === undefined && end === undefined) return false;
  for (const name of BARE) {
    if (start !== undefined && name.startsWith(start)) return true;
    if (end !== undefined && name.endsWith(end)) return true;
  }
  return false;
}

function isInternal(name: string): boolean {
  return name.startsWith("__") && name.endsWith("__") && INTERNALS.has(name.slice(2, -2));
}

/** An internal that stands in `text` as a word of its own, or undefined. Special tokens such as `__start__` are none. */
function internalIn(text: string): string | undefined {
  if (!text.includes("__")) return undefined;
  for (const match of text.matchAll(DUNDER)) if (INTERNALS.has(match[1] as string)) return match[0];
  return undefined;
}
