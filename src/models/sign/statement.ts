/**
 * What is signed: an in-toto Statement v1 whose subject is the model's root digest and whose predicate lists the files
 * (OMS v1.0 sections 5, 6.5 and 8.3), and the one that version 0.2.0 of the Python tool made, which only listed files.
 *
 * A statement is read once its signature has been verified, and from the very bytes that were verified: there is no
 * canonical form, and each tool orders the keys in its own way.
 *
 * @module
 */

import { HASH_TYPES, type HashType } from "./digest.ts";
import { signError } from "./errors.ts";
import { malformed, readJson, readList, readObject, readText, type Fields } from "./fields.ts";
import { algorithmOf, rootOf, type Manifest, type Serialization } from "./manifest.ts";
import { MAX_BUNDLE_BYTES } from "./bundle.ts";
import { isCanonicalName, MAX_RESOURCES } from "./walk.ts";

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE = "https://model_signing/signature/v1.0";
export const LEGACY_PREDICATE_TYPE = "https://model_signing/Digests/v0.1";

/** Name of a single file in manifests of the Python tool. */
export const PYTHON_SINGLE_FILE = ".";

export interface SignedFile {
  readonly name: string;
  /** Bytes, where the manifest tells: of shards. */
  readonly size: number | undefined;
  /** One for the whole file, or one for each shard, in their order. Lower-case hexadecimal. */
  readonly digests: readonly string[];
}

export interface SignedManifest {
  /** The subject's name: informational. Undefined in the format of v0.2.0. */
  readonly name: string | undefined;
  /** The subject's digest. In the format of v0.2.0, which has none, computed in the same way. */
  readonly root: string;
  readonly legacy: boolean;
  readonly serialization: Serialization;
  readonly files: ReadonlyMap<string, SignedFile>;
}

/** The bytes of the statement about `manifest`. */
export function writeStatement(manifest: Manifest, options: { readonly pythonSingleFile?: boolean } = {}): Uint8Array {
  const { name, root, serialization, single } = manifest;
  const { method, hashType, ignorePaths } = serialization;
  const rename = (own: string): string =>
    single && options.pythonSingleFile === true ? PYTHON_SINGLE_FILE + own.slice(name.length) : own;
  const statement = {
    _type: STATEMENT_TYPE,
    subject: [{ name, digest: { sha256: root } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      resources: manifest.resources.map(({ name, algorithm, digest }) => ({ name: rename(name), algorithm, digest })),
      serialization: {
        method,
        hash_type: hashType,
        ...(serialization.method === "shards" ? { shard_size: serialization.shardSize } : {}),
        allow_symlinks: false,
        ignore_paths: ignorePaths,
      },
    },
  };
  return Buffer.from(JSON.stringify(statement), "utf8");
}

/**
 * Reads the bytes of a statement whose signature has been verified.
 *
 * 1. It is an in-toto Statement v1.
 * 2. Its predicate is the one of OMS v1.0, or the one of v0.2.0.
 * 3. It has one subject, with a SHA-256.
 * 4. The serialization is one that this version can repeat.
 * 5. Every resource has a canonical name, once, the algorithm of the serialization and a digest of its length; shards
 *    cover their files without a gap.
 * 6. The subject's digest is the root over all digests, in the order in which they are listed.
 *
 * @throws `models.signature-malformed`, `models.signature-unsupported`, `models.root-mismatch`
 */
export function readStatement(payload: Uint8Array): SignedManifest {
  const limits = { maxBytes: MAX_BUNDLE_BYTES, maxDepth: 16 };
  const statement = readObject(readJson(payload, "the statement", limits), "the statement");
  const type = readText(statement["_type"], "_type");
  if (type !== STATEMENT_TYPE) throw unsupported("the statement type", type);
  const predicateType = readText(statement["predicateType"], "predicateType");
  if (predicateType === LEGACY_PREDICATE_TYPE) return readLegacy(statement);
  if (predicateType !== PREDICATE_TYPE) throw unsupported("the predicate type", predicateType);

  const subjects = readList(statement["subject"], "subject");
  if (subjects.length !== 1) throw malformed(`there are ${subjects.length} subjects instead of one`);
  const subject = readObject(subjects[0], "subject[0]");
  const name = readText(subject["name"], "subject[0].name");
  if (name === "") throw malformed("the subject has no name");
  const root = readDigest(readObject(subject["digest"], "subject[0].digest")["sha256"], "sha256", "subject[0].digest");

  const predicate = readObject(statement["predicate"], "predicate");
  const serialization = readSerialization(readObject(predicate["serialization"], "serialization"));
  const resources = readResources(predicate["resources"], serialization);
  if (rootOf(resources) !== root) throw signError("models.root-mismatch", { detail: `the statement says ${root}` });
  return { name, root, legacy: false, serialization, files: filesOf(resources, serialization) };
}

interface SignedResource {
  readonly name: string;
  readonly digest: string;
}

/** Hexadecimal digits of a digest. */
const DIGITS: Readonly<Record<HashType, number>> = { sha256: 64, blake2b: 128, blake3: 64 };

function readLegacy(statement: Fields): SignedManifest {
  const serialization: Serialization = { method: "files", hashType: "sha256", ignorePaths: [] };
  const resources = readMany(statement["subject"], "subject").map(({ fields, where }) => {
    const digest = readObject(fields["digest"], `${where}.digest`)["sha256"];
    return { name: readText(fields["name"], `${where}.name`), digest: readDigest(digest, "sha256", where) };
  });
  const files = filesOf(resources, serialization);
  return { name: undefined, root: rootOf(resources), legacy: true, serialization, files };
}

function readSerialization(fields: Fields): Serialization {
  const method = readText(fields["method"], "method");
  const hashType = readText(fields["hash_type"], "hash_type");
  if (typeof fields["allow_symlinks"] !== "boolean") throw malformed("allow_symlinks is no boolean");
  const ignorePaths = readList(fields["ignore_paths"] ?? [], "ignore_paths").map((entry) => {
    const path = readText(entry, "ignore_paths");
    // A path like "." would excuse every file.
    if (!isCanonicalName(path)) throw malformed(`ignore_paths has ${JSON.stringify(path.slice(0, 100))}`);
    return path;
  });
  if (!isHashType(hashType)) throw unsupported("the hash algorithm", hashType);
  if (method === "files") return { method, hashType, ignorePaths };
  if (method !== "shards") throw unsupported("the serialization method", method);
  const shardSize = fields["shard_size"];
  // The Python tool writes 8.0, which is the number 8 in JSON.
  if (!Number.isSafeInteger(shardSize) || (shardSize as number) < 1) {
    throw malformed("shard_size is no positive whole number");
  }
  return { method, hashType, ignorePaths, shardSize: shardSize as number };
}

function readResources(value: unknown, serialization: Serialization): SignedResource[] {
  const { hashType } = serialization;
  const written = algorithmOf(serialization);
  return readMany(value, "resources").map(({ fields, where }) => {
    const algorithm = readText(fields["algorithm"], `${where}.algorithm`);
    if (algorithm !== hashType && algorithm !== written) throw unsupported(`the algorithm of ${where}:`, algorithm);
    const name = readText(fields["name"], `${where}.name`);
    return { name, digest: readDigest(fields["digest"], hashType, where) };
  });
}

function readMany(value: unknown, where: string): { fields: Fields; where: string }[] {
  const list = readList(value, where);
  if (list.length === 0) throw malformed(`${where} is empty`);
  if (list.length > MAX_RESOURCES) throw malformed(`${where} has more than ${MAX_RESOURCES} entries`);
  return list.map((entry, index) => {
    return { fields: readObject(entry, `${where}[${index}]`), where: `${where}[${index}]` };
  });
}

/** Gathers resources by file. */
function filesOf(resources: readonly SignedResource[], serialization: Serialization): Map<string, SignedFile> {
  if (serialization.method === "files") {
    return toMap(resources.map(({ name, digest }) => ({ name: checkName(name), size: undefined, digests: [digest] })));
  }
  const { shardSize } = serialization;
  const shards = new Map<string, { from: number; to: number; digest: string }[]>();
  for (const { name, digest } of resources) {
    const { file, from, to } = readShardName(name);
    const own = shards.get(file);
    if (own === undefined) shards.set(file, [{ from, to, digest }]);
    else own.push({ from, to, digest });
  }
  return toMap([...shards].map(([name, own]) => fileOfShards(name, own, shardSize)));
}

function fileOfShards(
  name: string,
  shards: readonly { readonly from: number; readonly to: number; readonly digest: string }[],
  shardSize: number,
): SignedFile {
  const inOrder = shards.toSorted((one, other) => one.from - other.from);
  let end = 0;
  for (const [index, { from, to }] of inOrder.entries()) {
    const whole = index < inOrder.length - 1;
    const length = to - from;
    if (from !== end || length < 1 || length > shardSize || (whole && length !== shardSize)) {
      throw malformed(`the shards of ${JSON.stringify(name)} do not cover it`);
    }
    end = to;
  }
  return { name, size: end, digests: inOrder.map(({ digest }) => digest) };
}

/** Splits at the last two colons, since a name may hold some of its own (OMS section 6.3.2). */
function readShardName(name: string): { readonly file: string; readonly from: number; readonly to: number } {
  const second = name.lastIndexOf(":");
  const first = second === -1 ? -1 : name.lastIndexOf(":", second - 1);
  const [from, to] = [name.slice(first + 1, second), name.slice(second + 1)].map(Number) as [number, number];
  const file = name.slice(0, Math.max(first, 0));
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || name !== `${file}:${from}:${to}`) {
    throw malformed(`a shard has the name ${JSON.stringify(name.slice(0, 100))}`);
  }
  return { file: checkName(file), from, to };
}

function toMap(files: readonly SignedFile[]): Map<string, SignedFile> {
  const map = new Map(files.map((file) => [file.name, file]));
  if (map.size !== files.length) throw malformed("a file is listed twice");
  return map;
}

function checkName(name: string): string {
  if (name !== PYTHON_SINGLE_FILE && !isCanonicalName(name)) {
    throw malformed(`a file has the name ${JSON.stringify(name.slice(0, 100))}`);
  }
  return name;
}

function readDigest(value: unknown, hashType: HashType, where: string): string {
  const digest = readText(value, `${where}.digest`);
  if (digest.length !== DIGITS[hashType] || !/^[0-9a-f]+$/.test(digest)) throw malformed(`${where} has no ${hashType}`);
  return digest;
}

function isHashType(text: string): text is HashType {
  return HASH_TYPES.some((one) => one === text);
}

function unsupported(what: string, value: string): Error {
  return signError("models.signature-unsupported", { detail: `${what} ${JSON.stringify(value.slice(0, 100))}` });
}
