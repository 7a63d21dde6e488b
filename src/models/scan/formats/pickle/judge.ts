/**
 * What is thought of a global: allowed by the list, or denied, and how bad.
 *
 * @module
 */

import type { ScanRule } from "../../finding.ts";
import { allowedUse } from "./allowed.ts";
import { knownBad } from "./known-bad.ts";
import { PICKLE_RULES } from "./rules.ts";
import type { GlobalValue, Grade } from "./values.ts";

/** The rule for naming a global of each grade, and for calling it. */
export const GRADE_RULES: Readonly<
  Record<Exclude<Grade, "allowed">, { readonly name: ScanRule; readonly call: ScanRule }>
> = {
  dangerous: { name: PICKLE_RULES.dangerous, call: PICKLE_RULES.callDangerous },
  dunder: { name: PICKLE_RULES.dunder, call: PICKLE_RULES.callDangerous },
  dotted: { name: PICKLE_RULES.dotted, call: PICKLE_RULES.callUnknown },
  unknown: { name: PICKLE_RULES.unknown, call: PICKLE_RULES.callUnknown },
  extension: { name: PICKLE_RULES.extension, call: PICKLE_RULES.callUnknown },
};

export function judgeGlobal(module: string, name: string): GlobalValue {
  const use = allowedUse(module, name);
  return { kind: "global", module, name, grade: use === undefined ? gradeOf(module, name) : "allowed", use };
}

/** What a finding says of it: its path, and what it is known to do. */
export function describeGlobal({ module, name }: GlobalValue): string {
  const known = knownBad(module, name);
  return `${module}.${name}${known === undefined ? "" : `: ${known}`}`;
}

/** Identifiers with dots between: nothing else can be imported. */
export function isPath(text: string): boolean {
  return /^[\p{L}_][\p{L}\p{N}\p{M}_]*(?:\.[\p{L}_][\p{L}\p{N}\p{M}_]*)*$/u.test(text);
}

/** Modules that are named so. */
const ORDINARY_DUNDERS: ReadonlySet<string> = new Set(["__main__", "__torch__", "__builtin__"]);

function gradeOf(module: string, name: string): Grade {
  if (knownBad(module, name) !== undefined) return "dangerous";
  const parts = [...name.split("."), ...module.split(".").filter((part) => !ORDINARY_DUNDERS.has(part))];
  if (parts.some((part) => /^__\w*__$/.test(part))) return "dunder";
  return name.includes(".") ? "dotted" : "unknown";
}
