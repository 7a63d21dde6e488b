import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toPostgres, typeReaders } from "./types.ts";

const read = (id: number, text: string): unknown => typeReaders.getTypeParser(id)(text);

describe("the types of PostgreSQL", () => {
  it("reads integers as numbers where that is exact", () => {
    assert.equal(read(20, "9007199254740991"), 9007199254740991);
    assert.equal(read(20, "9007199254740993"), 9007199254740993n);
    assert.equal(read(20, "-9223372036854775808"), -9223372036854775808n);
    assert.equal(read(23, "-1"), -1);
    assert.equal(read(1700, "12"), 12);
    assert.equal(read(1700, "99999999999999999999"), 99999999999999999999n);
    assert.equal(read(1700, "2.50"), 2.5);
    assert.equal(read(701, "1e-07"), 1e-7);
  });

  it("reads booleans as SQLite has them, bytes as bytes, and leaves the rest as text", () => {
    assert.deepEqual([read(16, "t"), read(16, "f")], [1, 0]);
    assert.deepEqual(read(17, "\\x00ff10"), Uint8Array.of(0, 255, 16));
    assert.deepEqual(read(17, "\\x"), new Uint8Array());
    for (const id of [25, 114, 3802, 1184]) assert.equal(read(id, '{"a":1}'), '{"a":1}');
  });

  it("sends a view as the bytes it shows", () => {
    const bytes = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
    assert.deepEqual(toPostgres(bytes), Buffer.from([2, 3]));
    assert.deepEqual([true, false, "x", 1, 2n, null].map(toPostgres), [1, 0, "x", 1, 2n, null]);
  });
});
