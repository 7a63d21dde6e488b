/**
 * A model folder of MLflow: the files, and `MLmodel`, which says how each flavour loads them. What that names must be in
 * the folder.
 *
 * Source: MLflow, «MLflow Models», the storage format.
 *
 * @module
 */

import { lstat, readFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { parse } from "yaml";

import { decodeUtf8 } from "../../../core/index.ts";
import { printable } from "../digest.ts";
import { registryError } from "../errors.ts";
import { checkPaths } from "../reference.ts";
import { readFiles } from "./files.ts";
import type { Source } from "./source.ts";

/** Bytes of `MLmodel` at most: signatures with many columns are some 100 KB. */
const MOST_BYTES = 1_048_576;
/** Names of fields of a flavour that hold a path into the folder. */
const PATH_FIELDS: ReadonlySet<string> = new Set([
  "data",
  "model_data",
  "pickled_model",
  "model_path",
  "saved_model_dir",
  "code",
]);

export async function isMlflow(path: string): Promise<boolean> {
  return (await lstat(join(path, "MLmodel")).catch(() => undefined))?.isFile() === true;
}

/** @throws `models.import-invalid`, and the errors of plain files */
export async function readMlflow(path: string): Promise<Source> {
  const { files } = await readFiles(path);
  const described = await describe(join(path, "MLmodel"));
  const flavours = asRecord(described["flavors"]);
  const names = Object.keys(flavours);
  if (names.length === 0) throw invalid("MLmodel names no flavour");
  const known = new Set(files.map((file) => file.path));
  for (const [flavour, settings] of Object.entries(flavours)) {
    for (const [field, value] of Object.entries(asRecord(settings))) {
      if (!PATH_FIELDS.has(field) || typeof value !== "string" || value === "") continue;
      checkPaths([{ path: value }]);
      const isThere = known.has(value) || files.some((file) => file.path.startsWith(`${value}/`));
      if (!isThere) throw invalid(`${printable(flavour)} loads ${printable(value)}, which is not in the folder`);
    }
  }
  return {
    files,
    origin: {
      kind: "mlflow",
      name: basename(path),
      flavours: names.map(printable).join(" "),
      ...text("run", described["run_id"]),
      ...text("model", described["model_uuid"] ?? described["model_id"]),
      ...text("mlflow", described["mlflow_version"]),
    },
  };
}

async function describe(file: string): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes === undefined) throw invalid("there is no MLmodel");
  if (bytes.length > MOST_BYTES)
    throw registryError("models.limit-exceeded", { detail: `MLmodel: ${MOST_BYTES} bytes` });
  try {
    // No aliases: a few lines of them unfold without end.
    return asRecord(parse(decodeUtf8(bytes), { maxAliasCount: 0, schema: "core", merge: false }));
  } catch (cause) {
    throw invalid("MLmodel is not YAML that can be read", cause);
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function text(name: string, value: unknown): Readonly<Record<string, string>> {
  return typeof value === "string" || typeof value === "number" ? { [name]: printable(String(value)) } : {};
}

function invalid(detail: string, cause?: unknown): Error {
  return registryError("models.import-invalid", { detail, cause });
}
