/**
 * A writer of R's serialization for tests, in its XDR form: what R itself does not write, and hostile files want.
 *
 * @module
 */

import { int, joined, utf8 } from "./writer.ts";

const number = (value: number): Uint8Array => int(value, 4, true);

/** `NULL`, and what stands for the value of a promise that was not evaluated. */
export const rNull = number(254);
const unbound = number(252);

/** A file of `saveRDS`. */
export function rFile(item: Uint8Array, version: 2 | 3 = 2): Uint8Array {
  const encoding = version === 3 ? [number(5), utf8("UTF-8")] : [];
  return joined(utf8("X\n"), ...[version, 0x04_02_02, 0x02_03_00].map(number), ...encoding, item);
}

export function rString(text: string): Uint8Array {
  return joined(number(9), number(utf8(text).length), utf8(text));
}

export function rSymbol(name: string): Uint8Array {
  return joined(number(1), rString(name));
}

export function rStrings(...texts: readonly string[]): Uint8Array {
  return joined(number(16), number(texts.length), ...texts.map(rString));
}

export function rReals(...values: readonly number[]): Uint8Array {
  const doubles = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => doubles.writeDoubleBE(value, 8 * index));
  return joined(number(14), number(values.length), doubles);
}

/** A vector of objects, with its attributes where there are any: a pairlist. */
export function rVector(items: readonly Uint8Array[], attributes?: Uint8Array): Uint8Array {
  const flags = attributes === undefined ? 19 : 19 | 0x200;
  return joined(number(flags), number(items.length), ...items, attributes ?? new Uint8Array());
}

/** A pairlist of names and values, as attributes are, and what `save` writes. */
export function rPairs(...pairs: readonly (readonly [name: string, value: Uint8Array])[]): Uint8Array {
  const each = pairs.map(([name, value]) => joined(number(2 | 0x400), rSymbol(name), value));
  return joined(...each, rNull);
}

/** A call of a function by its name, or by an expression. */
export function rCall(head: string | Uint8Array, ...values: readonly Uint8Array[]): Uint8Array {
  const called = typeof head === "string" ? rSymbol(head) : head;
  return joined(number(6), called, ...values.map((value) => joined(number(2), value)), rNull);
}

export function rPromise(code: Uint8Array, value: Uint8Array = unbound): Uint8Array {
  return joined(number(5), value, code);
}

/** An environment of a list, or of a table of lists. */
export function rEnvironment(frame: Uint8Array, table: Uint8Array = rNull): Uint8Array {
  return joined(number(4), number(0), number(242), frame, table, rNull);
}

/** `depth` lists in one another. */
export function rNested(depth: number): Uint8Array {
  return joined(...Array.from({ length: depth }, () => joined(number(19), number(1))), rNull);
}
