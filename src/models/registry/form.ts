/**
 * How the bytes of blobs lie on the disk: as they are, or sealed in the age format. Whatever the form, a blob is known by
 * the digest of its content.
 *
 * @module
 */

import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

import { isHoldfastError, type Secret } from "../../core/index.ts";
import { fileSource, openSealed } from "../seal/open.ts";
import { sealStream } from "../seal/stream.ts";
import { registryError } from "./errors.ts";

/** A blob that is open for reading. Its bytes are not compared with a digest yet. */
export interface OpenBlob {
  /** Bytes of the content. */
  readonly size: number;
  /** The file that is the content itself, byte for byte. */
  readonly file?: string;
  stream(from?: number, length?: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface Form {
  /** Behind the digest in the name of a blob's file. */
  readonly suffix: string;
  /** Writes content into an empty file. */
  write(file: FileHandle, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** @throws `models.blob-missing`, `models.blob-tampered` */
  open(path: string): Promise<OpenBlob>;
}

const CHUNK_BYTES = 1 << 20;

/** Bytes as they are. */
export const PLAIN: Form = {
  suffix: "",
  async write(file, content) {
    for await (const chunk of content) await writeAll(file, chunk);
  },
  async open(path) {
    const handle = await openPlain(path, "models.blob-missing");
    return {
      size: (await handle.stat()).size,
      file: path,
      stream: (from = 0, length = Infinity) => chunks(handle, from, length),
      close: () => handle.close(),
    };
  },
};

/** The end of a sealed blob's name. */
export const SEALED_SUFFIX = ".age";

/** Sealed to one key, which is the store's own. */
export function sealedForm(identity: Secret, recipient: string): Form {
  return {
    suffix: SEALED_SUFFIX,
    async write(file, content) {
      let held: Uint8Array[] = [];
      let bytes = 0;
      for await (const piece of sealStream(content, { recipients: [recipient] })) {
        held.push(piece);
        bytes += piece.length;
        if (bytes < CHUNK_BYTES) continue;
        await writeAll(file, Buffer.concat(held));
        [held, bytes] = [[], 0];
      }
      await writeAll(file, Buffer.concat(held));
    },
    async open(path) {
      const handle = await openPlain(path, "models.blob-missing");
      try {
        const content = await openSealed(await fileSource(handle), { identities: [identity] });
        return {
          size: content.size,
          stream: (from, length) => authentic(content.stream(from, length)),
          close: () => handle.close(),
        };
      } catch (error) {
        await handle.close();
        throw altered(error);
      }
    },
  };
}

/** The bytes of a file. */
export async function* chunks(handle: FileHandle, from = 0, length = Infinity): AsyncGenerator<Uint8Array> {
  if (length === 0) return;
  const range = { start: from, end: from + length - 1 };
  const stream = handle.createReadStream({ autoClose: false, highWaterMark: CHUNK_BYTES, ...range });
  for await (const chunk of stream) yield chunk as Uint8Array;
}

/** Opens a file for reading that is neither a link nor anything but a file. @throws `code` */
export async function openPlain(
  path: string,
  code: "models.import-invalid" | "models.blob-missing",
): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? "";
    throw registryError(code, { detail: `${path}: ${why === "ELOOP" ? "a link" : why}`, cause });
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw registryError(code, { detail: `${path}: not a file` });
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten;
}

async function* authentic(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    throw altered(error);
  }
}

/** Whatever is wrong with a sealed blob, it is not what this store wrote. */
function altered(error: unknown): unknown {
  if (!isHoldfastError(error) || !error.code.startsWith("seal.")) return error;
  return registryError("models.blob-tampered", { detail: error.message, cause: error });
}
