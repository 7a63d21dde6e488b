/**
 * Options as the command line hands them over, read with a sentence for what does not fit.
 *
 * @module
 */

import { textOption, type CommandOptions } from "../../core/index.ts";
import { evalError } from "../eval/errors.ts";

/** A number of `--name <number>`. @throws `guard.option-invalid` outside the bounds */
export function numberOption(
  options: CommandOptions,
  name: string,
  bounds: { readonly min: number; readonly max: number; readonly integer: boolean },
): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  const fits = bounds.integer ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (fits && value >= bounds.min && value <= bounds.max) return value;
  throw evalError("guard.option-invalid", {
    detail: `--${name} is not ${bounds.integer ? "a whole number" : "a number"} from ${bounds.min} to ${bounds.max}`,
  });
}

/** One of `--name <value>`'s choices. @throws `guard.option-invalid` */
export function choiceOption<Choice extends string>(
  options: CommandOptions,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const choice = choices.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw evalError("guard.option-invalid", { detail: `--${name} ${text}`, hint: `choose from ${choices.join(", ")}` });
}
