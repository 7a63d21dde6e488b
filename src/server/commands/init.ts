/**
 * `holdfast init`: a configuration to start from, and the schema that lets an editor complete and check it.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import type { CommandRun } from "../../core/index.ts";
import { configJsonSchema } from "../config/schema.ts";
import { configTemplate } from "../config/template.ts";
import { serverError } from "../errors.ts";
import type { Services } from "../services.ts";

const SCHEMA_FILE = "holdfast.schema.json";

/**
 * Writes `holdfast.yaml` and its schema into a folder. The schema is not the user's to edit and is always written anew.
 *
 * @throws `server.init-exists` when the configuration is there and `--force` is not given
 */
export const runInit: CommandRun<Services> = async ({ services, options }) => {
  const folder = resolve(services.source.cwd, String(options["output"]));
  const files = { config: join(folder, "holdfast.yaml"), schema: join(folder, SCHEMA_FILE) };
  const schema = configJsonSchema();
  write(files.config, configTemplate(schema, `./${SCHEMA_FILE}`), options["force"] === true);
  write(files.schema, `${JSON.stringify(schema, null, 2)}\n`, true);
  return {
    data: files,
    text: () => `wrote ${files.config} and ${files.schema}\ncheck it after a change: holdfast config check`,
  };
};

function write(file: string, text: string, force: boolean): void {
  try {
    writeFileSync(file, text, { flag: force ? "w" : "wx" });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    if (code === "EEXIST") throw serverError("server.init-exists", { detail: file });
    throw serverError("server.init-failed", { detail: `${file} (${code})`, cause });
  }
}
