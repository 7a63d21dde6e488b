/**
 * Looking into values that came from foreign JSON and YAML.
 *
 * @module
 */

import { isRecord } from "../../scan/formats/json-value.ts";

/** Own members only: a file may name `__proto__` or `constructor`. */
export function member(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** A text that says something: not empty, not white, and with a form in UTF-8. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim().toWellFormed() : undefined;
}

/** The texts of a text or a list of texts: both forms stand in front matter. */
export function textsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).map(textOf).filter((text) => text !== undefined);
}
