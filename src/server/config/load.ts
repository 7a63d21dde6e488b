/**
 * Where the configuration comes from. From strongest to weakest:
 *
 *     --data                       the command line
 *     HOLDFAST_DATA, …             a few environment variables, for containers and for secrets in URLs
 *     holdfast.yaml                --config, else HOLDFAST_CONFIG, else the file in the working directory
 *     the defaults                 of the schema
 *
 * A file that was named must be there; the one in the working directory need not.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";

import { decodeUtf8 } from "../../core/index.ts";
import { serverError } from "../errors.ts";
import { readConfig, type ConfigOverride, type ConfigProblem, type ConfigResult } from "./read.ts";
import type { Config } from "./schema.ts";
import { CONFIG_VARIABLES } from "./variables.ts";

export interface ConfigSource {
  /** `--config`. */
  readonly config?: string | undefined;
  /** `--data`. */
  readonly data?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory. */
  readonly cwd: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Absolute path of the file; undefined where there is none and the defaults hold. */
  readonly file: string | undefined;
  /** Absolute path of the data folder. */
  readonly home: string;
}

const DEFAULT_FILE = "holdfast.yaml";

/**
 * Loads the configuration.
 *
 * @throws `server.config-unreadable`, and `server.config-invalid` with the first problem in its detail
 */
export function loadConfig(source: ConfigSource): LoadedConfig {
  const { file, result } = checkConfig(source);
  if (result.config === undefined) throw invalid(result.problems);
  const { config } = result;
  const named = source.data ?? nonEmpty(source.env["HOLDFAST_DATA"]);
  const home =
    named === undefined
      ? resolve(file === undefined ? source.cwd : dirname(file), config.data)
      : resolve(source.cwd, named);
  return { config, file, home };
}

/** Reads and checks the configuration without refusing it. @throws `server.config-unreadable` */
export function checkConfig(source: ConfigSource): { file: string | undefined; result: ConfigResult } {
  const named = source.config ?? nonEmpty(source.env["HOLDFAST_CONFIG"]);
  const file = resolve(source.cwd, named ?? DEFAULT_FILE);
  const overrides = CONFIG_VARIABLES.flatMap(({ variable, path }): ConfigOverride[] => {
    const value = nonEmpty(source.env[variable]);
    return value === undefined ? [] : [{ variable, path, value }];
  });
  const text = readText(file, named !== undefined);
  if (text === undefined) return { file: undefined, result: readConfig("", "defaults", overrides) };
  // People look for a file from where they stand.
  const shown = relative(source.cwd, file);
  return { file, result: readConfig(text, shown.startsWith("..") ? file : shown, overrides) };
}

function readText(file: string, required: boolean): string | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    if (code === "ENOENT" && !required) return undefined;
    throw serverError("server.config-unreadable", { detail: `${file} (${code})`, cause });
  }
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    throw serverError("server.config-unreadable", { detail: `${file} (not UTF-8)`, cause });
  }
}

function invalid(problems: readonly ConfigProblem[]): Error {
  const [first, ...others] = problems;
  if (first === undefined) return serverError("server.config-invalid");
  const more = others.length === 0 ? "" : ` (and ${others.length} more: run \`holdfast config check\`)`;
  return serverError("server.config-invalid", { detail: problemLine(first) + more, hint: first.hint });
}

/** `holdfast.yaml:3:5: gateway.limits.bodyByts: unknown field`. */
export function problemLine({ place, path, what }: ConfigProblem): string {
  return path === "" ? `${place}: ${what}` : `${place}: ${path}: ${what}`;
}

/** An empty variable is one that is not set, as in a compose file that passes on what may not be there. */
function nonEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
