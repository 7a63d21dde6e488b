/**
 * A model from the Hugging Face hub, as its client leaves it on disk:
 *
 *     cache         models--org--name/snapshots/<commit>/…, links to ../blobs/<etag>
 *     local folder  the files, and .cache/huggingface/download/<file>.metadata (commit, etag, time)
 *
 * It is pinned by its commit: names of models are given to others when an owner leaves, commits are not. Each etag is a
 * digest: 64 digits are the SHA-256 of a file in LFS, 40 the SHA-1 of a blob in git. The client itself checks neither again
 * once a file is there; here the bytes must be what the name says.
 *
 * Source: huggingface_hub, `docs/source/en/guides/manage-cache.md` and `src/huggingface_hub/_local_folder.py`.
 *
 * @module
 */

import { lstat, readdir, readFile, realpath } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";

import { decodeUtf8 } from "../../../core/index.ts";
import { DEFAULT_IGNORES, walkModel } from "../../sign/walk.ts";
import { printable } from "../digest.ts";
import { registryError } from "../errors.ts";
import { DOWNLOADERS, refusePointer } from "./files.ts";
import { SIGNATURE_FILE, type Promised, type Source, type SourceFile } from "./source.ts";

const COMMIT = /^[0-9a-f]{40}$/;
const CACHE_FOLDER = /^models--[A-Za-z0-9][\w.-]*$/;
/** Names in a snapshot at most. */
const MOST_FILES = 100_000;
/** Bytes of a `.metadata` file or of a ref at most. */
const MOST_META_BYTES = 4_096;

/** Whether a folder is one that the hub's client made. */
export async function isHuggingFace(path: string): Promise<boolean> {
  const at = resolve(path);
  if (isHubCache(at)) return true;
  return await isFolder(join(at, ".cache", "huggingface", "download"));
}

/** Whether a path is a folder of the hub's cache, `models--…`, or a snapshot in one. */
export function isHubCache(path: string): boolean {
  return cacheOf(resolve(path)) !== undefined;
}

/**
 * @param revision a commit, or a ref of the cache (`main`). Default for a whole cache folder: `main`
 * @throws `models.import-invalid` for another layout, several commits, links out of the cache, and what is not pinned
 */
export async function readHuggingFace(path: string, revision?: string): Promise<Source> {
  const at = resolve(path);
  const cache = cacheOf(at);
  const source = cache === undefined ? await readLocal(at, revision) : await readCache(cache, at, revision);
  for (const file of source.files) await refusePointer(file);
  return source;
}

/** The folder `models--…` that `path` is, or is a snapshot of. */
function cacheOf(path: string): string | undefined {
  if (CACHE_FOLDER.test(basename(path))) return path;
  const folder = dirname(dirname(path));
  const isSnapshot = basename(dirname(path)) === "snapshots" && CACHE_FOLDER.test(basename(folder));
  return isSnapshot ? folder : undefined;
}

async function readCache(cache: string, path: string, revision = "main"): Promise<Source> {
  const named = path === cache ? await commitOf(cache, revision) : basename(path);
  if (!COMMIT.test(named)) throw invalid(`${printable(named)} is not a commit`);
  if (path !== cache && revision !== "main" && revision !== named) {
    throw invalid(`the snapshot is of ${named}, not of ${printable(revision)}`);
  }
  const root = join(cache, "snapshots", named);
  const blobs = await realpath(join(cache, "blobs")).catch(() => undefined);
  if (!(await isFolder(root))) throw invalid(`there is no snapshot of ${named}`);
  const files: SourceFile[] = [];
  for (const name of await namesUnder(root)) files.push(await snapshotFile(root, name, blobs));
  const repository = basename(cache).slice("models--".length).replaceAll("--", "/");
  return { files, origin: { kind: "huggingface", repository, commit: named } };
}

/** A file of a snapshot: a link to a blob, whose name is its digest. */
async function snapshotFile(root: string, name: string, blobs: string | undefined): Promise<SourceFile> {
  const own = join(root, name);
  const found = await lstat(own);
  if (found.isFile()) {
    if (name === SIGNATURE_FILE) return { path: name, place: own, size: found.size };
    // Where the system has no links the client puts the file itself, and nothing promises its digest.
    throw registryError("models.import-invalid", {
      detail: `${printable(name)} is no link to a blob: nothing says which digest it must have`,
      hint: "download it to a folder (hf download --local-dir), or import it as plain files: --from files",
    });
  }
  const place = await realpath(own).catch(() => "");
  // Whatever a link says, the bytes come out of the cache's own blobs, under their digest.
  if (blobs === undefined || dirname(place) !== blobs)
    throw invalid(`${printable(name)} leads out of the cache's blobs`);
  const promised = promisedBy(basename(place));
  if (promised === undefined) throw invalid(`${printable(name)}: its blob is not named by a digest`);
  return { path: name, place, size: (await lstat(place)).size, promised };
}

async function readLocal(root: string, revision: string | undefined): Promise<Source> {
  const meta = join(root, ".cache", "huggingface", "download");
  if (!(await isFolder(meta)))
    throw invalid("it is neither a cache of the hub's client nor a folder that it downloaded to");
  const { files } = await walkModel(root, { ignorePaths: DOWNLOADERS });
  const commits = new Set<string>();
  const found: SourceFile[] = [];
  for (const { name, path: place, size } of files) {
    if (name === SIGNATURE_FILE) {
      found.push({ path: name, place, size });
      continue;
    }
    const [commit = "", etag = ""] = (await readMeta(join(meta, `${name}.metadata`), name)).split("\n");
    const promised = promisedBy(etag.trim());
    if (!COMMIT.test(commit.trim()) || promised === undefined)
      throw invalid(`${printable(name)} has no commit and digest`);
    commits.add(commit.trim());
    found.push({ path: name, place, size, promised });
  }
  const [commit] = commits;
  if (commit === undefined || commits.size > 1) throw invalid(`its files are of ${commits.size} commits`);
  if (revision !== undefined && revision !== commit)
    throw invalid(`it is of commit ${commit}, not ${printable(revision)}`);
  return { files: found, origin: { kind: "huggingface", commit } };
}

async function commitOf(cache: string, revision: string): Promise<string> {
  if (COMMIT.test(revision)) return revision;
  if (!/^[\w.-]+(?:\/[\w.-]+)*$/.test(revision) || revision.split("/").includes("..")) {
    throw invalid(`${printable(revision)} is not a revision`);
  }
  return (await readMeta(join(cache, "refs", revision), `refs/${revision}`)).trim();
}

async function readMeta(file: string, name: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    if (bytes.length <= MOST_META_BYTES) return decodeUtf8(bytes);
  } catch {
    // Said below.
  }
  throw invalid(`nothing is recorded of ${printable(name)}: it is not pinned to a commit`);
}

function promisedBy(etag: string): Promised | undefined {
  if (/^[0-9a-f]{64}$/.test(etag)) return { algorithm: "sha256", digest: etag };
  return /^[0-9a-f]{40}$/.test(etag) ? { algorithm: "git-sha1", digest: etag } : undefined;
}

async function namesUnder(root: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const name = relative(root, join(entry.parentPath, entry.name)).split(sep).join("/");
    // Every repository of the hub has a .gitattributes, which signing leaves out, and so no root digest covers.
    if (DEFAULT_IGNORES.some((ignored) => name === ignored || name.startsWith(`${ignored}/`))) continue;
    names.push(name);
    if (names.length > MOST_FILES) throw registryError("models.limit-exceeded", { detail: `${MOST_FILES} files` });
  }
  return names.toSorted();
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true;
}

function invalid(detail: string): Error {
  return registryError("models.import-invalid", { detail });
}
