/**
 * The files of a model, under the names that a manifest gives them (OMS v1.0 sections 6.1 and 6.2).
 *
 * A name is the path from the model's root with `/` between components, as the file system spells it: valid UTF-8, never
 * normalised, case-sensitive. A model that is a single file has that file's name. Folders are invisible; symbolic links
 * are refused wherever they are, and so is what is neither file nor folder: a manifest that leaves them out would vouch
 * for a model that loads other bytes. What is ignored is looked at no further: a link in there changes nothing.
 *
 * @module
 */

import { lstatSync, type BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { decodeUtf8 } from "../../core/index.ts";
import { signError } from "./errors.ts";

/** Ignored at the root of every model (OMS section 6.2). */
export const DEFAULT_IGNORES = [".git", ".gitattributes", ".github", ".gitignore"] as const;

/** The most files or shards of one model: ImageNet has 1.3 million, its manifest is 190 MB. */
export const MAX_RESOURCES = 1_500_000;

const SURROGATE = /[\ud800-\udfff]/;

/** Milliseconds that listing files may keep the event loop at once. */
const TURN_MS = 10;

export interface ModelFile {
  /** As in a manifest. */
  readonly name: string;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Tells whether a file that is opened later is the one that was listed. */
  readonly identity: FileIdentity;
}

export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  readonly modifiedNs: bigint;
}

export interface ModelFiles {
  /** The last component of the model's path. */
  readonly name: string;
  /** Whether the model is a single file. */
  readonly single: boolean;
  /** In the order of their names' UTF-8 bytes. */
  readonly files: readonly ModelFile[];
  /** What was there and left out, as names relative to the root; a folder stands for all in it. */
  readonly ignored: readonly string[];
}

export interface WalkOptions {
  /** Paths relative to the root, exact, with all below them. The defaults are ignored besides. */
  readonly ignorePaths?: readonly string[];
  /** Default: {@link MAX_RESOURCES}. */
  readonly maxFiles?: number;
  /** Told of what has no place in a model, which is then left out. Without it, the first such thing is thrown. */
  readonly refused?: (code: Refusal, name: string) => void;
}

/** Why something in the folder cannot be part of a model. */
type Refusal = "models.symlink" | "models.special-file" | "models.name-not-utf8";

/**
 * Lists the files of the model at `path`.
 *
 * @throws `models.model-missing`, `models.symlink`, `models.special-file`, `models.name-not-utf8`,
 *   `models.too-many-files`, `models.file-unreadable`, `models.ignore-path-invalid`
 */
export async function walkModel(path: string, options: WalkOptions = {}): Promise<ModelFiles> {
  const ignore = new Set<string>([...DEFAULT_IGNORES, ...(options.ignorePaths ?? []).map(checkIgnorePath)]);
  const maxFiles = options.maxFiles ?? MAX_RESOURCES;
  const refused = options.refused ?? refuse;
  const root = resolve(path);
  const name = basename(root);
  const stats = await rootStats(path, root);

  if (stats.isFile()) return { name, single: true, files: [fileOf(name, root, stats)], ignored: [] };

  const files: ModelFile[] = [];
  const ignored: string[] = [];
  let turn = performance.now();
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const { own, place } of await namesIn(root, folder, refused)) {
      const inside = folder === "" ? own : `${folder}/${own}`;
      if (ignore.has(inside)) {
        ignored.push(inside);
        continue;
      }
      // Asking at once costs a tenth of waiting for each answer; the turns let everything else go on.
      const found = statsOf(inside, place);
      if (performance.now() - turn > TURN_MS) {
        await nextTurn();
        turn = performance.now();
      }
      if (found.isDirectory()) {
        folders.push(inside);
      } else if (!found.isFile()) {
        refused(found.isSymbolicLink() ? "models.symlink" : "models.special-file", inside);
      } else {
        if (files.length >= maxFiles) throw signError("models.too-many-files", { detail: `more than ${maxFiles}` });
        files.push(fileOf(inside, place, found));
      }
    }
  }
  return { name, single: false, files: sortByBytes(files, (file) => file.name), ignored: ignored.toSorted() };
}

/**
 * Where `file`, a path of the file system, lies inside the model at `path`: a name for `ignorePaths`, or undefined when
 * it lies elsewhere.
 */
export function nameInModel(path: string, file: string): string | undefined {
  const inside = relative(resolve(path), resolve(file));
  if (inside === "" || inside === ".." || inside.startsWith(`..${sep}`)) return undefined;
  const name = inside.split(sep).join("/");
  // On Windows a path on another drive stays absolute.
  return resolve(path, inside) === resolve(file) && !/^[A-Za-z]:/.test(name) ? name : undefined;
}

/** Whether `name` may stand in a manifest: relative and canonical (OMS section 6.1.2). */
export function isCanonicalName(name: string): boolean {
  return (
    name.isWellFormed() &&
    !name.includes("\0") &&
    name.split("/").every((part) => part !== "" && part !== "." && part !== "..")
  );
}

/**
 * Sorts by the UTF-8 bytes of a name, which is the order of code points that OMS section 5.2.1 demands. The default
 * order of JavaScript is that of UTF-16 units, in which U+1F600 comes before U+FF5E.
 */
export function sortByBytes<T>(values: readonly T[], nameOf: (value: T) => string): T[] {
  // Without surrogates the two are the same, and comparing texts costs less than making their bytes.
  if (!values.some((value) => SURROGATE.test(nameOf(value)))) {
    return values.toSorted((one, other) => {
      const [left, right] = [nameOf(one), nameOf(other)];
      return left < right ? -1 : Number(left > right);
    });
  }
  return values
    .map((value) => ({ value, key: Buffer.from(nameOf(value), "utf8") }))
    .toSorted((one, other) => Buffer.compare(one.key, other.key))
    .map(({ value }) => value);
}

/** Reads like "cache" or "a/b". @throws `models.ignore-path-invalid` */
function checkIgnorePath(path: string): string {
  if (!isCanonicalName(path)) throw signError("models.ignore-path-invalid", { detail: JSON.stringify(path) });
  return path;
}

function refuse(code: Refusal, name: string): never {
  throw signError(code, { detail: name });
}

async function rootStats(path: string, root: string): Promise<BigIntStats> {
  let stats: BigIntStats;
  try {
    stats = await lstat(root, { bigint: true });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") throw signError("models.model-missing", { detail: path, cause });
    throw signError("models.file-unreadable", { detail: path, cause });
  }
  if (stats.isSymbolicLink()) {
    throw signError("models.symlink", { detail: path, hint: "name what the link points to" });
  }
  if (!stats.isDirectory() && !stats.isFile()) throw signError("models.special-file", { detail: path });
  return stats;
}

/** What is in a folder, by name. */
async function namesIn(
  root: string,
  folder: string,
  refused: (code: Refusal, name: string) => void,
): Promise<{ own: string; place: string }[]> {
  const place = folder === "" ? root : join(root, ...folder.split("/"));
  let names: Buffer[];
  try {
    names = await readdir(place, { encoding: "buffer" });
  } catch (cause) {
    throw signError("models.file-unreadable", { detail: folder === "" ? root : folder, cause });
  }
  return names.flatMap((bytes) => {
    const own = decode(bytes);
    if (own !== undefined) return [{ own, place: `${place}${sep}${own}` }];
    const printable = bytes.toString("latin1").replaceAll(/[^!-~]/g, "?");
    refused("models.name-not-utf8", folder === "" ? printable : `${folder}/${printable}`);
    return [];
  });
}

function decode(bytes: Buffer): string | undefined {
  try {
    return decodeUtf8(bytes);
  } catch {
    return undefined;
  }
}

function statsOf(name: string, place: string): BigIntStats {
  try {
    return lstatSync(place, { bigint: true });
  } catch (cause) {
    throw signError("models.file-unreadable", { detail: name, cause });
  }
}

function fileOf(name: string, path: string, stats: BigIntStats): ModelFile {
  const { dev: device, ino: inode, size, mtimeNs: modifiedNs } = stats;
  return { name, path, size: Number(size), identity: { device, inode, size, modifiedNs } };
}
