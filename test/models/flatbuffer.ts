/**
 * Writes FlatBuffers, and TensorFlow Lite models in them, for tests. What a table refers to stands behind it, since offsets
 * have no sign.
 *
 * @module
 */

import { int, joined, utf8, zeros } from "./writer.ts";

/** A field: a number of 1, 4 or 8 bytes, a text, bytes, numbers of 32 bits, or tables. Undefined is left out. */
export type FlatField =
  | undefined
  | { readonly size: 1 | 4 | 8; readonly value: number }
  | string
  | Uint8Array
  | readonly number[]
  | { readonly tables: readonly FlatFields[] };

export type FlatFields = readonly FlatField[];

/** A buffer whose root is a table of `fields`. */
export function flatBuffer(identifier: string, fields: FlatFields): Uint8Array {
  const bytes = Buffer.alloc(64 * 1024);
  let end = 8;
  bytes.write(identifier, 4);
  const place = (length: number): number => {
    const at = Math.ceil(end / 8) * 8;
    end = at + length;
    return at;
  };
  const vector = (length: number, content: Uint8Array): number => {
    const at = place(4 + content.length + 1);
    bytes.writeUInt32LE(length, at);
    bytes.set(content, at + 4);
    return at;
  };
  const put = (value: Exclude<FlatField, undefined | { readonly size: number }>): number => {
    if (typeof value === "string") return vector(utf8(value).length, utf8(value));
    if (value instanceof Uint8Array) return vector(value.length, value);
    if (!("tables" in value)) return vector(value.length, joined(...value.map((entry) => int(entry, 4))));
    const at = vector(value.tables.length, zeros(4 * value.tables.length));
    value.tables.forEach((inner, index) => {
      const slot = at + 4 + 4 * index;
      bytes.writeUInt32LE(table(inner) - slot, slot);
    });
    return at;
  };
  const table = (own: FlatFields): number => {
    const vtable = place(4 + 2 * own.length);
    const at = place(8 + 8 * own.length);
    bytes.writeUInt16LE(4 + 2 * own.length, vtable);
    bytes.writeUInt16LE(8 + 8 * own.length, vtable + 2);
    bytes.writeInt32LE(at - vtable, at);
    own.forEach((value, index) => {
      if (value === undefined) return;
      const slot = at + 8 + 8 * index;
      bytes.writeUInt16LE(slot - at, vtable + 4 + 2 * index);
      if (typeof value === "object" && "size" in value) bytes.set(int(value.value, value.size), slot);
      else bytes.writeUInt32LE(put(value) - slot, slot);
    });
    return at;
  };
  bytes.writeUInt32LE(table(fields), 0);
  return new Uint8Array(bytes.subarray(0, end));
}

export interface TfliteParts {
  readonly custom?: string;
  /** Index of the operator's code. */
  readonly code?: number;
  readonly inputs?: readonly number[];
  readonly shape?: readonly number[];
  /** Index of the constant's buffer. */
  readonly buffer?: number;
  readonly data?: Uint8Array;
  /** Of buffer 1: where it lies behind the FlatBuffer, and its bytes. */
  readonly offset?: number;
  readonly size?: number;
}

/** A model of one operator over one constant of floats. */
export function tfliteModel(parts: TfliteParts = {}): Uint8Array {
  const { custom, code = 0, inputs = [0, 1], shape = [2, 2], buffer = 1, data = zeros(16), offset, size } = parts;
  const i32 = (value: number): FlatField => ({ size: 4, value });
  const number = custom === undefined ? 9 : 32;
  const far = (value: number | undefined): FlatField => (value === undefined ? undefined : { size: 8, value });
  return flatBuffer("TFL3", [
    i32(3),
    { tables: [[{ size: 1, value: number }, custom, i32(1), i32(number)]] },
    {
      tables: [
        [
          {
            tables: [
              [[1, 2], { size: 1, value: 0 }, i32(0), "x"],
              [shape, { size: 1, value: 0 }, i32(buffer), "w"],
            ],
          },
          [0],
          [0],
          { tables: [[i32(code), inputs, [0]]] },
        ],
      ],
    },
    "test",
    { tables: [[undefined], [offset === undefined ? data : undefined, far(offset), far(size)]] },
  ]);
}
