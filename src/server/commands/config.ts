/**
 * `holdfast config check` and `holdfast config schema`.
 *
 * @module
 */

import { Exit, type CommandRun } from "../../core/index.ts";
import { checkConfig, loadConfig, problemLine } from "../config/load.ts";
import { configJsonSchema } from "../config/schema.ts";
import type { Services } from "../services.ts";

/** Every problem of the configuration, with its place. */
export const runConfigCheck: CommandRun<Services> = async ({ services, args }) => {
  const source = { ...services.source, config: args["file"] ?? services.source.config };
  const { file, result } = checkConfig(source);
  const { problems } = result;
  if (problems.length > 0) {
    return {
      data: { valid: false, file: file ?? null, problems },
      text: (style) => problems.map((problem) => `${style.red(problemLine(problem))}\n    ${problem.hint}`).join("\n"),
      exit: Exit.usage,
    };
  }
  const { home } = loadConfig(source);
  return {
    data: { valid: true, file: file ?? null, data: home, problems: [] },
    text: (style) =>
      file === undefined
        ? `${style.green("valid")}: there is no configuration file, so the defaults hold; data folder ${home}`
        : `${style.green("valid")}: ${file}; data folder ${home}`,
  };
};

/** The JSON Schema of `holdfast.yaml`. */
export const runConfigSchema: CommandRun<Services> = async () => {
  const schema = configJsonSchema();
  return { data: schema, text: () => JSON.stringify(schema, null, 2) };
};
