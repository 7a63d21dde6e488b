/**
 * A small assembler of pickles: what picklers never write can be written with it. Nothing here is ever loaded.
 *
 * @module
 */

import { Op } from "../../src/models/scan/formats/pickle/opcodes.ts";

export type Part = number | string | Uint8Array | readonly Part[];

/** Instructions, texts as Latin-1, and bytes, one after another. */
export function assemble(...parts: readonly Part[]): Uint8Array {
  return Buffer.concat(parts.map(bytesOf));
}

function bytesOf(part: Part): Uint8Array {
  if (typeof part === "number") return Uint8Array.of(part);
  if (typeof part === "string") return Buffer.from(part, "latin1");
  return part instanceof Uint8Array ? part : Buffer.concat(part.map(bytesOf));
}

export const proto = (version = 4): Part => [Op.PROTO, version];

/** GLOBAL. */
export const global = (module: string, name: string): Part => [Op.GLOBAL, `${module}\n${name}\n`];

/** SHORT_BINUNICODE. */
export const text = (value: string): Part => [Op.SHORT_BINUNICODE, Buffer.byteLength(value), Buffer.from(value)];

/** STACK_GLOBAL of two literal texts. */
export const stackGlobal = (module: string, name: string): Part => [text(module), text(name), Op.STACK_GLOBAL];

/** REDUCE with literal texts for arguments. */
export const reduce = (callable: Part, ...args: readonly string[]): Part => [
  callable,
  Op.MARK,
  args.map(text),
  Op.TUPLE,
  Op.REDUCE,
];

/** `frame` around `body`, or of another length. */
export const frame = (body: Uint8Array, length = body.length): Part => [Op.FRAME, u64(length), body];

export function u64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** `os.system("id")`, as the plainest payload of all. */
export const PAYLOAD = assemble(proto(2), reduce(global("os", "system"), "id"), Op.STOP);

/** `{"a": 1}`, as the plainest pickle of all. */
export const BENIGN = assemble(proto(2), Op.EMPTY_DICT, text("a"), Op.BININT1, 1, Op.SETITEM, Op.STOP);
