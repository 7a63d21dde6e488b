/**
 * Recognisers of the caller's own: words, or a pattern with a check. Patterns run in a linear-time engine (RE2's syntax:
 * no look-around, no back-references), since they come from a configuration.
 *
 * @module
 */

import { RE2JS } from "re2js";

import type { Severity } from "../../../core/index.ts";
import { luhn, mod11of10, mod97, verhoeff } from "./checksums.ts";
import { piiError } from "./errors.ts";
import type { PiiMatch } from "./judge.ts";
import { BEFORE, LONGEST, plain, Strength } from "./recogniser.ts";

export interface CustomRecogniser {
  /** The second word of the rule's id: small letters, digits and hyphens. */
  readonly id: string;
  /** What it is, for the message. Default: the id. */
  readonly name?: string;
  /** Default: `medium`. */
  readonly severity?: Severity;
  /** Words or phrases, found as whole words with any letter case. */
  readonly words?: readonly string[];
  /** A regular expression in RE2's syntax. A match of more than 256 units may be missed. */
  readonly pattern?: string;
  /** The check that letters and digits of a match must pass. */
  readonly check?: "luhn" | "mod97" | "mod11-10" | "verhoeff";
  /** Words of which one must stand within 64 units before a match. */
  readonly context?: readonly string[];
}

export interface CustomMatcher {
  readonly id: string;
  find(window: string, from: number, to: number, found: PiiMatch[]): void;
}

const CHECKS = { luhn, mod97, "mod11-10": mod11of10, verhoeff } as const;

/** Makes a custom recogniser ready. @throws `guard.pii-custom-invalid` */
export function compileCustom(custom: CustomRecogniser): CustomMatcher {
  const { id, name = id, severity = "medium", words, check, context } = custom;
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(id)) throw invalid(id, "its id is not of small letters, digits and hyphens");
  if ((words === undefined) === (custom.pattern === undefined)) throw invalid(id, "it needs either words or a pattern");
  if (words?.some((word) => word.trim() === "" || word.length > LONGEST) === true || words?.length === 0) {
    throw invalid(id, `its words must have 1 to ${LONGEST} units`);
  }
  const accepts = check === undefined ? undefined : CHECKS[check];
  if (check !== undefined && accepts === undefined) throw invalid(id, `there is no check called ${check}`);
  const source =
    custom.pattern ??
    `(?i)(?:${(words ?? [])
      .toSorted((a, b) => b.length - a.length)
      .map((word) => RE2JS.quote(word))
      .join("|")})`;
  const pattern = compile(id, source);
  const said =
    context === undefined ? undefined : compile(id, `(?i)(?:${context.map((word) => RE2JS.quote(word)).join("|")})`);

  return {
    id,
    find: (window, from, to, found) => {
      const matcher = pattern.matcher(window.slice(0, to));
      let at = from;
      while (at <= to && matcher.find(at)) {
        const start = matcher.start();
        const end = matcher.end();
        at = end > start ? end : start + 1;
        if (end === start || end - start > LONGEST) continue;
        if (words !== undefined && (isWordAt(window, start - 1) || isWordAt(window, end))) continue;
        if (accepts !== undefined && !accepts(plain(window.slice(start, end)))) continue;
        if (said?.matcher(window.slice(Math.max(0, start - BEFORE), start)).find() === false) continue;
        found.push({ id, name, severity, start, end, strength: Strength.proven + 1 });
      }
    },
  };
}

function compile(id: string, source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    throw invalid(id, cause instanceof Error ? cause.message : "its pattern is not one");
  }
}

function isWordAt(window: string, at: number): boolean {
  return /[\p{L}\p{N}_]/u.test(window.charAt(at));
}

function invalid(id: string, why: string): Error {
  return piiError("guard.pii-custom-invalid", { detail: `${id}: ${why}` });
}
