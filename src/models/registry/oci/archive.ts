/**
 * Layers that are archives: tar, plain or compressed. They are read twice, once to see that all of it may be taken and once
 * to take it, so that what is refused leaves nothing behind; in between lies a file of its own, which is removed.
 *
 * Source: ModelPack model-spec, `specs-go/v1/mediatype.go`; RFC 1952; RFC 8878.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { pipeline } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";

import type { BlobStore } from "../blobs.ts";
import { printable, type Sha256, type VersionFile } from "../digest.ts";
import { registryError } from "../errors.ts";
import { checkPaths } from "../reference.ts";
import { MOST_FILES } from "../releases.ts";
import { tarFiles } from "./tar.ts";

/** A layer that is an archive. */
export interface PackedArchive {
  readonly packing: "tar" | "tar+gzip" | "tar+zstd";
  readonly digest: Sha256;
  readonly size: number;
}

/** Opens an archive for reading, from its beginning with each call. */
export type ReadArchive = () => AsyncIterable<Uint8Array>;

/** Compressed weights are seldom half their size; what unfolds to more than this is a bomb. */
const MOST_RATIO = 100;
const RATIO_FROM_BYTES = 67_108_864;
/** Memory of a decompressor: 2^27 bytes of window, as the zstd command allows. */
const WINDOW_LOG = 27;

/** What is in an archive. */
export interface Listing {
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Of the tar itself, out of its compression. */
  readonly contentDigest: Sha256;
}

/**
 * Reads an archive to its end, and keeps nothing.
 *
 * @throws `models.oci-invalid`, `models.path-unsafe`, `models.limit-exceeded`
 */
export async function listArchive(archive: PackedArchive, read: ReadArchive): Promise<Listing> {
  const digest = createHash("sha256");
  const files: { path: string; size: number }[] = [];
  for await (const { path, size } of tarFiles(contentOf(archive, read, (chunk) => digest.update(chunk)))) {
    files.push({ path, size });
    if (files.length > MOST_FILES) throw registryError("models.limit-exceeded", { detail: `${MOST_FILES} files` });
  }
  checkPaths(files);
  return { files, contentDigest: digest.digest("hex") };
}

/** Takes the files of a listed archive into the store. */
export async function takeArchive(
  blobs: BlobStore,
  archive: PackedArchive,
  read: ReadArchive,
): Promise<readonly VersionFile[]> {
  const files: VersionFile[] = [];
  for await (const { path, size, bytes } of tarFiles(contentOf(archive, read, () => undefined))) {
    files.push({ path, ...(await blobs.put(bytes, { expected: { size }, name: path })) });
  }
  return files;
}

/** The tar in an archive. */
async function* contentOf(
  { packing, size }: PackedArchive,
  read: ReadArchive,
  see: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const most = packing === "tar" ? Infinity : Math.max(RATIO_FROM_BYTES, size * MOST_RATIO);
  let out = 0;
  for await (const chunk of packing === "tar" ? read() : decompressed(packing, read())) {
    out += chunk.length;
    if (out > most) {
      throw registryError("models.limit-exceeded", { detail: `an archive of ${size} bytes unfolds to over ${most}` });
    }
    see(chunk);
    yield chunk;
  }
}

async function* decompressed(
  packing: "tar+gzip" | "tar+zstd",
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const via =
    packing === "tar+gzip"
      ? createGunzip()
      : createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG } });
  // What goes wrong is thrown where the stream is read.
  pipeline(source, via, () => undefined);
  try {
    for await (const chunk of via) yield chunk as Uint8Array;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    if (!/^Z_|^ZSTD_|^ERR_ZSTD/.test(code)) throw cause;
    throw registryError("models.oci-invalid", {
      detail: `an archive of it: its compression, ${printable(code)}`,
      cause,
    });
  } finally {
    via.destroy();
  }
}
