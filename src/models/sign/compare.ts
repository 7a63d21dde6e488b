/**
 * Compares the files of a model with what was signed (OMS v1.0 sections 8.4 and 8.5), and says of each file that differs
 * how it does.
 *
 * Only what can be right is hashed: a file that nobody signed, or that has another size, needs no digest to be refused.
 *
 * @module
 */

import type { Rejection } from "./errors.ts";
import { hashFiles, type Serialization } from "./manifest.ts";
import type { HashingOptions } from "./pool.ts";
import { PYTHON_SINGLE_FILE, type SignedFile, type SignedManifest } from "./statement.ts";
import { DEFAULT_IGNORES, sortByBytes, walkModel, type ModelFile } from "./walk.ts";

/** One reason why a model is rejected. */
export interface Problem {
  readonly code: Rejection;
  /** Relative to the root, for reasons that are about a file. */
  readonly file?: string;
  readonly detail?: string;
}

export interface CompareOptions extends HashingOptions {
  /** Paths relative to the root that need not be signed, besides those that the signature names. */
  readonly ignorePaths?: readonly string[];
  /** Tolerates files that are not signed (OMS section 8.5). Default: false. */
  readonly ignoreUnsignedFiles?: boolean;
}

export interface Comparison {
  readonly problems: readonly Problem[];
  /** Bytes of the files that were hashed. */
  readonly size: number;
  /** What was there and need not be signed. A folder stands for all in it. */
  readonly ignored: readonly string[];
  /** Files that are not signed and were tolerated. */
  readonly unsigned: readonly string[];
}

/** @throws what `walkModel` and `hashFiles` throw: the model could not be read */
export async function compareModel(path: string, signed: SignedManifest, options: CompareOptions): Promise<Comparison> {
  const { serialization } = signed;
  const ignorePaths = [...serialization.ignorePaths, ...(options.ignorePaths ?? [])];
  const problems: Problem[] = [];
  const found = await walkModel(path, { ignorePaths, refused: (code, file) => problems.push({ code, file }) });
  const expected = found.single ? renameSingle(signed.files, found.name) : signed.files;

  const unsigned: string[] = [];
  const toHash: ModelFile[] = [];
  for (const file of found.files) {
    const one = expected.get(file.name);
    if (one === undefined) {
      // A file without bytes has no shard, so that nobody can sign one (OMS section 6.3.2).
      const tolerated = options.ignoreUnsignedFiles === true || (serialization.method === "shards" && file.size === 0);
      if (tolerated) unsigned.push(file.name);
      else problems.push({ code: "models.file-unsigned", file: file.name });
    } else if (one.size !== undefined && one.size !== file.size) {
      const detail = `it has ${file.size} bytes instead of ${one.size}`;
      problems.push({ code: "models.signed-file-changed", file: file.name, detail });
    } else {
      toHash.push(file);
    }
  }
  problems.push(...missing(expected, found.files, [...DEFAULT_IGNORES, ...ignorePaths], problems));
  const { resources, size } = await hashFiles(toHash, serialization, options);
  problems.push(...changed(toHash, expected, serialization, resources));
  return { problems: sortByBytes(problems, ({ file }) => file ?? ""), size, ignored: found.ignored, unsigned };
}

/** The Python tool names a single file `.`. */
function renameSingle(files: ReadonlyMap<string, SignedFile>, name: string): ReadonlyMap<string, SignedFile> {
  const only = files.get(PYTHON_SINGLE_FILE);
  return only === undefined || files.size !== 1 ? files : new Map([[name, { ...only, name }]]);
}

/** What was signed and is not there. */
function missing(
  expected: ReadonlyMap<string, SignedFile>,
  files: readonly ModelFile[],
  ignorePaths: readonly string[],
  refused: readonly Problem[],
): Problem[] {
  const there = new Set(files.map(({ name }) => name));
  const known = new Set(refused.map(({ file }) => file));
  const ignored = new Set(ignorePaths);
  return [...expected.keys()]
    .filter((name) => !there.has(name) && !known.has(name))
    .map((file) => ({
      code: isUnder(file, ignored) ? "models.signed-file-ignored" : "models.signed-file-missing",
      file,
    }));
}

/** Whether `name` or a folder above it is in `paths`. */
function isUnder(name: string, paths: ReadonlySet<string>): boolean {
  for (let end = name.indexOf("/"); end !== -1; end = name.indexOf("/", end + 1)) {
    if (paths.has(name.slice(0, end))) return true;
  }
  return paths.has(name);
}

/** Files whose digests are not those that were signed; of shards, where the first difference is. */
function changed(
  files: readonly ModelFile[],
  expected: ReadonlyMap<string, SignedFile>,
  serialization: Serialization,
  resources: readonly { readonly name: string; readonly digest: string }[],
): Problem[] {
  const digests = new Map(resources.map(({ name, digest }) => [name, digest]));
  return files.flatMap(({ name: file, size }): Problem[] => {
    const signed = (expected.get(file) as SignedFile).digests;
    if (serialization.method === "files") {
      return digests.get(file) === signed[0] ? [] : [{ code: "models.signed-file-changed", file }];
    }
    const { shardSize } = serialization;
    const ranges = signed.map((digest, index) => {
      return { digest, from: index * shardSize, to: Math.min((index + 1) * shardSize, size) };
    });
    const wrong = ranges.filter(({ digest, from, to }) => digests.get(`${file}:${from}:${to}`) !== digest);
    const [first] = wrong;
    if (first === undefined) return [];
    const more = wrong.length === 1 ? "" : `, and in ${wrong.length - 1} more shards`;
    return [
      { code: "models.signed-file-changed", file, detail: `between the bytes ${first.from} and ${first.to}${more}` },
    ];
  });
}
