/**
 * LZMA in its two forms: the old `.lzma` file, and LZMA2, the chunks that stand in xz.
 *
 * Source: LZMA specification of the LZMA SDK 9.20 (lzma-specification.txt); liblzma 5.4 (alone_decoder.c,
 * lzma2_decoder.c).
 *
 * @module
 */

import { LzmaDecoder, MIN_DICTIONARY } from "./lzma-decoder.ts";
import { damaged, type Output } from "./output.ts";

/** A length that is not said: an end marker follows the data. */
const UNKNOWN = 0xffff_ffff_ffff_ffffn;

/**
 * Whether a `.lzma` file may begin at `at`, by what liblzma asks of one that it is to know by itself: properties as tools
 * write them, a dictionary of a power of two or half more, a length that is unknown or below 256 GiB. The data begin with
 * a zero. Dictionaries below 4 KiB are no tool's: there, plain numbers would look the same.
 */
export function isLzmaAlone(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at < 14 || bytes[at] !== 0x5d || bytes[at + 13] !== 0) return false;
  const header = new DataView(bytes.buffer, bytes.byteOffset + at, 13);
  const dictionary = header.getUint32(1, true);
  const highest = 2 ** (31 - Math.clz32(dictionary));
  const length = header.getBigUint64(5, true);
  const plain = dictionary === highest || dictionary === highest * 1.5 || dictionary === 0xffff_ffff;
  return plain && dictionary >= MIN_DICTIONARY && (length === UNKNOWN || length < 1n << 38n);
}

/**
 * Reads the `.lzma` file at `start`: properties, dictionary, length or -1, then the data. @returns where it ends
 * @throws StreamError where it is damaged or holds too much
 */
export function readLzmaAlone(bytes: Uint8Array, start: number, out: Output): number {
  if (bytes.length - start < 13) damaged("cut short");
  const header = new DataView(bytes.buffer, bytes.byteOffset + start, 13);
  const length = header.getBigUint64(5, true);
  const known = length !== UNKNOWN;
  const decoder = new LzmaDecoder(bytes, out);
  decoder.resetDictionary(header.getUint32(1, true));
  decoder.setProperties(header.getUint8(0));
  decoder.resetState();
  decoder.startRange(start + 13, bytes.length);
  const ended = decoder.decode(known ? out.length + Number(length) : Number.POSITIVE_INFINITY, true);
  return known && !ended ? decoder.endOrMarker() : decoder.end();
}

/**
 * Reads the LZMA2 chunks at `start`, with a dictionary of `dictionary` bytes. @returns where they end
 * @throws StreamError where they are damaged or hold too much
 */
export function readLzma2(bytes: Uint8Array, start: number, dictionary: number, out: Output): number {
  const decoder = new LzmaDecoder(bytes, out);
  let needsDictionary = true;
  let needsProperties = true;
  for (let at = start; ;) {
    if (at >= bytes.length) damaged("cut short");
    const control = bytes[at++] as number;
    if (control === 0) return at;
    if (control >= 0xe0 || control === 1) {
      decoder.resetDictionary(dictionary);
      needsDictionary = false;
      needsProperties = true;
    } else if (needsDictionary) damaged("a chunk without a dictionary");
    const size = ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0) + 1;
    at += 2;
    if (control < 0x80) {
      if (control > 2) damaged("a chunk of no kind");
      if (at + size > bytes.length) {
        out.append(bytes.subarray(at));
        damaged("cut short");
      }
      out.append(bytes.subarray(at, at + size));
      at += size;
      continue;
    }
    const packed = ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0) + 1;
    at += 2;
    if (control >= 0xc0) {
      if (at >= bytes.length) damaged("cut short");
      decoder.setProperties(bytes[at++] as number);
      needsProperties = false;
    } else if (needsProperties) damaged("a chunk without properties");
    if (control >= 0xa0) decoder.resetState();
    decoder.startRange(at, Math.min(at + packed, bytes.length));
    decoder.decode(out.length + ((control & 0x1f) << 16) + size, false);
    at += packed;
    if (decoder.end() !== at) damaged("length of a chunk");
  }
}
