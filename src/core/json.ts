/**
 * The one place where bytes from outside become JSON values.
 *
 * `JSON.parse` alone is not enough at a security boundary: it keeps the last of two equal names where another reader
 * keeps the first, so that a guard could judge one prompt and the model read the other; it replaces nothing but also
 * limits nothing. This reader first walks the text once without recursion, refusing what is too deep or ambiguous,
 * and only then lets the engine's parser build the value.
 *
 * @module
 */

import { coreError } from "./errors.ts";

export interface JsonLimits {
  /** Most bytes of the whole text. */
  readonly maxBytes: number;
  /** Most levels of arrays and objects. */
  readonly maxDepth: number;
}

/** For documents of our own making and small answers of services. Traffic sets its own limits by policy. */
export const DEFAULT_JSON_LIMITS: JsonLimits = { maxBytes: 4 * 1024 * 1024, maxDepth: 64 };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads UTF-8 bytes, or an already decoded text, as one JSON value.
 *
 * Refuses, each with its own code: more than `maxBytes` bytes, invalid UTF-8 (also a byte order mark: RFC 8259
 * section 8.1 forbids it), more than `maxDepth` levels, an object with the same name twice (after unescaping), and
 * whatever is not JSON. Messages never quote the text: it may hold secrets.
 *
 * @throws `core.json-too-large`, `core.utf8-invalid`, `core.json-too-deep`, `core.json-duplicate-name`,
 *   `core.json-invalid`
 *
 * @example
 * ```ts
 * import { parseJson } from "holdfast/core";
 *
 * parseJson('{"role":"user"}'); // { role: "user" }
 * parseJson('{"a":1,"\\u0061":2}'); // throws core.json-duplicate-name
 * ```
 */
export function parseJson(input: Uint8Array | string, limits: JsonLimits = DEFAULT_JSON_LIMITS): unknown {
  const text = typeof input === "string" ? input : decode(input, limits.maxBytes);
  // A UTF-16 unit is at least one byte of UTF-8, so this bound never refuses what the byte bound would accept.
  if (text.length > limits.maxBytes) throw tooLarge(limits.maxBytes);
  checkStructure(text, limits.maxDepth);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw invalid(position(cause));
  }
}

/** Decodes bytes that must be UTF-8. @throws `core.utf8-invalid` */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw coreError("core.utf8-invalid");
  }
}

function decode(bytes: Uint8Array, maxBytes: number): string {
  if (bytes.length > maxBytes) throw tooLarge(maxBytes);
  return decodeUtf8(bytes);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * One pass over the text that tracks only brackets and member names. It need not reject every invalid text, since
 * `JSON.parse` follows; it must not misjudge the depth or the names of a valid one.
 */
function checkStructure(text: string, maxDepth: number): void {
  const names = new Names(text);
  // For each open container whether it is an object.
  const open: boolean[] = [];
  // Whether the next string, if one comes, stands where a member name stands.
  let atName = false;

  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case QUOTE: {
        const end = endOfString(text, index);
        if (atName) {
          names.add(index, end);
          atName = false;
        }
        index = end;
        break;
      }
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (open.length >= maxDepth) {
          throw coreError("core.json-too-deep", { detail: `more than ${maxDepth} levels` });
        }
        atName = text.charCodeAt(index) === OPEN_OBJECT;
        open.push(atName);
        if (atName) names.open();
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        if (open.pop() === true) names.close();
        atName = false;
        break;
      case COMMA:
        atName = open[open.length - 1] === true;
        break;
      case COLON:
        atName = false;
        break;
      default:
    }
  }
}

/** Names of an object that are compared one by one; of one with more a set is made. */
const FEW = 16;

/** The names of the objects that are open, each by where it stands: a text for each would cost more than all else here. */
class Names {
  readonly #text: string;
  /** Of all open objects, the outermost first: the places of the quotes around each name. */
  readonly #places: number[] = [];
  /** Where those of each open object begin. */
  readonly #firsts: number[] = [];
  /** By the number of objects around it: the names of an object, where they were too many or one has an escape. */
  readonly #sets: (Set<string> | undefined)[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  open(): void {
    this.#firsts.push(this.#places.length);
  }

  close(): void {
    this.#places.length = this.#firsts.pop() as number;
    const depth = this.#firsts.length;
    if (this.#sets[depth] !== undefined) this.#sets[depth] = undefined;
  }

  /** Adds the name between two quotes to the innermost object. @throws `core.json-duplicate-name` */
  add(start: number, end: number): void {
    const depth = this.#firsts.length - 1;
    const first = this.#firsts[depth] as number;
    let set = this.#sets[depth];
    if (set === undefined) {
      const few = this.#places.length - first < 2 * FEW;
      if (few && !this.#isEscaped(start, end)) {
        this.#compare(first, start, end);
        this.#places.push(start, end);
        return;
      }
      this.#sets[depth] = set = this.#setFrom(first);
    }
    const name = this.#isEscaped(start, end) ? unescape(this.#text, start, end) : this.#text.slice(start + 1, end);
    if (set.has(name)) throw coreError("core.json-duplicate-name");
    set.add(name);
  }

  #compare(first: number, start: number, end: number): void {
    for (let at = first; at < this.#places.length; at += 2) {
      const other = this.#places[at] as number;
      if ((this.#places[at + 1] as number) - other !== end - start) continue;
      let same = 1;
      while (same < end - start && this.#text.charCodeAt(other + same) === this.#text.charCodeAt(start + same)) same++;
      if (same >= end - start) throw coreError("core.json-duplicate-name");
    }
  }

  #setFrom(first: number): Set<string> {
    const set = new Set<string>();
    for (let at = first; at < this.#places.length; at += 2) {
      set.add(this.#text.slice((this.#places[at] as number) + 1, this.#places[at + 1]));
    }
    return set;
  }

  #isEscaped(start: number, end: number): boolean {
    for (let at = start + 1; at < end; at++) if (this.#text.charCodeAt(at) === BACKSLASH) return true;
    return false;
  }
}

/** Index of the quote that closes the string opened at `start`. */
function endOfString(text: string, start: number): number {
  let end = start;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end === -1) throw invalid(start);
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}

function unescape(text: string, start: number, end: number): string {
  try {
    return JSON.parse(text.slice(start, end + 1)) as string;
  } catch {
    throw invalid(start);
  }
}

function tooLarge(maxBytes: number): Error {
  return coreError("core.json-too-large", { detail: `more than ${maxBytes} bytes` });
}

function invalid(at: number | undefined): Error {
  return coreError("core.json-invalid", at === undefined ? {} : { detail: `at character ${at}` });
}

/** The engine's message quotes the text, which may hold a secret: only the position is taken from it. */
function position(cause: unknown): number | undefined {
  const match = cause instanceof Error ? /at position (\d+)/.exec(cause.message) : null;
  return match === null ? undefined : Number(match[1]);
}
