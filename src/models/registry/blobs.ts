/**
 * The local store of blobs: files named by the SHA-256 of their content, as in an OCI image layout.
 *
 *     <folder>/blobs/sha256/<digest>       mode 0444, never written again
 *     <folder>/blobs/sha256/<digest>.age   the same, sealed to the store's key
 *     <folder>/incoming/                   on their way: temporary file, hash, fsync, rename, fsync of the folder
 *
 * What is put in is hashed as it is copied: the bytes that were hashed are the bytes that are kept. Where the file system
 * can share them (reflinks), the copy costs no space. Whatever is in the way of a blob's name is replaced, since only these
 * bytes can be right. What is taken out is hashed again, and is not handed over before it was found to be whole.
 *
 * A store that is sealed writes nothing in the clear but what {@link BlobStore.checkout} and {@link BlobStore.linked} are
 * asked for; what lay there before is read as it is.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, link, lstat, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { isHoldfastError } from "../../core/index.ts";
import { makeFolder, putInPlace, syncFolder, writeDurably } from "../../storage/index.ts";
import { FIRST_LINE } from "../seal/age/header.ts";
import { isSha256, type Sha256, type VersionFile } from "./digest.ts";
import { registryError } from "./errors.ts";
import { chunks, openPlain, PLAIN, SEALED_SUFFIX, type Form, type OpenBlob } from "./form.ts";
import { checked, measured, type Expected, type PutOptions, type StoredBlob } from "./measure.ts";
import { checkPaths } from "./reference.ts";

export interface BlobStore {
  /** Takes bytes in. @throws `models.blob-tampered`, `models.limit-exceeded`; then nothing of them is kept */
  put(bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options?: PutOptions): Promise<StoredBlob>;
  /** Takes a file in, which must not be a link. @throws as {@link BlobStore.put}, `models.import-invalid` */
  putFile(path: string, options?: PutOptions): Promise<StoredBlob>;
  /**
   * Takes bytes in for as long as `use` reads them, each time from the beginning, and keeps none of them.
   *
   * @throws as {@link BlobStore.put}, before `use` begins; what `use` throws
   */
  passing<T>(
    bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: PutOptions,
    use: (read: () => AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T>;
  has(digest: Sha256, size?: number): Promise<boolean>;
  /** The bytes of a small blob, checked. @throws `models.blob-missing`, `models.blob-tampered`, `models.limit-exceeded` */
  read(digest: Sha256, limit: number): Promise<Uint8Array>;
  /** A part of a blob, not compared with its digest: for whoever does that at the other end. @throws `models.blob-missing` */
  part(digest: Sha256, from: number, length: number): AsyncIterable<Uint8Array>;
  /** Reads a blob through: whether it is there, and is what it was. */
  isWhole(blob: StoredBlob): Promise<boolean>;
  /** Writes files out under their names, checked, and `texts` beside them. `folder` is made, and is whole or not there. */
  checkout(
    files: readonly VersionFile[],
    folder: string,
    texts?: readonly { readonly path: string; readonly bytes: Uint8Array }[],
  ): Promise<void>;
  /**
   * The same for a reader that changes nothing, without copying where blobs are not sealed; removed when `use` has ended.
   * Whoever reads compares the bytes.
   */
  linked<T>(files: readonly VersionFile[], use: (folder: string) => Promise<T>): Promise<T>;
  /** How many blobs lie there sealed, and how many in the clear. */
  census(): Promise<{ readonly sealed: number; readonly clear: number }>;
  /** Seals what lies there in the clear, each blob once it was found to be whole. @returns how many */
  sealRest(progress: (done: number, total: number) => void): Promise<number>;
  /** Removes what crashes left on its way, older than a day. */
  sweep(now: number): Promise<void>;
}

const DAY_MS = 86_400_000;

/**
 * Opens the store in `folder`, which is made where it is missing.
 *
 * @param sealing the form of sealed blobs, asked for once it is needed; without it blobs are kept as they are
 * @throws `models.store-unusable`
 */
export async function openBlobs(folder: string, sealing?: () => Promise<Form>): Promise<BlobStore> {
  const blobs = join(folder, "blobs", "sha256");
  const incoming = join(folder, "incoming");
  for (const path of [folder, join(folder, "blobs"), blobs, incoming]) await ownFolder(path);
  let canShare = sealing === undefined && process.platform !== "win32";
  let form: Promise<Form> | undefined;

  const ownForm = (): Promise<Form> => (form ??= sealing === undefined ? Promise.resolve(PLAIN) : sealing());
  const path = (digest: Sha256, { suffix }: Pick<Form, "suffix">): string => {
    if (!isSha256(digest)) throw registryError("models.digest-invalid");
    return join(blobs, digest + suffix);
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
  const fill = async (
    file: string,
    bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: PutOptions,
  ): Promise<StoredBlob> => {
    const { content, blob } = measured(bytes, options);
    await writeFile(file, 0o600, content, await ownForm());
    return blob();
  };
  const keep = async (file: string, blob: StoredBlob): Promise<StoredBlob> => {
    const own = await ownForm();
    await chmod(file, 0o444);
    await putInPlace(file, path(blob.digest, own));
    if (own !== PLAIN) await rm(path(blob.digest, PLAIN), { force: true });
    return blob;
  };
  /** Opens a blob in whichever form it lies there. */
  const opened = async (digest: Sha256): Promise<OpenBlob> => {
    const own = await ownForm();
    const sealed = own === PLAIN ? { suffix: SEALED_SUFFIX } : own;
    if (await isThere(path(digest, sealed))) {
      if (own === PLAIN && !(await isThere(path(digest, PLAIN)))) {
        throw registryError("models.store-sealed", { detail: `sha256:${digest}` });
      }
      return await own.open(path(digest, own));
    }
    if (await isThere(path(digest, PLAIN))) return await PLAIN.open(path(digest, PLAIN));
    throw registryError("models.blob-missing", { detail: `sha256:${digest}` });
  };
  const stream = async function* (
    digest: Sha256,
    use: (blob: OpenBlob) => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const blob = await opened(digest);
    try {
      yield* use(blob);
    } finally {
      await blob.close();
    }
  };
  const whole = (blob: Expected, limit?: number): AsyncIterable<Uint8Array> =>
    stream(blob.digest, (open) => checked(open.stream(), blob, limit));

  const store: BlobStore = {
    put: (bytes, options = {}) => staged(async (file) => await keep(file, await fill(file, bytes, options))),
    putFile: (source, options = {}) =>
      staged(async (file) => {
        await using handle = await openPlain(source, "models.import-invalid");
        if (canShare && (await shared(source, file))) {
          await using copy = await open(file, "r+");
          const { content, blob } = measured(chunks(copy), options);
          for await (const chunk of content) void chunk;
          await copy.sync();
          return await keep(file, blob());
        }
        canShare = false;
        return await keep(file, await fill(file, chunks(handle), options));
      }),
    passing: (bytes, options, use) =>
      staged(async (file) => {
        await fill(file, bytes, options);
        const blob = await (await ownForm()).open(file);
        try {
          return await use(() => blob.stream());
        } finally {
          await blob.close();
        }
      }),
    async has(digest, size) {
      try {
        const blob = await opened(digest);
        await blob.close();
        return size === undefined || blob.size === size;
      } catch (error) {
        if (isGone(error)) return false;
        throw error;
      }
    },
    async read(digest, limit) {
      const parts: Uint8Array[] = [];
      for await (const chunk of whole({ digest }, limit)) parts.push(Uint8Array.from(chunk));
      return new Uint8Array(Buffer.concat(parts));
    },
    part: (digest, from, length) => stream(digest, (blob) => blob.stream(from, length)),
    async isWhole(blob) {
      try {
        for await (const chunk of whole(blob)) void chunk;
        return true;
      } catch (error) {
        if (isGone(error)) return false;
        throw error;
      }
    },
    async checkout(files, target, texts = []) {
      checkPaths([...files, ...texts]);
      try {
        await mkdir(dirname(target), { recursive: true });
        await makeFolder(target, 0o755, async (tree) => {
          const made = new Set<string>();
          for (const { path: name, ...blob } of files) {
            await makeFolders(tree, name, made);
            await writeFile(join(tree, name), 0o444, whole(blob));
          }
          for (const { path: name, bytes } of texts) {
            await makeFolders(tree, name, made);
            await writeDurably(join(tree, name), 0o444, bytes);
          }
          for (const one of made) await syncFolder(one);
        });
      } catch (error) {
        throw isHoldfastError(error) ? error : unusable(error, target);
      }
    },
    linked: (files, use) => {
      checkPaths(files);
      return staged(async (tree) => {
        const made = new Set<string>();
        await mkdir(tree, { mode: 0o700 });
        const lent = new Set<Sha256>();
        for (const { path: name, digest, size } of files) {
          await makeFolders(tree, name, made);
          const blob = await opened(digest);
          try {
            // Two names of the same bytes are two files: a reader that meets one file twice would pass over the second.
            const lend = lent.has(digest) ? copyFile : link;
            lent.add(digest);
            if (blob.file !== undefined) await lend(blob.file, join(tree, name));
            else await writeFile(join(tree, name), 0o400, checked(blob.stream(), { digest, size }));
          } finally {
            await blob.close();
          }
        }
        return await use(tree);
      });
    },
    async census() {
      const names = await readdir(blobs);
      let sealed = 0;
      for (const name of names) if (await isSealed(join(blobs, name))) sealed += 1;
      return { sealed, clear: names.length - sealed };
    },
    async sealRest(progress) {
      const names = (await readdir(blobs)).filter(isSha256);
      for (const [done, digest] of names.entries()) {
        progress(done, names.length);
        const blob = await PLAIN.open(path(digest, PLAIN));
        try {
          await store.put(blob.stream(), { expected: { digest }, name: digest });
        } finally {
          await blob.close();
        }
      }
      return names.length;
    },
    async sweep(now) {
      for (const name of await readdir(incoming)) {
        const file = join(incoming, name);
        const found = await lstat(file).catch(() => undefined);
        if (found !== undefined && now - found.mtimeMs > DAY_MS) await rm(file, { recursive: true, force: true });
      }
    },
  };
  return store;
}

/** A new file, flushed. */
async function writeFile(file: string, mode: number, content: AsyncIterable<Uint8Array>, form = PLAIN): Promise<void> {
  await using handle = await open(file, "wx", mode);
  await form.write(handle, content);
  await handle.sync();
}

function isGone(error: unknown): boolean {
  return isHoldfastError(error, "models.blob-missing") || isHoldfastError(error, "models.blob-tampered");
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Whether a file is named as a sealed one, and begins like one. */
async function isSealed(path: string): Promise<boolean> {
  if (!path.endsWith(SEALED_SUFFIX)) return false;
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(FIRST_LINE.length), 0, FIRST_LINE.length, 0);
  return buffer.toString("latin1", 0, bytesRead) === FIRST_LINE;
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

async function makeFolders(root: string, name: string, made: Set<string>): Promise<void> {
  let folder = root;
  for (const part of name.split("/").slice(0, -1)) {
    folder = join(folder, part);
    if (made.has(folder)) continue;
    await mkdir(folder, { mode: 0o755 });
    made.add(folder);
  }
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

function unusable(cause: unknown, path?: string): Error {
  const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
  return registryError("models.store-unusable", { detail: path === undefined ? code : `${path} (${code})`, cause });
}
