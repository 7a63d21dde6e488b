/**
 * Secrets that the configuration names and does not hold: configuration ends up in git.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import { z } from "zod";

import { Secret } from "../../core/index.ts";
import { serverError } from "../errors.ts";

export const secretSource = z.union([
  z.strictObject({ env: z.string().min(1).describe("name of the environment variable") }),
  z.strictObject({ file: z.string().min(1).describe("path of the file") }),
]);

type SecretSource = z.output<typeof secretSource>;

/** Reads the secret of `field`. @throws `server.secret-missing` */
export function readSecret(
  source: SecretSource,
  env: Readonly<Record<string, string | undefined>>,
  field: string,
): Secret {
  const where = "env" in source ? `environment variable ${source.env}` : `file ${source.file}`;
  let value: string | undefined;
  try {
    value = "env" in source ? env[source.env] : readFileSync(source.file, "utf8");
  } catch (cause) {
    throw serverError("server.secret-missing", { detail: `${field}, ${where}`, cause });
  }
  const text = value?.trim() ?? "";
  if (text === "") throw serverError("server.secret-missing", { detail: `${field}, ${where}` });
  return new Secret(text);
}
