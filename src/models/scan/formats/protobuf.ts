/**
 * The wire format of Protocol Buffers, bounded: fields one by one, in place, without a schema and without recursion.
 *
 * What has no end in the bytes throws, and so does what no writer makes: field number 0, groups (deprecated since
 * proto2, used by no format of models), varints of more than ten bytes.
 *
 * Source: protobuf.dev/programming-guides/encoding.
 *
 * @module
 */

import { ByteReader, Truncated } from "../reader.ts";
import { bytesSource, sliceSource, type Source } from "../source.ts";

export interface ProtoField {
  readonly number: number;
  /** `varint` (0), `fixed64` (1), `bytes` (2), `fixed32` (5). */
  readonly wire: "varint" | "fixed64" | "bytes" | "fixed32";
  /** The number of a varint or fixed field, as unsigned; past 2^53 it is rounded. 0 for bytes. */
  readonly value: number;
  /** Where the payload begins in its source, and its bytes. */
  readonly offset: number;
  readonly length: number;
}

/** Most levels of messages that a reader descends: protobuf's own limit, beyond which no loader reads. */
export const MAX_PROTO_DEPTH = 100;

/** Messages up to this size are copied once, so that their fields cost no read each. */
const COPIED = 1024 * 1024;

const WIRES = ["varint", "fixed64", "bytes", undefined, undefined, "fixed32"] as const;

/**
 * The fields of the message that `source` holds, in their order.
 *
 * @throws Truncated where a field reaches past the end; RangeError for what is no field
 */
export function* protoFields(source: Source): Generator<ProtoField, void, undefined> {
  const reader = new ByteReader(source);
  while (reader.left > 0) {
    const tag = varint(reader);
    const number = Math.floor(tag / 8);
    const wire = WIRES[tag % 8];
    if (number === 0 || number > 0x1fff_ffff || wire === undefined) {
      throw new RangeError(`no field of protobuf at ${reader.position}`);
    }
    let value = 0;
    let length = 0;
    let offset = reader.position;
    if (wire === "varint") {
      value = varint(reader);
      length = reader.position - offset;
    } else if (wire === "bytes") {
      length = varint(reader);
      offset = reader.position;
      reader.skip(length);
    } else {
      length = wire === "fixed64" ? 8 : 4;
      value = wire === "fixed64" ? Number(reader.u64()) : reader.u32();
    }
    yield { number, wire, value, offset, length };
  }
}

/** What `field` holds, as a source of its own: to descend, or to read. Fields that hold no bytes give none. */
export function protoPayload(source: Source, field: ProtoField): Source {
  if (field.wire !== "bytes") return bytesSource(new Uint8Array(0));
  if (field.length > COPIED) return sliceSource(source, field.offset, field.length);
  return bytesSource(Uint8Array.from(source.read(field.offset, field.length)));
}

const lenient = new TextDecoder("utf-8");

/** The text of `field`. What is longer than `max` bytes is cut there: enough to name a thing, not to judge it. */
export function protoText(source: Source, field: ProtoField, max = 64 * 1024): string {
  if (field.wire !== "bytes") return "";
  return lenient.decode(source.read(field.offset, Math.min(field.length, max)));
}

/**
 * The numbers of the fields of `source`, of the first `most`, with the wire type that each had first. Undefined where it
 * is no message of protobuf. For telling formats apart.
 */
export function protoShape(source: Source, most = 256): ReadonlyMap<number, ProtoField> | undefined {
  const shape = new Map<number, ProtoField>();
  let count = 0;
  try {
    for (const field of protoFields(source)) {
      if (!shape.has(field.number)) shape.set(field.number, field);
      if (++count >= most) break;
    }
  } catch (error) {
    if (error instanceof Truncated || error instanceof RangeError) return undefined;
    throw error;
  }
  return shape;
}

/** Numbers past 2^53 lose their last bits, which no length, count or enumeration needs. */
function varint(reader: ByteReader): number {
  let value = 0;
  let scale = 1;
  for (let count = 0; count < 10; count++) {
    const byte = reader.u8();
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  throw new RangeError(`a varint of more than 10 bytes at ${reader.position - 10}`);
}
