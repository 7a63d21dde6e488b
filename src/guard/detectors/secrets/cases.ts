/**
 * The public cases that this detector is measured on, read out of their own test sources: the literal true and false
 * positives of gitleaks' rules (Go) and the literal payloads of detect-secrets' plugin tests (Python).
 *
 * Pure: takes the sources' text, opens nothing. Only what is written out as a string literal is a case; what their
 * tests generate at random is left out.
 *
 * @module
 */

import { wilson as shareOf } from "../../eval/statistics.ts";

/** One text, and whether a secret is in it. */
export interface SecretCase {
  readonly text: string;
  readonly secret: boolean;
  /** The source's file without its ending: a vendor, or a kind of secret. */
  readonly family: string;
  /** The halves of a source: rules may be written with `dev` in sight; `test` is counted only. */
  readonly half: "dev" | "test";
}

export interface Interval {
  readonly hits: number;
  readonly of: number;
  readonly rate: number;
  /** Wilson score interval, 95 %. */
  readonly low: number;
  readonly high: number;
}

/** The literal cases of one of gitleaks' rule files. */
export function gitleaksCases(family: string, source: string): readonly SecretCase[] {
  const tokens = tokensOf(source, GO);
  const cases: SecretCase[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const name = tokens[at]?.word;
    if (name !== "tps" && name !== "fps") continue;
    const open = openingOf(tokens, at);
    if (open === undefined) continue;
    for (const text of literalElements(tokens, open)) {
      // Rules for names of files have empty texts; there is nothing to read in them.
      if (text !== "") cases.push({ text, secret: name === "tps", family, half: halfOf(family) });
    }
  }
  return cases;
}

/** The literal cases of one of detect-secrets' plugin tests: tuples of a string, which may be formatted, and a flag. */
export function detectSecretsCases(family: string, source: string): readonly SecretCase[] {
  const tokens = tokensOf(source, PYTHON);
  const constants = constantsOf(tokens);
  const cases: SecretCase[] = [];
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at]?.word !== "(") continue;
    let next = at + 1;
    let text = "";
    for (; tokens[next]?.text !== undefined; next++) text += tokens[next]?.text;
    if (next === at + 1) continue;
    if (tokens[next]?.word === "." && tokens[next + 1]?.word === "format") {
      const close = tokens.findIndex(({ word }, index) => index > next && word === ")");
      text = formatted(text, tokens.slice(next + 3, close), constants);
      next = close + 1;
    }
    // Formatted with what only a run of the tests knows.
    if (/\{[a-z_]+\}/.test(text)) continue;
    const flag = tokens[next + 1]?.word;
    if (tokens[next]?.word !== "," || (flag !== "True" && flag !== "False")) continue;
    cases.push({ text, secret: flag === "True", family, half: halfOf(family) });
  }
  return cases;
}

/** What a detector did on the cases of one source. */
export interface Measured {
  /** Texts with a secret in which anything was found. */
  readonly recall: Interval;
  /** Texts without one in which anything was found, whatever the rule. */
  readonly alarms: Interval;
  /** The same, by findings that the case speaks about: the source's label is of one rule ({@link concerns}). */
  readonly alarmsByRule: Interval;
  /** Texts that the source calls both: the label depends on the name of a file, or on which rule is asked. */
  readonly aside: number;
}

/** Counts. `find` returns the ids of the rules that found something in a text. */
export function measure(cases: readonly SecretCase[], find: (text: string) => readonly string[]): Measured {
  const secrets = cases.filter(({ secret }) => secret);
  const texts = new Set(secrets.map(({ text }) => text));
  const others = cases.filter(({ secret, text }) => !secret && !texts.has(text));
  const count = (some: readonly SecretCase[], holds: (one: SecretCase) => boolean): Interval =>
    wilson(some.filter(holds).length, some.length);
  return {
    recall: count(secrets, ({ text }) => find(text).length > 0),
    alarms: count(others, ({ text }) => find(text).length > 0),
    alarmsByRule: count(others, ({ text, family }) => find(text).some((rule) => concerns(rule, family))),
    aside: cases.length - secrets.length - others.length,
  };
}

/** Families whose cases speak of every secret, not of a vendor's. */
const GENERAL = new Set([
  "generic",
  "curl",
  "kubernetes",
  "jwt",
  "privatekey",
  "nuget",
  "basic_auth",
  "high_entropy_strings",
  "keyword",
  "private_key",
]);
/** Families whose rules have another name here. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  gcp: ["google"],
  hashicorp: ["terraform"],
  hashicorp_vault: ["vault"],
  huggingface: ["hugging"],
  sendinblue: ["brevo"],
  jfrog: ["jfrog", "artifactory"],
  definednetworking: ["defined"],
  octopusdeploy: ["octopus"],
  droneci: ["drone"],
  travisci: ["travis"],
  flyio: ["fly"],
  cloudant: ["cloudant", "url"],
};

/**
 * Whether a case of `family` says anything about a finding of `rule`. A text in which a vendor's rule must find nothing
 * may still hold another vendor's key, or look like a secret to a general rule; the source does not say.
 */
export function concerns(rule: string, family: string): boolean {
  if (GENERAL.has(family)) return true;
  const names = NAMES[family] ?? [family.split("_")[0] as string];
  return names.some((name) => rule.replace("secrets.", "").replaceAll("-", "").startsWith(name));
}

/** A rate with its interval. */
export function wilson(hits: number, of: number): Interval {
  const { value, low, high } = shareOf(hits, of) ?? { value: 0, low: 0, high: 1 };
  return { hits, of, rate: value, low, high };
}

/** A rule's name decides its half, so that near copies of a case stay together (FNV-1a, 32 bits). */
function halfOf(family: string): "dev" | "test" {
  let hash = 0x811c9dc5;
  for (const letter of family) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  // The lowest bit of FNV-1a is only the parity of the letters.
  return ((hash >>> 16) & 1) === 0 ? "dev" : "test";
}

/** A string literal (`text`) or anything else (`word`). */
interface Token {
  readonly text?: string;
  readonly word?: string;
}

interface Grammar {
  readonly comment: RegExp;
  /** Groups: the body of a raw string, or of one with escapes. */
  readonly string: RegExp;
}

const GO: Grammar = {
  comment: /\/\/[^\n]*/y,
  string: /`(?<raw>[^`]*)`|"(?<escaped>(?:[^"\\\n]|\\[^\n])*)"/y,
};
const PYTHON: Grammar = {
  comment: /#[^\n]*/y,
  string:
    /(?<prefix>[a-z]?)(?:"""(?<long>(?:[^"\\]|\\[^]|"(?!""))*)"""|'(?<single>(?:[^'\\\n]|\\[^])*)'|"(?<escaped>(?:[^"\\\n]|\\[^])*)")/y,
};
const WORD = /[A-Za-z_]\w*|:=|\S/y;

function tokensOf(source: string, { comment, string }: Grammar): readonly Token[] {
  const tokens: Token[] = [];
  const take = (pattern: RegExp, at: number): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  for (let at = 0; at < source.length;) {
    const skipped = take(/\s+/y, at) ?? take(comment, at);
    if (skipped !== null) {
      at += skipped[0].length;
      continue;
    }
    const literal = take(string, at);
    if (literal !== null) {
      const groups = literal.groups ?? {};
      const body = groups["long"] ?? groups["single"] ?? groups["escaped"] ?? "";
      tokens.push({ text: groups["raw"] ?? (groups["prefix"] === "r" ? body : unescape(body)) });
      at += literal[0].length;
      continue;
    }
    const word = take(WORD, at)?.[0] ?? source.charAt(at);
    tokens.push({ word });
    at += word.length;
  }
  return tokens;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\n": "", "0": "\0" };

function unescape(body: string): string {
  return body.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([^]))/g,
    (_, byte?: string, unit?: string, one?: string) => {
      if (one !== undefined) return ESCAPES[one] ?? one;
      return String.fromCharCode(Number.parseInt(byte ?? unit ?? "0", 16));
    },
  );
}

/** Index behind the bracket that opens the list which is assigned or appended to the name at `at`. */
function openingOf(tokens: readonly Token[], at: number): number | undefined {
  const words = tokens.slice(at + 1, at + 12).map(({ word }) => word);
  if (words[0] === ":=" || (words[0] === "=" && words[1] === "[")) {
    const brace = words.indexOf("{");
    return words[1] === "[" || words[1] === "map" ? at + 2 + brace : undefined;
  }
  return words[0] === "=" && words[1] === "append" ? at + 6 : undefined;
}

/** The elements of a list that are literals, or literals joined; of a map, its values. */
function literalElements(tokens: readonly Token[], open: number): readonly string[] {
  const elements: string[] = [];
  let depth = 0;
  let parts: Token[] = [];
  const finish = (): void => {
    const colon = parts.findIndex(({ word }) => word === ":");
    const value = parts.slice(colon + 1);
    const literal = value.length > 0 && value.every(({ text, word }) => text !== undefined || word === "+");
    if (literal) elements.push(value.map(({ text }) => text ?? "").join(""));
    parts = [];
  };
  for (let at = open; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    if (token.word !== undefined && "([{".includes(token.word)) depth += 1;
    if (token.word !== undefined && ")]}".includes(token.word)) depth -= 1;
    if (depth < 0) break;
    if (depth === 0 && token.word === ",") finish();
    else parts.push(token);
  }
  finish();
  return elements;
}

/** `NAME = 'text'` anywhere: what payloads are formatted with. */
function constantsOf(tokens: readonly Token[]): ReadonlyMap<string, string> {
  const constants = new Map<string, string>();
  for (const [at, { word }] of tokens.entries()) {
    const value = tokens[at + 2]?.text;
    if (word === undefined || !/^[A-Z_]+$/.test(word) || tokens[at + 1]?.word !== "=" || value === undefined) continue;
    constants.set(word, value);
  }
  return constants;
}

/** Python's `format` with names and single values, as far as the tests use it. */
function formatted(text: string, call: readonly Token[], constants: ReadonlyMap<string, string>): string {
  const values = new Map<string, string>();
  for (const [at, { word, text: literal }] of call.entries()) {
    const value = literal ?? constants.get(word ?? "");
    if (value === undefined) continue;
    values.set(call[at - 1]?.word === "=" ? (call[at - 2]?.word ?? "") : "", value);
  }
  return text.replace(/\{(\w*)\}/g, (whole, name: string) => values.get(name) ?? whole);
}
