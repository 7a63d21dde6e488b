/**
 * Reads DER (X.690), as much of it as certificates need: definite lengths, one value after the other, bounds checked.
 *
 * @module
 */

export interface DerValue {
  /** The identifier octet: class, constructed bit and number; numbers over 30 are refused. */
  readonly tag: number;
  readonly content: Buffer;
}

export const DerTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** All values in `bytes`, one after the other. @throws RangeError when they are no DER */
export function readDer(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] as number;
    if ((tag & 0x1f) === 0x1f) throw new RangeError("a tag over 30");
    const { length, start } = readLength(bytes, at + 1);
    if (length > bytes.length - start) throw new RangeError("a value longer than what holds it");
    values.push({ tag, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return values;
}

/** The values inside of `value`, which must have `tag`. */
export function inside(value: DerValue | undefined, tag: number): DerValue[] {
  return readDer(contentOf(value, tag));
}

/** The bytes of `value`, which must have `tag`. */
export function contentOf(value: DerValue | undefined, tag: number): Buffer {
  if (value?.tag !== tag) throw new RangeError(`tag ${value?.tag ?? "none"} instead of ${tag}`);
  return value.content;
}

/** An object identifier in dotted decimals. */
export function readOid(value: DerValue | undefined): string {
  const content = contentOf(value, DerTag.oid);
  const arcs: number[] = [];
  let arc = 0;
  for (const [index, byte] of content.entries()) {
    if (arc > Number.MAX_SAFE_INTEGER / 256) throw new RangeError("an arc of an identifier is too large");
    arc = arc * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) {
      if (index === content.length - 1) throw new RangeError("an identifier without an end");
      continue;
    }
    if (arcs.length === 0) {
      const first = Math.min(Math.floor(arc / 40), 2);
      arcs.push(first, arc - first * 40);
    } else {
      arcs.push(arc);
    }
    arc = 0;
  }
  if (arcs.length === 0) throw new RangeError("an empty identifier");
  return arcs.join(".");
}

function readLength(bytes: Buffer, at: number): { readonly length: number; readonly start: number } {
  const first = bytes[at];
  if (first === undefined) throw new RangeError("no length");
  if (first < 0x80) return { length: first, start: at + 1 };
  const octets = first & 0x7f;
  if (octets === 0 || octets > 4 || at + 1 + octets > bytes.length) throw new RangeError("a length out of range");
  const length = bytes.readUIntBE(at + 1, octets);
  // DER has one form for each length: the shortest.
  if (length < 0x80 || (octets > 1 && bytes[at + 1] === 0)) throw new RangeError("a length that is not the shortest");
  return { length, start: at + 1 + octets };
}
