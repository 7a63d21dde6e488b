/**
 * zstd: frames, which node:zlib reads one by one. Frames that follow one another are one, skippable ones between them left
 * out. Frames that need a dictionary are not opened.
 *
 * Contract: where a frame ends is read from the headers of its blocks, never from a size that it declares; of one that is
 * damaged, what comes out before the damage stands in the output.
 *
 * Source: RFC 8878.
 *
 * @module
 */

import { constants, zstdDecompressSync } from "node:zlib";

import { bytesSource } from "../../source.ts";
import { damaged, type Output, unsupported } from "./output.ts";
import { frameAt } from "./skippable.ts";
import { unpackInto, type Unpack } from "./unpack.ts";

export const ZSTD_MAGIC = 0xfd2f_b528;
/** Windows of up to 128 MiB, as the reference's own command takes them. */
const PARAMS = { [constants.ZSTD_d_windowLogMax]: 27 };

/**
 * Writes what the frames at the start of `bytes` hold to `out`. @returns the bytes of them
 * @throws StreamError where they are damaged, hold too much or need a dictionary
 */
export function readZstd(bytes: Uint8Array, out: Output): number {
  const source = bytesSource(bytes);
  for (let end = 0; ;) {
    const at = frameAt(source, end, ZSTD_MAGIC);
    if (at === undefined) return end > 0 ? end : damaged("no header");
    if (((bytes[at + 4] ?? 0) & 3) !== 0) unsupported("a dictionary");
    end = at + unpackInto(ZSTD, bytes.subarray(at), out);
  }
}

const ZSTD: Unpack = (bytes, most, whole) => {
  const finishFlush = whole ? constants.ZSTD_e_end : constants.ZSTD_e_continue;
  const options = { maxOutputLength: most, params: PARAMS, finishFlush, info: true };
  return zstdDecompressSync(bytes, options) as unknown as ReturnType<Unpack>;
};
