/**
 * The manifest of a sealed set: every sealed file with its size and the digest of its ciphertext, so that whoever holds a
 * copy can check it without any key; and a code that only who has the set's key can make, so that whoever opens the set
 * knows that no file was exchanged, renamed, added or left out.
 *
 *     {"version":1,"id":"…","createdAt":"…","files":[{"path":"weights/a.bin","size":…,"sha256":"…","head":"…"}],"mac":"…"}
 *
 * `path` is the name of the content; its sealed file has `.age` behind it. `sha256` is of the whole sealed file; `head`
 * of its header and nonce alone, which say, to who has the key, which content it is: opening the set needs no second
 * pass over the bytes.
 *
 * @module
 */

import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { canonicalJson, isHoldfastError, parseJson, type Secret } from "../../../core/index.ts";
import { sealError } from "../errors.ts";

/** One sealed file. */
export interface ManifestFile {
  /** Of the content, from the top of the set, `/` between names. */
  readonly path: string;
  /** Bytes of the sealed file. */
  readonly size: number;
  /** Of the sealed file, in hex. */
  readonly sha256: string;
  /** SHA-256 of the sealed file's header and nonce, in hex. */
  readonly head: string;
}

export interface SetManifest {
  readonly version: 1;
  /** UUID of the set. */
  readonly id: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Sorted by path. */
  readonly files: readonly ManifestFile[];
  /** HMAC-SHA-256 over the canonical JSON of all other members, in hex. */
  readonly mac: string;
}

export const MANIFEST_FILE = "manifest.json";
/** The set's key, sealed to whom the set is sealed to. */
export const KEY_FILE = "key.age";
/** Where the key was destroyed: when, and what remains. */
export const SHREDDED_FILE = "shredded.json";
/** The sealed files are in here. */
export const FILES_FOLDER = "files";

/** Files of a set. */
export const MAX_FILES = 100_000;
const MAX_PATH = 1024;
const LIMITS = { maxBytes: 64 * 1024 * 1024, maxDepth: 4 };
const LABEL = "holdfast.dev/seal/manifest/v1";

/** Makes the manifest and its code. */
export function createManifest(
  { id, createdAt, files }: Pick<SetManifest, "id" | "createdAt" | "files">,
  dataKey: Secret,
): SetManifest {
  const unproven = { version: 1, id, createdAt, files } as const;
  return { ...unproven, mac: macOf(unproven, dataKey).toString("hex") };
}

/** The bytes of `manifest.json`. */
export function encodeManifest(manifest: SetManifest): Uint8Array {
  return Buffer.from(`${canonicalJson(manifest)}\n`);
}

/** Reads a manifest that anybody may have written. @throws `seal.manifest-invalid` with the reason */
export function decodeManifest(bytes: Uint8Array): SetManifest {
  const { version, id, createdAt, files, mac, ...more } = readObject(bytes);
  if (version !== 1) throw invalid("a version other than 1");
  if (Object.keys(more).length > 0) throw invalid("a member that is not of this version");
  if (!isText(id, /^[0-9a-f-]{36}$/) || !isText(createdAt, /^[0-9TZ:.-]{20,30}$/) || !isText(mac, HEX)) {
    throw invalid("its id, time or code");
  }
  if (!Array.isArray(files) || files.length === 0 || files.length > MAX_FILES) {
    throw invalid(`from 1 to ${MAX_FILES} files were expected`);
  }
  const read = files.map((file: unknown, index) => readFileEntry(file, index));
  for (const [index, { path }] of read.entries()) {
    const before = read[index - 1]?.path;
    if (before !== undefined && !(before < path)) throw invalid(`file ${index} is out of order, or there twice`);
  }
  return { version, id, createdAt, files: read, mac };
}

/** @throws `seal.manifest-unproven` where the manifest is not the one that was made with this key */
export function proveManifest({ mac, ...unproven }: SetManifest, dataKey: Secret): void {
  if (!timingSafeEqual(macOf(unproven, dataKey), Buffer.from(mac, "hex"))) throw sealError("seal.manifest-unproven");
}

/**
 * Whether a path stays within its folder on every system: names without `.` and `..`, separators or control characters,
 * none empty. Whoever knows a recipient can make a set for it, with any paths.
 */
export function isSafePath(path: string): boolean {
  if (path.length > MAX_PATH || !path.isWellFormed()) return false;
  return path.split("/").every((name) => name !== "" && name !== "." && name !== ".." && !UNSAFE.test(name));
}

/** Windows reads a colon as a drive, or as a stream of another file. */
const UNSAFE = process.platform === "win32" ? /[\\:\p{Cc}]/u : /[\\\p{Cc}]/u;
const HEX = /^[0-9a-f]{64}$/;

function readObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJson(bytes, LIMITS);
  } catch (error) {
    throw invalid(isHoldfastError(error) ? error.message : "it is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("it is not an object");
  return value as Readonly<Record<string, unknown>>;
}

function readFileEntry(value: unknown, index: number): ManifestFile {
  const { path, size, sha256, head, ...more } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof path !== "string" || !isSafePath(path)) throw invalid(`the path of file ${index}`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw invalid(`the size of file ${index}`);
  if (!isText(sha256, HEX) || !isText(head, HEX) || Object.keys(more).length > 0) throw invalid(`file ${index}`);
  return { path, size, sha256, head };
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === "string" && form.test(value);
}

function macOf(unproven: Omit<SetManifest, "mac">, dataKey: Secret): Buffer {
  const key = new Uint8Array(hkdfSync("sha256", dataKey.reveal(), "", LABEL, 32));
  return createHmac("sha256", key).update(canonicalJson(unproven)).digest();
}

function invalid(why: string): Error {
  return sealError("seal.manifest-invalid", { detail: why });
}
