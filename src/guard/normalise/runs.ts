/**
 * Runs: letters and digits that stand together because they are bytes in another notation.
 *
 *     base64    standard and url-safe, with padding and without, wrapped in lines, begun too early (four phases)
 *     base32    RFC 4648
 *     base16    two hexadecimal digits for a byte
 *     binary    eight bits for a byte
 *     ascii85   between <~ and ~>
 *
 * What the bytes are decides (`bytes.ts`): they must be text, or text packed by gzip or zlib.
 *
 * Sources: RFC 4648, RFC 2045 section 6.8; Adobe PostScript Language Reference (ASCII85).
 *
 * @module
 */

import { STEP, type Paced } from "../pace.ts";
import { mayBeText, unpack } from "./bytes.ts";
import type { Range } from "./rewrite.ts";

/** A part of a text, and what it spells. */
export interface Piece extends Range {
  readonly text: string;
  /** In the order in which they were undone. */
  readonly transforms: readonly string[];
  /** Whether more was packed than might be unpacked. */
  readonly cut: boolean;
}

/** The encoded runs of a text. */
export interface Runs {
  readonly pieces: readonly Piece[];
  /** A part whose lines were not tried together, since too many that looked like one run were none. */
  readonly left: Range | undefined;
}

/** The encoded runs among those that `places` lie in, by start; of a packed one, up to `mostInflated` bytes. */
export function* runs(text: string, places: readonly number[], mostInflated: number): Paced<Runs> {
  const pieces: Piece[] = [];
  let done = 0;
  let work = 0;
  let left: Range | undefined;
  /** Units of lines that may still be read together in vain. */
  let spare = VAIN * text.length + LEAST_VAIN;
  for (const place of places) {
    if (place < done) continue;
    const run = yield* runAround(text, place, done);
    done = run.end;
    work += run.end - run.start + RUN_COST;
    if (work > STEP) {
      work = 0;
      yield;
    }
    if (run.end - run.start < SHORTEST) continue;
    let joined: Piece | undefined;
    if (yield* mayBeBlock(text, run)) {
      if (spare > 0) {
        const block = yield* blockFrom(text, run, MOST_LINES);
        joined = yield* decodeBlock(text, block, mostInflated);
        if (joined === undefined) spare -= (block.at(-1) as Range).end - run.start;
      } else left ??= { start: run.start, end: text.length };
    }
    const piece = joined ?? (yield* decodeRun(text.slice(run.start, run.end), run.start, run.end, mostInflated));
    if (piece === undefined) continue;
    pieces.push(piece);
    done = Math.max(piece.end, run.end);
    for (;;) {
      const short = yield* shortRun(text, piece, done);
      if (short === undefined) break;
      pieces.push(short);
      done = short.end;
    }
  }
  pieces.push(...(yield* ascii85(text, mostInflated)));
  return { pieces: pieces.toSorted((a, b) => a.start - b.start), left };
}

/** How often a text is read in vain, and the least of units. Each line of a list may begin a run that goes to its end. */
const VAIN = 2;
const LEAST_VAIN = 262_144;
/** Fewer units are not looked at. */
const SHORTEST = 8;
/** What looking at a run costs besides its length, in units. */
const RUN_COST = 16;
const PADDING = 0x3d;

/** The run that the unit at `place` is in. */
function* runAround(text: string, place: number, from: number): Paced<Range> {
  let start = place;
  while (start > from && isRunUnit(text.charCodeAt(start - 1))) if (start-- % STEP === 0) yield;
  return { start, end: yield* runEnd(text, place) };
}

function* runEnd(text: string, from: number): Paced<number> {
  let end = from;
  while (end < text.length && isRunUnit(text.charCodeAt(end))) if (end++ % STEP === 0) yield;
  const most = end + 6;
  while (end < most && text.charCodeAt(end) === PADDING) end++;
  return end;
}

const RUN_UNITS = new Uint8Array(0x80);
for (const unit of Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"))
  RUN_UNITS[unit] = 1;

function isRunUnit(unit: number): boolean {
  return unit < 0x80 && RUN_UNITS[unit] === 1;
}

/** A run and the lines below it, if it was wrapped: all of one length, the last perhaps shorter. */
function* blockFrom(text: string, first: Range, mostLines: number): Paced<readonly Range[]> {
  const block = [first];
  const width = first.end - first.start;
  let last = first;
  while (block.length < mostLines && last.end - last.start === width && text.charCodeAt(last.end - 1) !== PADDING) {
    const between = /^\r?\n[ \t>]{0,6}/.exec(text.slice(last.end, last.end + 8))?.[0];
    if (between === undefined) break;
    const start = last.end + between.length;
    const end = yield* runEnd(text, start);
    if (end === start || end - start > width) break;
    last = { start, end };
    if (block.push(last) % LINES === 0) yield;
  }
  return block;
}

/** A run of more lines is read as several. Four characters are three bytes, so that none is cut in the middle. */
const MOST_LINES = 4096;
/** Looked at in one step. */
const LINES = 256;

/**
 * Units that tell what a run can be: some, which most words are refused by, and as many as 64 bytes take in the widest
 * notation, eight digits for each.
 */
const TELLING = [64, 512] as const;

/** Whether a run may go on in the lines below it. Its beginning tells: of a list of words, that it is none. */
function* mayBeBlock(text: string, first: Range): Paced<boolean> {
  for (const units of TELLING) {
    const lines = yield* blockFrom(text, first, Math.ceil(units / (first.end - first.start)) + 1);
    const head = lines.map(({ start, end }) => text.slice(start, end)).join("");
    if (lines.length === 1 || !(yield* mayBegin(head.slice(0, units)))) return false;
  }
  return true;
}

function* mayBegin(head: string): Paced<boolean> {
  const digits = /^0x/i.test(head) ? head.slice(2) : head;
  if ((yield* isAll(digits, BITS)) && mayBeText(fromBits(digits), false)) return true;
  if ((yield* isAll(digits, HEX)) && mayBeText(Buffer.from(digits, "hex"), false)) return true;
  if ((yield* isAll(head, BASE32)) && mayBeText(base32(head), false)) return true;
  return [0, 1, 2, 3].some(
    (phase) => beginsAsText(head, phase) && mayBeText(Buffer.from(head.slice(phase), "base64"), false),
  );
}

function* decodeBlock(text: string, block: readonly Range[], most: number): Paced<Piece | undefined> {
  const joined = block.map(({ start, end }) => text.slice(start, end)).join("");
  return yield* decodeRun(joined, (block[0] as Range).start, (block.at(-1) as Range).end, most);
}

/** A short word in base64, which is taken for one only right behind another. */
function* shortRun(text: string, { transforms }: Piece, last: number): Paced<Piece | undefined> {
  if (transforms[0] !== "base64") return undefined;
  const start = last + 1;
  const end = yield* runEnd(text, start);
  if (end === start || end - start >= SHORTEST || (end - start) % 4 !== 0) return undefined;
  const spelled = Buffer.from(text.slice(start, end), "base64").toString("latin1");
  return /^[A-Za-z.,:;!?']{1,6}$/.test(spelled)
    ? { start, end, text: spelled, transforms: ["base64"], cut: false }
    : undefined;
}

/** What a run spells, in the narrowest notation that it can be. */
function* decodeRun(run: string, start: number, end: number, most: number): Paced<Piece | undefined> {
  const made = function* (notation: string, bytes: Uint8Array, from = start): Paced<Piece | undefined> {
    const unpacked = yield* unpack(bytes, most);
    if (unpacked === undefined) return undefined;
    const transforms = unpacked.packed ? [notation, "inflate"] : [notation];
    return { start: from, end, text: unpacked.text, transforms, cut: unpacked.cut };
  };
  const digits = /^0x/i.test(run) ? run.slice(2) : run;
  if (digits.length >= 16 && digits.length % 8 === 0 && (yield* isAll(digits, BITS))) {
    const piece = yield* made("binary", fromBits(digits));
    if (piece !== undefined) return piece;
  }
  if (digits.length >= 12 && digits.length % 2 === 0 && (yield* isAll(digits, HEX))) {
    const piece = yield* made("base16", Buffer.from(digits, "hex"));
    if (piece !== undefined) return piece;
  }
  if (run.length >= 16 && (yield* isAll(run, BASE32))) {
    const piece = yield* made("base32", base32(run));
    if (piece !== undefined) return piece;
  }
  // Rules and arrows of such signs are well-formed bytes.
  if (!/[A-Za-z0-9]{4}/.test(run)) return undefined;
  // A run that begins with something else, as `x=` without the sign, is read in each phase.
  const phases = run.length >= 24 ? 4 : 1;
  for (let phase = 0; phase < phases; phase++) {
    if (!beginsAsText(run, phase)) continue;
    const piece = yield* made("base64", Buffer.from(phase === 0 ? run : run.slice(phase), "base64"), start + phase);
    if (piece !== undefined) return piece;
  }
  return undefined;
}

const BITS = alphabet("01");
const HEX = alphabet("0123456789abcdefABCDEF");
const BASE32 = alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567=");

function alphabet(units: string): Uint8Array {
  const table = new Uint8Array(0x80);
  for (const unit of Buffer.from(units)) table[unit] = 1;
  return table;
}

function* isAll(run: string, table: Uint8Array): Paced<boolean> {
  for (let at = 0; at < run.length; at++) {
    if (table[run.charCodeAt(at)] !== 1) return false;
    if (at % STEP === STEP - 1) yield;
  }
  return true;
}

/** The bytes of whole groups of eight. */
function fromBits(digits: string): Uint8Array {
  return Uint8Array.from({ length: Math.floor(digits.length / 8) }, (_, at) =>
    Number.parseInt(digits.slice(at * 8, at * 8 + 8), 2),
  );
}

function base32(run: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((run.length * 5) / 8));
  let held = 0;
  let count = 0;
  let length = 0;
  for (let at = 0; at < run.length; at++) {
    const unit = run.charCodeAt(at);
    if (unit === PADDING) break;
    held = ((held << 5) | (unit >= 0x41 ? unit - 0x41 : unit - 0x18)) & 0xfff;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes[length++] = (held >> count) & 0xff;
  }
  return bytes.subarray(0, length);
}

/** Whether the first bytes can begin a text, or something packed: refuses most words before anything is made. */
function beginsAsText(run: string, phase: number): boolean {
  const a = SEXTETS[run.charCodeAt(phase)] as number;
  const b = SEXTETS[run.charCodeAt(phase + 1)] as number;
  const c = SEXTETS[run.charCodeAt(phase + 2)] as number;
  const first = (a << 2) | (b >> 4);
  const second = ((b & 15) << 4) | (c >> 2);
  const mayBe =
    first < 0x80 ? first > 0x1f || (first > 0x08 && first < 0x0e) || second === 0x8b : first > 0xc1 && first < 0xf5;
  if (!mayBe || (first < 0x80 && second > 0x7f && second < 0xc2 && first !== 0x78 && first !== 0x1f)) return false;
  return mayBeText(Buffer.from(run.slice(phase, phase + 32), "base64"));
}

const SEXTETS = new Uint8Array(0x80);
for (const [at, unit] of Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").entries()) {
  SEXTETS[unit] = at;
}
SEXTETS[0x2d] = 62;
SEXTETS[0x5f] = 63;

function* ascii85(text: string, most: number): Paced<readonly Piece[]> {
  const pieces: Piece[] = [];
  let end = 0;
  for (let start = text.indexOf("<~"); start !== -1; start = text.indexOf("<~", Math.max(end, start + 2))) {
    end = text.indexOf("~>", start);
    if (end === -1) break;
    const bytes = fromAscii85(text.slice(start + 2, end));
    const unpacked = bytes === undefined ? undefined : yield* unpack(bytes, most);
    yield;
    if (unpacked === undefined) continue;
    const transforms = unpacked.packed ? ["ascii85", "inflate"] : ["ascii85"];
    pieces.push({ start, end: end + 2, text: unpacked.text, transforms, cut: unpacked.cut });
  }
  return pieces;
}

function fromAscii85(digits: string): Uint8Array | undefined {
  const bytes: number[] = [];
  let value = 0;
  let count = 0;
  const put = (size: number): void => {
    for (let shift = 24, left = size; left > 0; shift -= 8, left--) bytes.push(Math.floor(value / 2 ** shift) & 0xff);
    value = count = 0;
  };
  for (let at = 0; at < digits.length; at++) {
    const unit = digits.charCodeAt(at);
    if (unit <= 0x20) continue;
    if (unit === 0x7a && count === 0) {
      bytes.push(0, 0, 0, 0);
      continue;
    }
    if (unit < 0x21 || unit > 0x75) return undefined;
    value = value * 85 + unit - 0x21;
    if (++count === 5) put(4);
  }
  if (count > 1) {
    const size = count - 1;
    for (; count < 5; count++) value = value * 85 + 84;
    put(size);
  }
  return Uint8Array.from(bytes);
}
