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
    judgeSubscripts(block.tokens, context);
    block.tokens.forEach((token, index) => {
      judgeToken(token, block.tokens, index, context);
      if (token.kind === "string") strings.push(token.text);
      // `dict(__cla=1, ss__=1)|join`: names become strings.
      if (token.kind === "name" && token.text.includes("__")) strings.push(token.text);
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
    const lower = text.toLowerCase();
    for (const spelled of [lower, lower.split("").toReversed().join("")]) {
      const named = internalIn(spelled);
      const piece = named === undefined ? bareIn(spelled) : undefined;
      if (named !== undefined) context.report(RULES.internals, { detail: `the string ${named}` });
      if (piece !== undefined) context.report(RULES.split, { detail: `the piece ${piece}` });
    }
    return;
  }
  if (token.kind === "number") {
    const large = Number(text.replaceAll("_", "")) > MANY;
    const base = before === "**" ? tokens[index - 2] : undefined;
    if (base?.kind === "number" && Number(base.text) ** Number(text) > MANY) {
      context.report(RULES.bomb, { detail: `${base.text}**${text}` });
    }
    const inRange = tokens[index - 2]?.text === "range" || tokens.slice(Math.max(0, index - 6), index).some(isRange);
    if (large && (inRange || before === "*" || before === "**" || after === "*" || after === "**")) {
      context.report(RULES.bomb, { detail: text });
    }
    return;
  }
  if (token.kind !== "name") return;
  const attribute = before === ".";
  // No conversation has an attribute that begins with an underscore; Jinja's own objects do.
  if ((attribute && (FRAMES.has(text) || text.startsWith("_"))) || isInternal(text)) {
    context.report(RULES.internals, { detail: attribute ? `.${text}` : text });
  } else if (before === "|" && text === "attr") {
    context.report(RULES.dynamic, { detail: "|attr" });
  } else if (isComputedAttribute(tokens, index)) {
    context.report(RULES.dynamic, { detail: `${text} by a name that is computed` });
  } else if (!attribute && (text === "lipsum" || (after === "|" && SPELLS.has(text) && spells(tokens[index + 2])))) {
    context.report(RULES.dynamic, { detail: `letters out of ${text}` });
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

/** Functions of Jinja's, whose own names as texts hold the letters for others. */
const SPELLS: ReadonlySet<string> = new Set("cycler dict joiner namespace range self caller varargs kwargs".split(" "));

function spells(filter: JinjaToken | undefined): boolean {
  return filter?.text === "string" || filter?.text === "list" || filter?.text === "e" || filter?.text === "urlencode";
}

/** Filters that take the name of an attribute first. */
const BY_ATTRIBUTE: ReadonlySet<string> = new Set(["selectattr", "rejectattr", "groupby"]);

/** `map(attribute=x)`, `selectattr(x)`: the name is a variable's value. */
function isComputedAttribute(tokens: readonly JinjaToken[], index: number): boolean {
  const [before, token, after, then] = tokens.slice(Math.max(0, index - 1), index + 3);
  if (before === undefined || index === 0) return false;
  if (token?.text === "attribute" && after?.text === "=") return then?.kind === "name";
  return before.text === "|" && BY_ATTRIBUTE.has(token?.text ?? "") && after?.text === "(" && then?.kind === "name";
}

/** What puts texts together, or makes another one of them. */
const COMPUTES: ReadonlySet<string> = new Set(["~", "+", "|", "%", "*", "."]);

/** `x['__cla' ~ y]`: an item whose name is put together out of texts where it is looked up. Places and slices are not. */
function judgeSubscripts(tokens: readonly JinjaToken[], context: ScanContext): void {
  const open: { readonly subscript: boolean; text: boolean; computes: boolean }[] = [];
  tokens.forEach((token, index) => {
    const inner = open.at(-1);
    if (token.kind === "operator" && "([{".includes(token.text)) {
      const before = tokens[index - 1];
      const isValue = before !== undefined && (before.kind !== "operator" || ")]}".includes(before.text));
      const subscript = token.text === "[" && isValue && !WORDS.has(before.text);
      open.push({ subscript, text: false, computes: false });
    } else if (token.kind === "operator" && ")]}".includes(token.text)) {
      const closed = open.pop();
      if (closed?.subscript === true && closed.text && closed.computes) {
        context.report(RULES.dynamic, { detail: "an item by a name that is computed" });
      }
    } else if (inner !== undefined) {
      inner.text ||= token.kind === "string";
      inner.computes ||= token.kind === "operator" && COMPUTES.has(token.text);
    }
  });
}

/** Words before which a bracket begins a list. */
const WORDS: ReadonlySet<string> = new Set("in is not and or if else elif for set return".split(" "));

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
  const bare = lone
    ? strings.find((text) => text.length <= SHORT && [...BARE].some((word) => text.includes(word)))
    : undefined;
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

/** Characters of a text that may be made into a name; more are a sentence. */
const SHORT = 32;
/** Names of internals that no other word holds. */
const TELLING =
  /__(?:class|globals|builtins|subclasses|getattribute|import|mro|bases?)__|globals|subclasses|getattribute/;

/** An internal inside of a short text, from which the rest is cut or replaced. */
function bareIn(text: string): string | undefined {
  return text.length > SHORT ? undefined : TELLING.exec(text)?.[0];
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
