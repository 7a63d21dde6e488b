/**
 * What the commands of signing read: options, keys and certificates from files, and where a signature lies.
 *
 * @module
 */

import { lstat, open, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { type CommandInput, listOption, textOption, type CommandOptions } from "../../core/index.ts";
import { MAX_BUNDLE_BYTES } from "./bundle.ts";
import { HASH_TYPES, type HashType } from "./digest.ts";
import { signError, type SignErrorCode } from "./errors.ts";
import type { ManifestOptions } from "./manifest.ts";
import { DEFAULT_IGNORES, nameInModel } from "./walk.ts";

/** The most bytes of a file with keys, certificates, a trusted root or a token. */
const MAX_SMALL_FILE = 4 * 1024 * 1024;

/** The model's path. */
export function pathOf(input: Pick<CommandInput<unknown>, "args">): string {
  return input.args["path"] ?? ".";
}

/** Where the signature of a model lies unless `--signature` says otherwise: in its folder, or beside its file. */
export async function signaturePath(path: string, options: CommandOptions): Promise<string> {
  const given = textOption(options, "signature");
  if (given !== undefined) return given;
  let isFolder: boolean;
  try {
    isFolder = (await lstat(path)).isDirectory();
  } catch (cause) {
    throw signError("models.model-missing", { detail: path, cause });
  }
  return isFolder ? join(path, "model.sig") : `${path}.sig`;
}

/**
 * The names inside the model that `--ignore-path` and the signature's own place stand for. As in the Python and Go
 * tools, a path is one of the file system: absolute, or relative to the folder that one is in.
 *
 * @throws `models.ignore-path-invalid` for a path outside of the model
 */
export function ignoredNames(path: string, signature: string, options: CommandOptions): string[] {
  const own = nameInModel(path, signature);
  const given = listOption(options, "ignorePath").map((ignored) => {
    const name = nameInModel(path, ignored);
    if (name === undefined) {
      const hint = `give a path inside of the model, as one names it from here: ${join(path, basename(ignored))}`;
      throw signError("models.ignore-path-invalid", { detail: ignored, hint });
    }
    return name;
  });
  return [...new Set([...given, ...(own === undefined ? [] : [own])])];
}

/** How `--hash` and `--shard-size` say that a model is hashed. */
export function manifestOptions(options: CommandOptions): Pick<ManifestOptions, "hashType" | "method" | "shardSize"> {
  const hash = textOption(options, "hash") ?? "sha256";
  if (!isHashType(hash)) throw signError("models.hash-unsupported", { detail: hash });
  const size = textOption(options, "shardSize");
  if (size === undefined) return { hashType: hash, method: options["shards"] === true ? "shards" : "files" };
  if (!/^[1-9][0-9]{0,15}$/.test(size)) throw signError("models.shard-size-invalid", { detail: size });
  return { hashType: hash, method: "shards", shardSize: Number(size) };
}

/** Reads a small text file. @throws `code` when it cannot be read */
export async function readSmall(path: string, code: SignErrorCode): Promise<string> {
  try {
    return await readBounded(path, MAX_SMALL_FILE).then((bytes) => bytes.toString("utf8"));
  } catch (cause) {
    throw signError(code, { detail: path, cause });
  }
}

/** Reads the files of an option that may be given several times, one after the other, as one text. */
export async function readSmalls(paths: readonly string[], code: SignErrorCode): Promise<string> {
  const texts = await Promise.all(paths.map((path) => readSmall(path, code)));
  return texts.join("\n");
}

/** @throws `models.signature-missing`, `models.signature-malformed` for a file that is too large to be one */
export async function readSignature(path: string): Promise<Buffer> {
  try {
    return await readBounded(path, MAX_BUNDLE_BYTES);
  } catch (cause) {
    if (cause instanceof RangeError) throw signError("models.signature-malformed", { detail: cause.message, cause });
    throw signError("models.signature-missing", { detail: path, cause });
  }
}

/** The default ignores need not be told to people who look at what was ignored. */
export function isDefaultIgnore(name: string): boolean {
  return DEFAULT_IGNORES.some((one) => one === name);
}

/** @throws RangeError when the file has more bytes */
async function readBounded(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(resolve(path), "r");
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw new RangeError(`it has ${size} bytes, more than ${maxBytes}`);
    const bytes = await readFile(file);
    // A pipe has no size.
    if (bytes.length > maxBytes) throw new RangeError(`it has more than ${maxBytes} bytes`);
    return bytes;
  } finally {
    await file.close();
  }
}

function isHashType(text: string): text is HashType {
  return HASH_TYPES.some((one) => one === text);
}
