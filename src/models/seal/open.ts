/**
 * Reading a sealed file anywhere, decrypting only what is asked for. Opening one verifies the header and that the last
 * chunk is the last: a file that was cut off or extended does not open at all.
 *
 * Source: C2SP age.md v1, «Payload» («Seeking relatively to the end of file MUST first decrypt and verify that the last
 * chunk is a valid final chunk»).
 *
 * @module
 */

import type { KeyObject } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { decodeArmor, looksArmored, MAX_ARMOR_BYTES } from "./age/armor.ts";
import { CHUNK_BYTES, chunkCount, openChunk, SEALED_CHUNK_BYTES } from "./age/chunk.ts";
import { MAX_HEADER_BYTES, parseHeader, type Header } from "./age/header.ts";
import { openHeader, type Identity } from "./age/keys.ts";
import { chunkInvalid, NONCE_BYTES, payloadKey, plainBytes } from "./age/payload.ts";
import { sealError } from "./errors.ts";
import type { Passage } from "./segment.ts";

/** Bytes that can be read anywhere: a file, an object in a store, a range of a download. */
export interface ByteSource {
  /** Bytes. It must not change. */
  readonly size: number;
  /** The bytes from `offset`: `length` of them, or as many as there are before the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A sealed content that is open for reading. */
export interface SealedContent extends AsyncDisposable {
  /** Bytes of the content, not of the file that it is sealed in. */
  readonly size: number;
  /**
   * The bytes of the content from `offset`: `length` of them, or as many as there are before the end. All are held in
   * memory; {@link SealedContent.stream} is for more.
   *
   * @throws `seal.payload-invalid` where a chunk of them was altered; RangeError for a negative offset or length
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** The same piece by piece, 64 KiB at most each, from `offset` on. Default: all. */
  stream(offset?: number, length?: number): AsyncGenerator<Uint8Array, void, undefined>;
  /** Closes the file. */
  close(): Promise<void>;
}

/** Where the chunks of a sealed file are, and the key to them. */
export interface Layout {
  /** Offset of the first chunk in the file. */
  readonly offset: number;
  readonly key: KeyObject;
  /** Bytes of the content. */
  readonly size: number;
}

/** Decrypted chunks kept for the next read: readers of formats read a little here and there. */
const KEPT_CHUNKS = 16;

/**
 * Opens a sealed file, or what can be read like one, with the first of `identities` that fits.
 *
 * @throws what `openHeader` throws; `seal.payload-invalid` where the file was cut off or extended;
 *   `seal.armor-invalid`, `seal.armor-limit`
 *
 * @example
 * ```ts
 * import { generateKey, openSealed, sealFile } from "holdfast/models";
 *
 * const { identity, recipient } = await generateKey();
 * await sealFile("model.gguf", "model.gguf.age", { recipients: [recipient] });
 * await using model = await openSealed("model.gguf.age", { identities: [identity] });
 * console.log(model.size, await model.read(0, 4)); // only the chunks of these four bytes are decrypted
 * ```
 */
export async function openSealed(
  file: string | ByteSource,
  { identities }: { readonly identities: readonly Identity[] },
): Promise<SealedContent> {
  await using opened = new AsyncDisposableStack();
  const raw = typeof file === "string" ? await fileSource(opened.use(await open(file))) : file;
  const source = await withoutArmor(raw);
  const content = contentOf(source, await readLayout(source, identities));
  const files = opened.move();
  const close = (): Promise<void> => files.disposeAsync();
  return { ...content, close, [Symbol.asyncDispose]: close };
}

/** The content of a source whose layout is known. */
export function contentOf(source: ByteSource, layout: Layout): Pick<SealedContent, "size" | "read" | "stream"> {
  const readChunk = keptChunks(source, layout);

  async function* stream(offset = 0, length = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array, void, undefined> {
    if (!(offset >= 0) || !(length >= 0)) throw new RangeError(`no such range: ${length} bytes at ${offset}`);
    const end = Math.min(layout.size, offset + length);
    for (let at = offset; at < end;) {
      const index = Math.floor(at / CHUNK_BYTES);
      const start = index * CHUNK_BYTES;
      const chunk = await readChunk(index);
      yield chunk.subarray(at - start, Math.min(end - start, CHUNK_BYTES));
      at = start + CHUNK_BYTES;
    }
  }

  return {
    size: layout.size,
    stream,
    read: async (offset, length) => {
      const parts: Uint8Array[] = [];
      for await (const part of stream(offset, length)) parts.push(part);
      return Buffer.concat(parts);
    },
  };
}

/**
 * Opens the header, finds the chunks, and verifies that the last one is the last.
 *
 * @throws as {@link openSealed}
 */
export async function readLayout(source: ByteSource, identities: readonly Identity[]): Promise<Layout> {
  const header = await readHeader(source);
  return await layoutOf(source, header, await openHeader(header, identities));
}

/** The same of a header that is opened already. @throws `seal.header-invalid`, `seal.payload-invalid` */
export async function layoutOf(source: ByteSource, header: Header, fileKey: Uint8Array): Promise<Layout> {
  const offset = header.bytes.length + NONCE_BYTES;
  const nonce = await source.read(header.bytes.length, NONCE_BYTES);
  if (nonce.length < NONCE_BYTES) throw sealError("seal.header-invalid", { detail: "it ends early" });
  const layout = { offset, key: payloadKey(fileKey, nonce), size: plainBytes(source.size - offset) };
  await openAt(source, layout, chunkCount(layout.size) - 1);
  return layout;
}

/** The passage of a whole sealed file, of the descriptor `from`, into `to`. */
export function unsealing({ key, size, offset }: Layout, from: number, to: number): Passage {
  return { direction: "unseal", key, size, from, fromOffset: offset, to, toOffset: 0 };
}

/** The header of a sealed file. @throws `seal.header-invalid`, `seal.header-limit` */
export async function readHeader(source: ByteSource): Promise<Header> {
  // Most headers are far shorter than a chunk.
  for (const length of [4096, MAX_HEADER_BYTES]) {
    const header = parseHeader(await source.read(0, length));
    if (header !== undefined) return header;
    if (source.size <= length) break;
  }
  throw sealError("seal.header-invalid", { detail: "it ends early" });
}

/** An open file as a source. */
export async function fileSource(handle: FileHandle): Promise<ByteSource> {
  const { size } = await handle.stat();
  return {
    size,
    read: async (offset, length) => {
      const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, size - offset)));
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    },
  };
}

/** The age file in `source`, without its armor if it has one. */
export async function withoutArmor(source: ByteSource): Promise<ByteSource> {
  if (looksArmored(await source.read(0, 4096)) !== true) return source;
  if (source.size > MAX_ARMOR_BYTES) {
    throw sealError("seal.armor-limit", { detail: `${source.size} bytes, the limit is ${MAX_ARMOR_BYTES}` });
  }
  const bytes = decodeArmor(await source.read(0, source.size));
  return { size: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}

async function openAt(source: ByteSource, { offset, key, size }: Layout, index: number): Promise<Uint8Array> {
  const last = chunkCount(size) - 1;
  const at = offset + index * SEALED_CHUNK_BYTES;
  const sealed = await source.read(at, Math.min(SEALED_CHUNK_BYTES, source.size - at));
  // Cut off since it was opened: the tag would not match either, but this says what happened.
  if (sealed.length < Math.min(SEALED_CHUNK_BYTES, source.size - at)) throw chunkInvalid(index);
  const plain = openChunk(key, index, index === last, sealed);
  if (plain === undefined) throw chunkInvalid(index);
  return plain;
}

function keptChunks(source: ByteSource, layout: Layout): (index: number) => Promise<Uint8Array> {
  const kept = new Map<number, Uint8Array>();
  return async (index) => {
    const found = kept.get(index);
    if (found !== undefined) return found;
    const chunk = await openAt(source, layout, index);
    kept.set(index, chunk);
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT_CHUNKS) break;
      kept.delete(oldest);
    }
    return chunk;
  };
}
