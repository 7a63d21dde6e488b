/**
 * Bytes on their way into the store or out of it: measured as they pass, and judged at their end. What was passed on before
 * counts for nothing until then.
 *
 * @module
 */

import { createHash } from "node:crypto";

import { printable, type Sha256 } from "./digest.ts";
import { registryError } from "./errors.ts";

export interface StoredBlob {
  readonly digest: Sha256;
  readonly size: number;
}

/** A blob that is known by its digest, and its size where that is known too. */
export type Expected = Pick<StoredBlob, "digest"> & Partial<StoredBlob>;

export interface PutOptions {
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

/** Bytes with what they turned out to be. */
export interface Measured {
  /** To be read once. @throws `models.blob-tampered`, `models.limit-exceeded`, at the latest at its end */
  readonly content: AsyncGenerator<Uint8Array, void, undefined>;
  /** What they were, once all of `content` was read. */
  readonly blob: () => StoredBlob;
}

/** Measures bytes that go in. */
export function measured(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { expected = {}, limit = Infinity, onBytes, onEnd, name }: PutOptions,
): Measured {
  let blob: StoredBlob | undefined;
  const said = name === undefined ? "" : `${printable(name)}: `;
  const content = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash("sha256");
    let size = 0;
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
      yield chunk;
    }
    const digest = hash.digest("hex");
    if (expected.size !== undefined && size !== expected.size) {
      throw tampered(`${said}${size} bytes, not ${expected.size}`);
    }
    if (expected.digest !== undefined && digest !== expected.digest) {
      throw tampered(`${said}sha256:${digest}, not sha256:${expected.digest}`);
    }
    onEnd?.();
    blob = { digest, size };
  };
  return {
    content: content(),
    blob: () => {
      if (blob === undefined) throw new TypeError("the bytes have not been read to their end");
      return blob;
    },
  };
}

/** Hands out a stored blob's bytes; their end says that they were whole. @throws `models.blob-tampered`, `models.limit-exceeded` */
export function checked(
  bytes: AsyncIterable<Uint8Array>,
  expected: Expected,
  limit = Infinity,
): AsyncGenerator<Uint8Array, void, undefined> {
  return measured(bytes, { expected, limit, name: `sha256:${expected.digest}` }).content;
}

function tampered(detail: string): Error {
  return registryError("models.blob-tampered", { detail });
}
