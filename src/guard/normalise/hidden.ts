/**
 * Hidden: what invisible characters spell. Two alphabets are in use, and a third of two letters:
 *
 *     tags                 U+E0020 to U+E007E mirror ASCII
 *     variation-selectors  the 256 selectors stand for the 256 bytes: U+FE00 to U+FE0F, then U+E0100 to U+E01EF
 *     zero-width-bits      eight zero-width characters of two kinds are a byte
 *
 * Each view is the spelled text alone, and each of its characters leads back to what spelled it.
 *
 * @module
 */

import { codePointAt } from "../../core/index.ts";
import { STEP, type Paced } from "../pace.ts";
import { bytesToText } from "./bytes.ts";
import { madeFrom, openRewriter, type Made } from "./rewrite.ts";

/** What tag characters spell; `undefined` without any. */
export function* tagged(text: string): Paced<Made | undefined> {
  const out = openRewriter(text, true);
  let next = STEP;
  for (let at = text.indexOf(TAG_HALF); at !== -1; at = text.indexOf(TAG_HALF, at + 1)) {
    if (at > next) {
      next = at + STEP;
      yield;
    }
    const code = (codePointAt(text, at) as number) - TAGS;
    if (code >= 0x20 && code <= 0x7e) out.replace(at, at + 2, String.fromCharCode(code));
  }
  return out.changed ? out.finish() : undefined;
}

const TAGS = 0xe0000;
/** The first half of the pair of each of them, and of most variation selectors. */
const TAG_HALF = "\uDB40";

/** What variation selectors spell as bytes; `undefined` where that is no text. */
export function* selected(text: string): Paced<Made | undefined> {
  if (!/[\uFE00-\uFE0F\uDB40]/.test(text)) return undefined;
  const bytes: number[] = [];
  let first = -1;
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    if (at % STEP === STEP - 1) yield;
    const byte = selectorByte(text, at);
    if (byte === undefined) continue;
    if (first === -1) first = at;
    bytes.push(byte);
    if (byte > 0x0f) at++;
    end = at + 1;
  }
  if (bytes.length < FEWEST_BYTES) return undefined;
  // The presentation of emoji is 0x0E and 0x0F: text is spelled by others too.
  const spelled = bytesToText(Uint8Array.from(bytes.filter((byte) => byte !== 0x0f && byte !== 0x0e)));
  return spelled === undefined ? undefined : madeFrom(spelled, { start: first, end });
}

const FEWEST_BYTES = 4;

function selectorByte(text: string, at: number): number | undefined {
  const unit = text.charCodeAt(at);
  if (unit >= 0xfe00 && unit <= 0xfe0f) return unit - 0xfe00;
  if (unit !== 0xdb40) return undefined;
  const code = codePointAt(text, at) as number;
  return code >= 0xe0100 && code <= 0xe01ef ? code - 0xe0100 + 16 : undefined;
}

/** What two kinds of zero-width characters spell as bits; `undefined` where that is no text. */
export function* bits(text: string): Paced<Made | undefined> {
  if (!/[\u200B-\u200F\u2060-\u2064\uFEFF]/.test(text)) return undefined;
  const kinds: number[] = [];
  let first = -1;
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    if (at % STEP === STEP - 1) yield;
    const unit = text.charCodeAt(at);
    if (!isZeroWidth(unit)) continue;
    if (first === -1) first = at;
    kinds.push(unit);
    end = at + 1;
  }
  if (kinds.length < 8 * FEWEST_BYTES) return undefined;
  const [zero, one] = mostFrequent(kinds);
  if (zero === undefined || one === undefined) return undefined;
  const only = kinds.filter((kind) => kind === zero || kind === one);
  for (const set of [one, zero]) {
    const bytes = new Uint8Array(only.length >> 3);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      if (only[bit] === set) bytes[bit >> 3] = (bytes[bit >> 3] as number) | (0x80 >> (bit & 7));
    }
    const spelled = bytesToText(bytes);
    if (spelled !== undefined) return madeFrom(spelled, { start: first, end });
  }
  return undefined;
}

function isZeroWidth(unit: number): boolean {
  return (unit >= 0x200b && unit <= 0x200f) || (unit >= 0x2060 && unit <= 0x2064) || unit === 0xfeff;
}

function mostFrequent(kinds: readonly number[]): readonly number[] {
  const counts = new Map<number, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([kind]) => kind);
}
