/**
 * Options of a command as the command line hands them over: a text, a list of texts, or a switch.
 *
 * @module
 */

import type { CommandInput } from "./module.ts";

export type CommandOptions = CommandInput<unknown>["options"];

/** The value of `--name <value>`; undefined where it was not given. */
export function textOption(options: CommandOptions, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

/** The values of a repeatable `--name <value>`, in order. */
export function listOption(options: CommandOptions, name: string): readonly string[] {
  const value = options[name];
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value : [];
}
