/**
 * Reads the description of a data set in Croissant, and checks the files that lie beside it against the digests that it
 * names. What is elsewhere is said to be unchecked; what is here and differs is an error.
 *
 * Source: Croissant format specification 1.1 (MLCommons), sections on dataset-level information, FileObject and FileSet;
 * Croissant RAI 1.0 for the fields on responsible use.
 *
 * @module
 */

import { createHash, hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readFile, realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { isHoldfastError, parseJson } from "../../core/index.ts";
import { isRecord } from "../scan/formats/json-value.ts";
import { printable } from "../scan/printable.ts";
import { nameInModel } from "../sign/walk.ts";
import { bomError } from "./errors.ts";
import { textOf, textsOf } from "./read/record.ts";

export interface Dataset {
  /** Path of the description as it was given, and its own SHA-256. */
  readonly path: string;
  readonly sha256: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly version: string | undefined;
  readonly url: string | undefined;
  readonly conformsTo: readonly string[];
  readonly licences: readonly string[];
  readonly creators: readonly string[];
  readonly files: readonly DatasetFile[];
  /** What it says on responsible use: the field without `rai:`, and its text. */
  readonly rai: readonly (readonly [field: string, text: string])[];
}

interface DatasetFile {
  readonly name: string;
  readonly contentUrl: string | undefined;
  /** Lower-case hexadecimal, where the description has one that is one. */
  readonly sha256: string | undefined;
  /** What was found where the description points. */
  readonly state: "matches" | "elsewhere" | "missing" | "no digest" | "inside an archive";
}

const LIMITS = { maxBytes: 32 * 1024 * 1024, maxDepth: 64 };
const MAX_FILES = 100_000;

/**
 * Reads the description at `path`, and hashes what lies below its folder.
 *
 * @throws `models.bom-unreadable`, `models.dataset-invalid`, `models.dataset-mismatch`
 */
export async function readDataset(path: string): Promise<Dataset> {
  const bytes = await read(path);
  const root = parse(bytes, path);
  if (!typesOf(root).includes("Dataset"))
    throw bomError("models.dataset-invalid", { detail: `${path}: not of the type Dataset` });
  const listed = listOf(field(root, "distribution")).filter((entry) => typesOf(entry).includes("FileObject"));
  if (listed.length > MAX_FILES) {
    throw bomError("models.dataset-invalid", { detail: `${path}: ${listed.length} files, at most ${MAX_FILES}` });
  }
  const files: DatasetFile[] = [];
  const wrong: string[] = [];
  for (const entry of listed) {
    const { file, mismatch } = await checkFile(entry, dirname(resolve(path)));
    files.push(file);
    if (mismatch) wrong.push(file.name);
  }
  if (wrong.length > 0) {
    const more = wrong.length > 1 ? ` and ${wrong.length - 1} more` : "";
    throw bomError("models.dataset-mismatch", { detail: `${printable(wrong[0] ?? "")}${more}, of ${path}` });
  }
  return {
    path,
    sha256: hash("sha256", bytes, "hex"),
    // Required by the specification, and yet not everywhere.
    name: textOf(field(root, "name")) ?? textOf(field(root, "url")) ?? "a data set without a name",
    description: textOf(field(root, "description")),
    version: textOf(field(root, "version")) ?? numberOf(field(root, "version")),
    url: textOf(field(root, "url")),
    conformsTo: textsOf(field(root, "conformsTo")),
    licences: listOf(field(root, "license"))
      .map(nameOrText)
      .filter((text) => text !== undefined),
    creators: listOf(field(root, "creator"))
      .map(nameOrText)
      .filter((text) => text !== undefined),
    files,
    rai: raiOf(root),
  };
}

async function read(path: string): Promise<Uint8Array> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile()) throw bomError("models.bom-unreadable", { detail: `${path} is no file` });
    if (stats.size > LIMITS.maxBytes) {
      throw bomError("models.dataset-invalid", { detail: `${path}: ${stats.size} bytes, at most ${LIMITS.maxBytes}` });
    }
    return await readFile(path);
  } catch (cause) {
    if (isHoldfastError(cause)) throw cause;
    throw bomError("models.bom-unreadable", { detail: path, cause });
  }
}

function parse(bytes: Uint8Array, path: string): Readonly<Record<string, unknown>> {
  try {
    const value = parseJson(bytes, LIMITS);
    if (isRecord(value)) return value;
  } catch (cause) {
    throw bomError("models.dataset-invalid", { detail: `${path}: ${(cause as Error).message}`, cause });
  }
  throw bomError("models.dataset-invalid", { detail: `${path}: not an object` });
}

async function checkFile(
  entry: unknown,
  folder: string,
): Promise<{ readonly file: DatasetFile; readonly mismatch: boolean }> {
  const contentUrl = textOf(field(entry, "contentUrl"));
  const name = textOf(field(entry, "name")) ?? textOf(isRecord(entry) ? entry["@id"] : undefined) ?? contentUrl ?? "";
  const digest = textOf(field(entry, "sha256"))?.toLowerCase() ?? "";
  // Some descriptions hold the address of an issue here, since the field was required of what has no digest.
  const sha256 = /^[0-9a-f]{64}$/.test(digest) ? digest : undefined;
  const as = (state: DatasetFile["state"]): { file: DatasetFile; mismatch: boolean } => {
    return { file: { name, contentUrl, sha256, state }, mismatch: false };
  };
  if (field(entry, "containedIn") !== undefined) return as("inside an archive");
  if (sha256 === undefined) return as("no digest");
  if (contentUrl === undefined || /^[a-z][a-z0-9+.-]*:/i.test(contentUrl)) return as("elsewhere");

  const path = resolve(folder, contentUrl);
  const inside = nameInModel(folder, path) !== undefined && (await isBelow(path, folder));
  if (!inside) return as((await exists(path)) ? "elsewhere" : "missing");
  return { file: { name, contentUrl, sha256, state: "matches" }, mismatch: (await digestOf(path)) !== sha256 };
}

/** Whether a path is a file that really lies below the folder: no link leads out of it. */
async function isBelow(path: string, folder: string): Promise<boolean> {
  try {
    if (!(await lstat(path)).isFile()) return false;
    return nameInModel(await realpath(folder), await realpath(path)) !== undefined;
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

async function digestOf(path: string): Promise<string> {
  const digest = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) digest.update(chunk as Buffer);
  } catch (cause) {
    throw bomError("models.bom-unreadable", { detail: path, cause });
  }
  return digest.digest("hex");
}

/** A field under its own name or with a prefix of the context: `license`, `sc:license`, `cr:sha256`. */
function field(value: unknown, name: string): unknown {
  if (!isRecord(value)) return undefined;
  const key = [name, `sc:${name}`, `cr:${name}`, `dct:${name}`, `schema:${name}`].find((one) =>
    Object.hasOwn(value, one),
  );
  return key === undefined ? undefined : value[key];
}

function typesOf(value: unknown): readonly string[] {
  return textsOf(isRecord(value) ? value["@type"] : undefined).map((type) => type.replace(/^.*[:/#]/, ""));
}

function listOf(value: unknown): readonly unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}

function nameOrText(value: unknown): string | undefined {
  return textOf(value) ?? textOf(field(value, "name")) ?? textOf(field(value, "url"));
}

function numberOf(value: unknown): string | undefined {
  return typeof value === "number" ? String(value) : undefined;
}

function raiOf(root: Readonly<Record<string, unknown>>): (readonly [string, string])[] {
  return Object.entries(root)
    .filter(([name]) => name.startsWith("rai:"))
    .map(([name, value]) => [name.slice("rai:".length), textsOf(value).join("; ")] as const)
    .filter(([, text]) => text !== "");
}
