/**
 * LZMA in its two forms: the old `.lzma` file, and LZMA2, the chunks that stand in xz.
 *
 * Source: LZMA specification of the LZMA SDK 9.20 (lzma-specification.txt); liblzma 5.4 (alone_decoder.c,
 * lzma2_decoder.c).
 *
 * @module
 */

import { LzmaDecoder, MIN_DICTIONARY } from "./lzma-decoder.ts";
import { damaged, type Output, readStream } from "./output.ts";

/** A length that is not said: an end marker follows the data. */
const UNKNOWN = 0xffff_ffff_ffff_ffffn;

/** Bytes that are unpacked to see whether something is `.lzma`, and that one must have at the least: a payload has more. */
const TRIED = 512;
const LEAST = 12;

/**
 * Whether a `.lzma` file begins at `at`, by what liblzma asks of one that it is to know by itself: a dictionary of a power
 * of two or half more, a length that is unknown or below 256 GiB. The data begin with a zero. With the properties and the
 * dictionary that tools write that is enough; numbers may look like others of them, and are told by what comes out.
 */
export function isLzmaAlone(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at < 14 || (bytes[at] ?? 0) >= 225 || bytes[at + 13] !== 0) return false;
  const header = new DataView(bytes.buffer, bytes.byteOffset + at, 13);
  const dictionary = header.getUint32(1, true);
  const highest = dictionary === 0 ? 0 : 2 ** (31 - Math.clz32(dictionary));
  const length = header.getBigUint64(5, true);
  const plain = dictionary === highest || dictionary === highest * 1.5 || dictionary === 0xffff_ffff;
  if (!plain || (length !== UNKNOWN && length >= 1n << 38n)) return false;
  return (bytes[at] === 0x5d && dictionary >= MIN_DICTIONARY) || unpacks(bytes, at);
}

/** Of numbers, a decoder soon makes a match that reaches before the first byte; zeros it takes for zeros without an end. */
function unpacks(bytes: Uint8Array, at: number): boolean {
  const trial = readStream(
    (input, out) => readLzmaAlone(input, at, out),
    bytes,
    TRIED,
    () => true,
  );
  const isEnough = trial.error === undefined ? trial.bytes.length >= LEAST : trial.error.failure === "large";
  return isEnough && (trial.bytes[0] ?? 0) !== 0;
}

/**
 * Reads the `.lzma` file at `start`: properties, dictionary, length or -1, then the data. @returns where it ends
 * @throws StreamError where it is damaged or holds too much
 */
export function readLzmaAlone(bytes: Uint8Array, start: number, out: Output): number {
  if (bytes.length - start < 13) damaged("cut short");
  const length = new DataView(bytes.buffer, bytes.byteOffset + start + 5, 8).getBigUint64(0, true);
  const end = length === UNKNOWN ? Number.POSITIVE_INFINITY : out.length + Number(length);
  return readLzma(bytes, start, start + 13, end, out);
}

/**
 * Reads a member of a zip archive: a version, the length of the properties, and they, stand before the data. It is as long as
 * `out` takes. @returns where it ends
 * @throws StreamError where it is damaged or holds more
 */
export function readZipLzma(bytes: Uint8Array, out: Output): number {
  if (bytes.length < 9) damaged("cut short");
  if (bytes[2] !== 5 || bytes[3] !== 0) damaged("length of the properties");
  return readLzma(bytes, 4, 9, out.most, out);
}

/** Reads the stream at `start`, whose properties and dictionary stand at `header`, up to `length` bytes of the output. */
function readLzma(bytes: Uint8Array, header: number, start: number, length: number, out: Output): number {
  const decoder = new LzmaDecoder(bytes, out);
  decoder.resetDictionary(new DataView(bytes.buffer, bytes.byteOffset + header + 1, 4).getUint32(0, true));
  decoder.setProperties(bytes[header] as number);
  decoder.resetState();
  decoder.startRange(start, bytes.length);
  const ended = decoder.decode(length, true);
  return length !== Number.POSITIVE_INFINITY && !ended ? decoder.endOrMarker() : decoder.end();
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
