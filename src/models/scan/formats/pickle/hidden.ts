/**
 * Looks through bytes that no machine reached, for what a pickle would be made of: names of functions that run something,
 * and beginnings of pickles.
 *
 * Names alone count only where they are known to be dangerous: any other pair of words may stand in data by chance.
 *
 * @module
 */

import type { ScanContext } from "../../format.ts";
import type { Source } from "../../source.ts";
import { knownBad } from "./known-bad.ts";
import { Op } from "./opcodes.ts";
import { isPickleAt } from "./trial.ts";

export interface Hidden {
  /** A dangerous global, by its path, with what it does. */
  readonly name?: string;
  readonly at: number;
  /** A pickle begins there. */
  readonly pickle: boolean;
}

const CHUNK = 1024 * 1024;
/** Longest module and name, with the instructions between. */
const OVERLAP = 256;
const MAX_WORD = 100;
/** Bytes that are searched for one step of the budget. */
const SEARCHED_PER_STEP = 16;
/** Steps of the budget that it takes to try whether a pickle begins at a place. */
const TRIAL_STEPS = 64;

/**
 * What stands in `source` from `from` on, in order. A pickle ends the search: whoever reads it goes on behind it.
 *
 * @param budget of which trials are paid; where it is spent, the search ends
 */
export function findHidden(source: Source, from: number, budget: Pick<ScanContext, "spend">): readonly Hidden[] {
  const found: Hidden[] = [];
  for (let at = from; at < source.size; at += CHUNK) {
    const bytes = new Uint8Array(source.read(at, CHUNK + OVERLAP));
    const end = Math.min(bytes.length, CHUNK);
    for (let index = 0; index < end; index++) {
      const byte = bytes[index] as number;
      if (BEGINS[byte] === 0) continue;
      if (byte === Op.PROTO) {
        const version = bytes[index + 1] ?? 0;
        if (version < 2 || version > 5) continue;
        if (!budget.spend("steps", TRIAL_STEPS)) return found;
        if (isPickleAt(source, at + index, "within")) return [...found, { at: at + index, pickle: true }];
        continue;
      }
      const name = byte === Op.GLOBAL || byte === Op.INST ? linesAt(bytes, index + 1) : pairAt(bytes, index);
      const known = name === undefined ? undefined : knownBad(name[0], name[1]);
      if (name !== undefined && known !== undefined) {
        found.push({ at: at + index, pickle: false, name: `${name[0]}.${name[1]}: ${known}` });
      }
    }
  }
  return found;
}

/** Takes from a budget what it costs to search so many bytes, and says whether it was there. */
export function paySearch(bytes: number, budget: Pick<ScanContext, "spend">): boolean {
  return budget.spend("steps", Math.ceil(bytes / SEARCHED_PER_STEP));
}

/** Instructions of texts, by the bytes that their length takes; the last two are lines. */
const STRINGS: ReadonlyMap<number, number> = new Map([
  [Op.SHORT_BINUNICODE, 1],
  [Op.SHORT_BINSTRING, 1],
  [Op.BINUNICODE, 4],
  [Op.BINSTRING, 4],
  [Op.BINUNICODE8, 8],
  [Op.UNICODE, 0],
  [Op.STRING, 0],
]);

/** What may begin something, by its byte: most bytes of data are passed over by one look here. */
const BEGINS = new Uint8Array(256);
for (const op of [Op.PROTO, Op.GLOBAL, Op.INST, ...STRINGS.keys()]) BEGINS[op] = 1;

/** Two lines that are names, at least one of them behind a dot or of more than two letters: GLOBAL and INST. */
function linesAt(bytes: Uint8Array, at: number): readonly [string, string] | undefined {
  const module = wordAt(bytes, at);
  if (module === undefined || bytes[at + module.length] !== 0x0a) return undefined;
  const next = at + module.length + 1;
  const name = wordAt(bytes, next);
  return name === undefined || bytes[next + name.length] !== 0x0a ? undefined : [module, name];
}

/** Two texts, the first perhaps put into the memo, as STACK_GLOBAL takes them. */
function pairAt(bytes: Uint8Array, at: number): readonly [string, string] | undefined {
  const module = textAt(bytes, at);
  if (module === undefined) return undefined;
  let next = module.end;
  if (bytes[next] === Op.MEMOIZE) next += 1;
  else if (bytes[next] === Op.BINPUT) next += 2;
  else if (bytes[next] === Op.LONG_BINPUT) next += 5;
  const name = textAt(bytes, next);
  return name === undefined ? undefined : [module.text, name.text];
}

function textAt(bytes: Uint8Array, at: number): { readonly text: string; readonly end: number } | undefined {
  const op = bytes[at];
  const width = op === undefined ? undefined : STRINGS.get(op);
  if (width === undefined) return undefined;
  if (width === 0) {
    const quote = op === Op.STRING ? 1 : 0;
    const line = wordAt(bytes, at + 1 + quote);
    const end = line === undefined ? -1 : at + 1 + quote + line.length + quote;
    return line !== undefined && bytes[end] === 0x0a ? { text: line, end: end + 1 } : undefined;
  }
  const length = bytes[at + 1] ?? 0;
  const start = at + 1 + width;
  if (length < 2 || length > MAX_WORD) return undefined;
  const text = wordAt(bytes, start, length);
  return text?.length === length ? { text, end: start + length } : undefined;
}

/** The name that stands at a place: letters, digits, underscores and dots. */
function wordAt(bytes: Uint8Array, at: number, most = MAX_WORD): string | undefined {
  let end = at;
  while (end < bytes.length && end - at < most && isWord(bytes[end] as number)) end++;
  return end - at < 2 ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString("latin1");
}

function isWord(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x5f ||
    byte === 0x2e ||
    (byte >= 0x30 && byte <= 0x39)
  );
}
