/**
 * The manifest of a model: a digest for each of its files, or for each stretch of them, and one root digest over all.
 * It is what OpenSSF Model Signing signs, and the root is the one name under which a model is scanned, signed, approved
 * and served.
 *
 *     files -> names in byte order -> digests, on all cores -> root = SHA-256(digest || digest || …)
 *
 * Source: OMS v1.0 sections 5.2, 6.3, 6.4 and 6.5. Where implementations differ: names are in the order of their UTF-8
 * bytes, as the specification says; a model of a single file has that file's name, not `.`; the algorithm of a shard is
 * written with its size (`sha256-sharded-1000000000`), as the Python and Go tools write it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { HASH_TYPES, type HashType } from "./digest.ts";
import { signError } from "./errors.ts";
import { hashStretches, type HashingOptions, type Stretch } from "./pool.ts";
import { DEFAULT_IGNORES, MAX_RESOURCES, sortByBytes, walkModel, type ModelFile, type ModelFiles } from "./walk.ts";

/** One line of a manifest. */
export interface Resource {
  /** The file's name, or `<name>:<start>:<end>` of a shard, the end exclusive. */
  readonly name: string;
  /** `sha256`; of shards `sha256-sharded-<size>`. */
  readonly algorithm: string;
  /** Lower-case hexadecimal. */
  readonly digest: string;
  /** Bytes of the file or shard. Not part of the signed manifest. */
  readonly size: number;
}

/** How files become resources: what a verifier has to know to do the same (OMS section 5.2.2). */
export type Serialization = {
  readonly hashType: HashType;
  /** What the manifest leaves out, relative to the root, with the defaults. */
  readonly ignorePaths: readonly string[];
} & ({ readonly method: "files" } | { readonly method: "shards"; readonly shardSize: number });

export interface Manifest {
  /** The last component of the model's path. */
  readonly name: string;
  /** SHA-256 over the raw digests in the order of `resources`, in lower-case hexadecimal. */
  readonly root: string;
  /** In the order of their names' UTF-8 bytes. Never empty. */
  readonly resources: readonly Resource[];
  readonly serialization: Serialization;
  /** Whether the model is a single file. */
  readonly single: boolean;
  /** Bytes of all files. */
  readonly size: number;
  /** What was there and is not part of the model, relative to the root. A folder stands for all in it. */
  readonly ignored: readonly string[];
}

export interface ManifestOptions extends HashingOptions {
  /** Default: `files`. Shards are hashed in parallel also within one file, but change the root. */
  readonly method?: "files" | "shards";
  /** Default: `sha256`. */
  readonly hashType?: HashType;
  /** Bytes of a shard. Default: {@link DEFAULT_SHARD_SIZE}. */
  readonly shardSize?: number;
  /**
   * Paths relative to the root that are left out, exact, with all that is below them. `.git`, `.gitattributes`,
   * `.github` and `.gitignore` of the root are always left out.
   */
  readonly ignorePaths?: readonly string[];
}

/** OMS section 6.3.2. */
export const DEFAULT_SHARD_SIZE = 1_000_000_000;

/**
 * Hashes the model at `path`, a folder or a file.
 *
 * @throws `models.model-missing`, `models.model-empty`, `models.symlink`, `models.special-file`,
 *   `models.name-not-utf8`, `models.too-many-files`, `models.file-unreadable`, `models.file-changed`,
 *   `models.ignore-path-invalid`, `models.shard-size-invalid`, `models.hash-unsupported`, `models.hashing-failed`
 *
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from "node:fs/promises";
 * import { hashModel } from "holdfast/models";
 *
 * const folder = await mkdtemp("/tmp/model-");
 * await writeFile(`${folder}/weights.bin`, "weights");
 * const { root, resources } = await hashModel(folder);
 * console.log(root, resources[0]?.name); // weights.bin
 * ```
 */
export async function hashModel(path: string, options: ManifestOptions = {}): Promise<Manifest> {
  const serialization = serializationOf(options);
  const model = await walkModel(path, { ignorePaths: serialization.ignorePaths });
  const { resources, size } = await hashFiles(model.files, serialization, options);
  if (resources.length === 0) throw signError("models.model-empty", { detail: path });
  return {
    name: model.name,
    root: rootOf(resources),
    resources,
    serialization,
    single: model.single,
    size,
    ignored: model.ignored,
  };
}

/** Hashes files that were listed before, in the way of `serialization`. */
export async function hashFiles(
  files: ModelFiles["files"],
  serialization: Serialization,
  options: HashingOptions,
): Promise<{ readonly resources: Resource[]; readonly size: number }> {
  const stretches = sortByBytes(stretchesOf(files, serialization), ({ name }) => name);
  const digests = await hashStretches(stretches, serialization.hashType, options);
  const algorithm = algorithmOf(serialization);
  return {
    resources: stretches.map(({ name, from, to }, index) => {
      return { name, algorithm, digest: digests[index] as string, size: to - from };
    }),
    size: files.reduce((sum, file) => sum + file.size, 0),
  };
}

/** The root digest of resources in the order in which they are given (OMS section 6.5.1). */
export function rootOf(resources: readonly { readonly digest: string }[]): string {
  const hash = createHash("sha256");
  for (const { digest } of resources) hash.update(digest, "hex");
  return hash.digest("hex");
}

/** How a resource's algorithm is written. */
export function algorithmOf(serialization: Serialization): string {
  const { hashType, method } = serialization;
  return method === "files" ? hashType : `${hashType}-sharded-${serialization.shardSize}`;
}

function serializationOf(options: ManifestOptions): Serialization {
  const { method = "files", hashType = "sha256", shardSize = DEFAULT_SHARD_SIZE } = options;
  if (!HASH_TYPES.includes(hashType)) throw signError("models.hash-unsupported", { detail: hashType });
  const ignorePaths = [...new Set([...DEFAULT_IGNORES, ...(options.ignorePaths ?? [])])];
  const glob = ignorePaths.find((ignored) => /[*?[]/.test(ignored));
  if (glob !== undefined) throw signError("models.ignore-path-invalid", { detail: JSON.stringify(glob) });
  if (method === "files") return { method, hashType, ignorePaths };
  if (!Number.isSafeInteger(shardSize) || shardSize < 1) {
    throw signError("models.shard-size-invalid", { detail: String(shardSize) });
  }
  return { method, hashType, ignorePaths, shardSize };
}

/** What is hashed: whole files, or shards of them. A file without bytes has no shard (OMS section 6.3.2). */
function stretchesOf(files: readonly ModelFile[], serialization: Serialization): Stretch[] {
  if (serialization.method === "files") {
    return files.map(({ name, path, identity, size }) => ({ name, path, identity, from: 0, to: size }));
  }
  const { shardSize } = serialization;
  const count = files.reduce((sum, { size }) => sum + Math.ceil(size / shardSize), 0);
  if (count > MAX_RESOURCES) throw signError("models.too-many-files", { detail: `more than ${MAX_RESOURCES} shards` });
  return files.flatMap(({ name, path, identity, size }) =>
    Array.from({ length: Math.ceil(size / shardSize) }, (_, index) => {
      const from = index * shardSize;
      const to = Math.min(from + shardSize, size);
      return { name: `${name}:${from}:${to}`, path, identity, from, to };
    }),
  );
}
