/**
 * JSON files of foreign models as values. Python's own writer makes `NaN` and `Infinity`, which are no JSON, and its
 * reader takes them; here they become null. What two readers would read differently is not read.
 *
 * @module
 */

import { isHoldfastError, parseJson } from "../../../core/index.ts";
import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import { SUPPLY_CHAIN } from "./references.ts";
import { MAX_TEXT } from "./text.ts";

/** Levels of arrays and objects: nested models of Keras take four each. */
const MAX_DEPTH = 256;

const RULES = {
  invalid: {
    id: "json.invalid",
    severity: "low",
    verdict: "inconclusive",
    why: "it is named as JSON but is none, so that nothing was checked",
    remedy: "get it again from its publisher",
    references: [...SUPPLY_CHAIN],
  },
  ambiguous: {
    id: "json.duplicate-name",
    severity: "medium",
    verdict: "inconclusive",
    why: "it gives a name twice, so that one reader sees another value than the next",
    remedy: "do not load it: ask its publisher for a file that says each thing once",
    references: [...SUPPLY_CHAIN],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const JSON_RULES: readonly ScanRule[] = Object.values(RULES);

/** The value of `text`, or undefined where it is not read, which is reported. */
export function readJson(text: string, context: ScanContext): unknown {
  const plain = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    return parse(plain);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    if (error.code === "core.json-duplicate-name") context.report(RULES.ambiguous);
    else context.report(RULES.invalid, { detail: error.message });
    return undefined;
  }
}

function parse(text: string): unknown {
  const limits = { maxBytes: MAX_TEXT, maxDepth: MAX_DEPTH };
  try {
    return parseJson(text, limits);
  } catch (error) {
    if (!isHoldfastError(error, "core.json-invalid") || !/NaN|Infinity/.test(text)) throw error;
    return parseJson(withoutNaN(text), limits);
  }
}

/** `text` with `null` for what Python writes for numbers that are none. Strings stay as they are. */
function withoutNaN(text: string): string {
  const pieces: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length;) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at);
      continue;
    }
    const word =
      character === "-" || character === "N" || character === "I"
        ? /^-?(?:NaN|Infinity)/.exec(text.slice(at, at + 9))
        : null;
    if (word === null) {
      at++;
      continue;
    }
    pieces.push(text.slice(from, at), "null");
    at += word[0].length;
    from = at;
  }
  return pieces.join("") + text.slice(from);
}

function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}
