import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { field, joined, message, varint } from "../../../../test/models/writer.ts";
import { Truncated } from "../reader.ts";
import { bytesSource } from "../source.ts";
import { protoFields, protoPayload, protoShape, protoText } from "./protobuf.ts";

const all = (bytes: Uint8Array) => [...protoFields(bytesSource(bytes))];

describe("protobuf", () => {
  it("gives the fields of a message in their order", () => {
    const bytes = message([1, 7], [2, "name"], [1, 300n], [536_870_911, "last"]);
    assert.deepEqual(
      all(bytes).map(({ number, wire, value, length }) => [number, wire, value, length]),
      [
        [1, "varint", 7, 1],
        [2, "bytes", 0, 4],
        [1, "varint", 300, 2],
        [536_870_911, "bytes", 0, 4],
      ],
    );
  });

  it("reads fixed numbers, texts and messages in messages", () => {
    const bytes = joined(Uint8Array.of(0x0d, 1, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0, 0, 0), field(3, message([1, "deep"])));
    const source = bytesSource(bytes);
    const [fixed32, fixed64, inner] = all(bytes);
    assert.deepEqual([fixed32?.value, fixed64?.value], [1, 2]);
    assert.ok(inner);
    const payload = protoPayload(source, inner);
    const [name] = [...protoFields(payload)];
    assert.ok(name);
    assert.equal(protoText(payload, name), "deep");
  });

  it("refuses what reaches past the end, groups, field 0 and endless varints", () => {
    assert.throws(() => all(Uint8Array.of(0x0a, 5, 1)), Truncated);
    assert.throws(() => all(joined(Uint8Array.of(0x0a), varint(2n ** 63n))), Truncated);
    assert.throws(() => all(Uint8Array.of(0x0b, 0x0c)), RangeError);
    assert.throws(() => all(Uint8Array.of(0x00, 0x01)), RangeError);
    assert.throws(() => all(new Uint8Array(12).fill(0x80)), RangeError);
  });

  it("gives back any fields that were written", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.uint8Array({ maxLength: 40 }))), (fields) => {
        const source = bytesSource(message(...fields));
        const read = [...protoFields(source)].map((found) => {
          const payload = protoPayload(source, found);
          return [found.number, Uint8Array.from(payload.read(0, payload.size))];
        });
        assert.deepEqual(read, fields);
      }),
    );
  });

  it("tells what is no message", () => {
    assert.equal(protoShape(bytesSource(new TextEncoder().encode("{}"))), undefined);
    assert.deepEqual([...(protoShape(bytesSource(message([1, 1], [7, "x"]))) ?? []).keys()], [1, 7]);
  });
});
