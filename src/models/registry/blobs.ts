/**
 * The local store of blobs: files named by the SHA-256 of their bytes, as in an OCI image layout.
 *
 *     <folder>/blobs/sha256/<digest>   mode 0444, never written again
 *     <folder>/incoming/               on their way: temporary file, hash, fsync, rename, fsync of the folder
 *
 * What is put in is hashed as it is copied: the bytes that were hashed are the bytes that are kept. Where the file system
 * can share them (reflinks), the copy costs no space. Whatever is in the way of a blob's name is replaced, since only these
 * bytes can be right. What is taken out is hashed again, and is not handed over before it was found to be whole.
 *
 * @module
 */

import { createHash, randomUUID } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  type FileHandle,
} from "node:fs/promises";
import { dirname, join } from "node:path";

import { isHoldfastError } from "../../core/index.ts";
import { isSha256, printable, type Sha256, type VersionFile } from "./digest.ts";
import { registryError } from "./errors.ts";
import { checkPaths } from "./reference.ts";

export interface StoredBlob {
  readonly digest: Sha256;
  readonly size: number;
}

interface PutOptions {
  /** What the bytes must be. */
  readonly expected?: { readonly digest?: Sha256; readonly size?: number };
  /** Bytes at most. */
  readonly limit?: number;
  /** Told of bytes as they are taken in. */
  readonly onBytes?: (bytes: Uint8Array) => void;
  /** Called when all are in, before they are kept. What it throws keeps them out. */
  readonly onEnd?: () => void;
  /** What the bytes are called, for errors. */
  readonly name?: string;
}

export interface BlobStore {
  /** Takes bytes in. @throws `models.blob-tampered`, `models.limit-exceeded`; then nothing of them is kept */
  put(bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options?: PutOptions): Promise<StoredBlob>;
  /** Takes a file in, which must not be a link. @throws as {@link BlobStore.put}, `models.import-invalid` */
  putFile(path: string, options?: PutOptions): Promise<StoredBlob>;
  has(digest: Sha256, size?: number): Promise<boolean>;
  /** The bytes of a small blob, checked. @throws `models.blob-missing`, `models.blob-tampered`, `models.limit-exceeded` */
  read(digest: Sha256, limit: number): Promise<Uint8Array>;
  /** Reads a blob through: whether it is there, and is what it was. */
  isWhole(blob: StoredBlob): Promise<boolean>;
  /** Where a blob lies. Its bytes are as they were when it was put in only if nobody wrote to it since. */
  path(digest: Sha256): string;
  /** Writes files out under their names, checked. `folder` is made, and is whole or not there. */
  checkout(files: readonly VersionFile[], folder: string): Promise<void>;
  /** The same without copying, for a reader that changes nothing; removed when `use` has ended. */
  linked<T>(files: readonly VersionFile[], use: (folder: string) => Promise<T>): Promise<T>;
  /** Removes what crashes left on its way, older than a day. */
  sweep(now: number): Promise<void>;
}

const CHUNK_BYTES = 1 << 20;
const DAY_MS = 86_400_000;

/** Opens the store in `folder`, which is made where it is missing. @throws `models.store-unusable` */
export async function openBlobs(folder: string): Promise<BlobStore> {
  const blobs = join(folder, "blobs", "sha256");
  const incoming = join(folder, "incoming");
  for (const path of [folder, join(folder, "blobs"), blobs, incoming]) await ownFolder(path);
  let canShare = process.platform !== "win32";

  const path = (digest: Sha256): string => {
    if (!isSha256(digest)) throw registryError("models.digest-invalid");
    return join(blobs, digest);
  };
  const staged = async <T>(use: (file: string) => Promise<T>): Promise<T> => {
    const file = join(incoming, randomUUID());
    try {
      return await use(file);
    } catch (error) {
      if (isHoldfastError(error)) throw error;
      throw unusable(error);
    } finally {
      await rm(file, { recursive: true, force: true });
    }
  };
  const keep = async (file: string, blob: StoredBlob): Promise<StoredBlob> => {
    await chmod(file, 0o444);
    await rename(file, path(blob.digest));
    await syncFolder(blobs);
    return blob;
  };

  return {
    path,
    put: (bytes, options = {}) =>
      staged(async (file) => {
        const handle = await open(file, "wx", 0o600);
        try {
          const blob = await copyIn(bytes, handle, options);
          await handle.sync();
          return await keep(file, blob);
        } finally {
          await handle.close();
        }
      }),
    putFile: (source, options = {}) =>
      staged(async (file) => {
        const handle = await openPlain(source);
        try {
          if (canShare && (await shared(source, file))) {
            const copy = await open(file, "r+");
            try {
              const blob = await copyIn(chunks(copy), undefined, options);
              await copy.sync();
              return await keep(file, blob);
            } finally {
              await copy.close();
            }
          }
          canShare = false;
          const target = await open(file, "wx", 0o600);
          try {
            const blob = await copyIn(chunks(handle), target, options);
            await target.sync();
            return await keep(file, blob);
          } finally {
            await target.close();
          }
        } finally {
          await handle.close();
        }
      }),
    async has(digest, size) {
      const found = await stat(path(digest)).catch(() => undefined);
      return found?.isFile() === true && (size === undefined || found.size === size);
    },
    async read(digest, limit) {
      const parts: Uint8Array[] = [];
      await readBlob(path(digest), { digest, limit }, (chunk) => {
        parts.push(Uint8Array.from(chunk));
      });
      return new Uint8Array(Buffer.concat(parts));
    },
    async isWhole({ digest, size }) {
      try {
        await readBlob(path(digest), { digest, size, limit: size }, () => undefined);
        return true;
      } catch (error) {
        if (isHoldfastError(error, "models.blob-missing") || isHoldfastError(error, "models.blob-tampered"))
          return false;
        throw error;
      }
    },
    async checkout(files, target) {
      checkPaths(files);
      await staged(async (tree) => {
        const made = new Set([tree]);
        await mkdir(tree, { mode: 0o755 });
        for (const { path: name, digest, size } of files) {
          const file = join(tree, name);
          await makeFolders(tree, name, made);
          const handle = await open(file, "wx", 0o444);
          try {
            await readBlob(path(digest), { digest, size, limit: size }, (chunk) => writeAll(handle, chunk));
            await handle.sync();
          } finally {
            await handle.close();
          }
        }
        for (const one of made) await syncFolder(one);
        await moveTree(tree, target);
      });
    },
    linked: (files, use) => {
      checkPaths(files);
      return staged(async (tree) => {
        const made = new Set([tree]);
        await mkdir(tree, { mode: 0o700 });
        const lent = new Set<Sha256>();
        for (const { path: name, digest } of files) {
          await makeFolders(tree, name, made);
          // Two names of the same bytes are two files: a reader that meets one file twice would pass over the second.
          const lend = lent.has(digest) ? copyFile : link;
          lent.add(digest);
          await lend(path(digest), join(tree, name)).catch((cause: NodeJS.ErrnoException) => {
            throw cause.code === "ENOENT" ? registryError("models.blob-missing", { detail: name }) : cause;
          });
        }
        return await use(tree);
      });
    },
    async sweep(now) {
      for (const name of await readdir(incoming)) {
        const file = join(incoming, name);
        const found = await lstat(file).catch(() => undefined);
        if (found !== undefined && now - found.mtimeMs > DAY_MS) await rm(file, { recursive: true, force: true });
      }
    },
  };
}

/** Hashes and, with a `target`, writes. */
async function copyIn(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  target: FileHandle | undefined,
  { expected = {}, limit = Infinity, onBytes, onEnd, name }: PutOptions,
): Promise<StoredBlob> {
  const hash = createHash("sha256");
  let size = 0;
  const said = name === undefined ? "" : `${printable(name)}: `;
  const most = Math.min(limit, expected.size ?? Infinity);
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > most) {
      // More than it said: whatever it is, it is not that.
      if (expected.size !== undefined && size > expected.size)
        throw tampered(`${said}more than ${expected.size} bytes`);
      throw registryError("models.limit-exceeded", { detail: `${said}more than ${limit} bytes` });
    }
    hash.update(chunk);
    onBytes?.(chunk);
    if (target !== undefined) await writeAll(target, chunk);
  }
  const digest = hash.digest("hex");
  if (expected.size !== undefined && size !== expected.size)
    throw tampered(`${said}${size} bytes, not ${expected.size}`);
  if (expected.digest !== undefined && digest !== expected.digest) {
    throw tampered(`${said}sha256:${digest}, not sha256:${expected.digest}`);
  }
  onEnd?.();
  return { digest, size };
}

/** Reads a blob to its end, and only then says whether it was whole: what `use` got counts for nothing before. */
async function readBlob(
  path: string,
  { digest, size, limit }: { readonly digest: Sha256; readonly size?: number; readonly limit: number },
  use: (chunk: Uint8Array) => void | Promise<void>,
): Promise<void> {
  const hash = createHash("sha256");
  let read = 0;
  let handle: FileHandle;
  try {
    handle = await openPlain(path);
  } catch (cause) {
    throw registryError("models.blob-missing", { detail: `sha256:${digest}`, cause });
  }
  try {
    for await (const chunk of chunks(handle)) {
      read += chunk.length;
      if (read > limit) {
        if (size !== undefined) throw tampered(`sha256:${digest} is longer than ${size} bytes`);
        throw registryError("models.limit-exceeded", { detail: `more than ${limit} bytes` });
      }
      hash.update(chunk);
      await use(chunk);
    }
  } finally {
    await handle.close();
  }
  if (hash.digest("hex") !== digest) throw tampered(`sha256:${digest}`);
}

async function* chunks(handle: FileHandle): AsyncGenerator<Uint8Array> {
  const stream = createReadStream("", { fd: handle, autoClose: false, start: 0, highWaterMark: CHUNK_BYTES });
  for await (const chunk of stream) yield chunk as Uint8Array;
}

/** Opens a file for reading that is neither a link nor anything but a file. */
async function openPlain(path: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    throw registryError("models.import-invalid", { detail: `${path}: ${code === "ELOOP" ? "a link" : code}`, cause });
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw registryError("models.import-invalid", { detail: `${path}: not a file` });
}

/** A copy that shares its bytes with the original until one of them is written to. False where that cannot be had. */
async function shared(source: string, target: string): Promise<boolean> {
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    await chmod(target, 0o600);
    return true;
  } catch {
    await rm(target, { force: true });
    return false;
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten;
}

async function makeFolders(root: string, name: string, made: Set<string>): Promise<void> {
  const parts = name.split("/").slice(0, -1);
  let folder = root;
  for (const part of parts) {
    folder = join(folder, part);
    if (made.has(folder)) continue;
    await mkdir(folder, { mode: 0o755 });
    made.add(folder);
  }
}

/** Renames, or copies where `target` is on another disk. It must not be there. */
async function moveTree(tree: string, target: string): Promise<void> {
  if ((await lstat(target).catch(() => undefined)) !== undefined) {
    throw registryError("models.store-unusable", { detail: `${target} is there already` });
  }
  await mkdir(dirname(target), { recursive: true });
  try {
    await rename(tree, target);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EXDEV") throw cause;
    throw registryError("models.store-unusable", {
      detail: `${target} is on another disk than the data folder`,
      cause,
    });
  }
  await syncFolder(dirname(target));
}

async function ownFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (!(await lstat(path)).isDirectory()) throw new Error("not a folder");
    await syncFolder(dirname(path));
  } catch (cause) {
    throw unusable(cause, path);
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows has no such call; NTFS journals its folders.
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function tampered(detail: string): Error {
  return registryError("models.blob-tampered", { detail });
}

function unusable(cause: unknown, path?: string): Error {
  const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
  return registryError("models.store-unusable", { detail: path === undefined ? code : `${path} (${code})`, cause });
}
