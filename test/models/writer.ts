/**
 * Small writers for tests: bytes of numbers, joined, and messages of Protocol Buffers. Honest by default; a test that
 * wants a lie writes it.
 *
 * @module
 */

/** `value` in `size` bytes, little endian unless said otherwise. */
export function int(value: number | bigint, size: 1 | 2 | 4 | 8, bigEndian = false): Uint8Array {
  const bytes = new Uint8Array(size);
  let left = BigInt.asUintN(size * 8, BigInt(value));
  for (let index = 0; index < size; index++) {
    bytes[bigEndian ? size - 1 - index : index] = Number(left & 0xffn);
    left >>= 8n;
  }
  return bytes;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function zeros(length: number): Uint8Array {
  return new Uint8Array(length);
}

/** A varint of Protocol Buffers; negative numbers take ten bytes, as the format has it. */
export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(left & 0x7fn);
    left >>= 7n;
    bytes.push(left === 0n ? low : low | 0x80);
  } while (left !== 0n);
  return Uint8Array.from(bytes);
}

/** One field of Protocol Buffers: numbers as varints, texts and bytes with their length. */
export function field(number: number, value: number | bigint | string | Uint8Array): Uint8Array {
  if (typeof value === "number" || typeof value === "bigint") return joined(varint(number * 8), varint(value));
  const bytes = typeof value === "string" ? utf8(value) : value;
  return joined(varint(number * 8 + 2), varint(bytes.length), bytes);
}

/** A message of Protocol Buffers of the given fields, in their order. */
export function message(...fields: readonly (readonly [number, number | bigint | string | Uint8Array])[]): Uint8Array {
  return joined(...fields.map(([number, value]) => field(number, value)));
}
