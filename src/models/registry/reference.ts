/**
 * How models, releases and files are named. One spelling for each: ASCII, lower case, so that no name can pass for
 * another by case, by look-alike letters or by normalisation.
 *
 *     support-bot                    a model
 *     acme/support-bot@prod          the release that an alias points to
 *     support-bot@sha256:3f9a…       a release by its digest, 12 digits or more
 *
 * @module
 */

import { registryError } from "./errors.ts";
import { printable, type VersionFile } from "./digest.ts";

/** What a reference says. With neither `alias` nor `digits` it is the model itself. */
export interface Reference {
  readonly model: string;
  readonly alias?: string;
  /** The first hexadecimal digits of a release's digest: 12 to 64. */
  readonly digits?: string;
}

const NAME = /^[a-z0-9](?:[a-z0-9]|[._-](?=[a-z0-9])){0,62}(?:\/[a-z0-9](?:[a-z0-9]|[._-](?=[a-z0-9])){0,62}){0,2}$/;
const ALIAS = /^[a-z][a-z0-9-]{0,30}$/;
const DIGITS = /^sha256:([0-9a-f]{12,64})$/;

/** A model's name: up to three parts of letters, digits and single `.`, `_`, `-` inside. @throws `models.reference-invalid` */
export function checkName(name: string): string {
  if (!NAME.test(name)) throw registryError("models.reference-invalid", { detail: printable(name) });
  return name;
}

/** @throws `models.reference-invalid` */
export function checkAlias(alias: string): string {
  if (!ALIAS.test(alias)) throw registryError("models.reference-invalid", { detail: `alias ${printable(alias)}` });
  return alias;
}

/** Reads a reference. @throws `models.reference-invalid` */
export function parseReference(text: string): Reference {
  const at = text.indexOf("@");
  if (at === -1) return { model: checkName(text) };
  const model = checkName(text.slice(0, at));
  const rest = text.slice(at + 1);
  const digits = DIGITS.exec(rest)?.[1];
  return digits === undefined ? { model, alias: checkAlias(rest) } : { model, digits };
}

/** True for a reference that names one release. */
export function isReleaseReference(text: string): boolean {
  try {
    return parseReference(text).model !== text;
  } catch {
    return false;
  }
}

/** Bytes of a file's name at most, and parts. */
const MOST_PATH_BYTES = 1_024;
const MOST_PARTS = 32;

/**
 * Checks the names of a version's files, wherever they come from: what is written under them must stay inside the folder
 * on every system, and no two may fall together where case or Unicode form does not count.
 *
 * @throws `models.path-unsafe`
 */
export function checkPaths(files: readonly Pick<VersionFile, "path">[]): void {
  const folded = new Set<string>();
  const folders = new Set<string>();
  for (const { path } of files) {
    const why = unsafe(path);
    if (why !== undefined) throw registryError("models.path-unsafe", { detail: `${printable(path)}: ${why}` });
    const key = fold(path);
    if (folded.has(key)) throw registryError("models.path-unsafe", { detail: `${printable(path)} is there twice` });
    folded.add(key);
    for (let at = key.indexOf("/"); at !== -1; at = key.indexOf("/", at + 1)) folders.add(key.slice(0, at));
  }
  for (const { path } of files) {
    if (!folders.has(fold(path))) continue;
    throw registryError("models.path-unsafe", { detail: `${printable(path)} is a file and a folder` });
  }
}

function fold(path: string): string {
  return path.normalize("NFKC").toLowerCase();
}

function unsafe(path: string): string | undefined {
  if (!path.isWellFormed()) return "not well-formed text";
  // Besides `/`, what Windows takes for a separator, a drive or a stream; and what a terminal would act on.
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\\:]/.test(path)) return "a control character, \\ or :";
  if (Buffer.byteLength(path) > MOST_PATH_BYTES) return `longer than ${MOST_PATH_BYTES} bytes`;
  const parts = path.split("/");
  if (parts.length > MOST_PARTS) return `more than ${MOST_PARTS} parts`;
  if (parts.some((part) => part === "" || part === "." || part === "..")) return "an empty, . or .. part";
  // Windows drops both, so that the name would become another's.
  if (parts.some((part) => /[. ]$/.test(part))) return "a part that ends with a dot or a space";
  return undefined;
}
