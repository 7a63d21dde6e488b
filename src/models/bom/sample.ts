/**
 * Values of a tensor at places that depend on its number of elements alone, so that two checkpoints of one architecture are
 * sampled at the same places.
 *
 * Runs of neighbours, evenly spread: few reads, and no place that a change could hide behind, since the places are those
 * of another model's tensor as well.
 *
 * @module
 */

import type { Source } from "../scan/source.ts";

/** Runs of one tensor, and values in each: at most 1,024 values. */
const RUNS = 32;
const RUN = 32;

/** Reads one number at an offset of a view. */
const DECODERS: ReadonlyMap<string, readonly [number, (view: DataView, at: number) => number]> = new Map([
  ["F64", [8, (view: DataView, at: number) => view.getFloat64(at, true)]],
  ["F32", [4, (view: DataView, at: number) => view.getFloat32(at, true)]],
  ["F16", [2, (view: DataView, at: number) => view.getFloat16(at, true)]],
  ["BF16", [2, bfloat16]],
  ["F8_E4M3", [1, float8e4m3]],
  ["F8_E5M2", [1, float8e5m2]],
  ["I8", [1, (view: DataView, at: number) => view.getInt8(at)]],
  ["U8", [1, (view: DataView, at: number) => view.getUint8(at)]],
]);

/** The sample of a tensor whose bytes begin at `offset`; empty for types that are not decoded. */
export function sampleTensor(source: Source, offset: number, dtype: string, elements: number): Float32Array {
  const decoder = DECODERS.get(dtype);
  if (decoder === undefined || elements === 0) return new Float32Array();
  const [width, decode] = decoder;
  const values: number[] = [];
  for (const [from, count] of runsOf(elements)) {
    const bytes = source.read(offset + from * width, count * width);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let index = 0; index < count; index++) values.push(decode(view, index * width));
  }
  return Float32Array.from(values);
}

/** Where samples are taken: all of a small tensor, else runs that are evenly spread, the first and the last value in. */
export function runsOf(elements: number): readonly (readonly [from: number, count: number])[] {
  if (elements <= RUNS * RUN) return [[0, elements]];
  const step = (elements - RUN) / (RUNS - 1);
  return Array.from({ length: RUNS }, (_, index) => [Math.floor(index * step), RUN] as const);
}

const word = new DataView(new ArrayBuffer(4));

/** Four bits of exponent, three of fraction, no infinities (arXiv 2209.05433, «E4M3»). */
function float8e4m3(view: DataView, at: number): number {
  const byte = view.getUint8(at);
  const [exponent, fraction] = [(byte >> 3) & 15, byte & 7];
  if (exponent === 15 && fraction === 7) return Number.NaN;
  const size = exponent === 0 ? fraction * 2 ** -9 : (8 + fraction) * 2 ** (exponent - 10);
  return byte > 127 ? -size : size;
}

/** The upper half of a float of 16 bits. */
function float8e5m2(view: DataView, at: number): number {
  word.setUint16(0, view.getUint8(at) << 8);
  return word.getFloat16(0);
}

/** The upper half of a float of 32 bits. */
function bfloat16(view: DataView, at: number): number {
  word.setUint32(0, view.getUint16(at, true) * 0x1_0000);
  return word.getFloat32(0);
}
