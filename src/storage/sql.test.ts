import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isOwnText, isSql, ownText, renderSql, sql, type SqlValue } from "./sql.ts";

describe("the sql tag", () => {
  it("puts a numbered placeholder where a value stands", () => {
    const statement = sql`select id from t where a = ${1} and b = ${"x"} or c is ${null}`;
    assert.equal(renderSql(statement, "$"), "select id from t where a = $1 and b = $2 or c is $3");
    assert.equal(renderSql(statement, "?"), "select id from t where a = ?1 and b = ?2 or c is ?3");
    assert.deepEqual(statement.values, [1, "x", null]);
    assert.equal(renderSql(sql`select 1`, "$"), "select 1");
  });

  it("nests statements, at the start, in the middle and at the end", () => {
    const inner = sql`b = ${2}`;
    const statement = sql`${sql`select ${1}`} where ${inner} and ${sql`c`} = ${sql`${3} + ${sql`${4}`}`}`;
    assert.equal(renderSql(statement, "$"), "select $1 where b = $2 and c = $3 + $4");
    assert.deepEqual(statement.values, [1, 2, 3, 4]);
    assert.equal(renderSql(sql`${inner} or ${inner}`, "?"), "b = ?1 or b = ?2");
  });

  it("never lets a value into the text", () => {
    const value = fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array(),
    );
    const usable = value.filter((one) => typeof one !== "string" || !one.includes("\0"));
    fc.assert(
      fc.property(usable, usable, (one: SqlValue, other: SqlValue) => {
        const statement = sql`a ${one} b ${sql`c ${other} d`} e`;
        assert.equal(renderSql(statement, "$"), "a $1 b c $2 d e");
        assert.deepEqual(statement.values, [one, other]);
      }),
    );
  });

  it("knows its own statements by identity, not by shape", () => {
    const statement = sql`select ${1}`;
    assert.equal(isSql(statement), true);
    for (const forged of [
      { ...statement },
      structuredClone(statement),
      Object.create(statement) as object,
      null,
      "x",
    ]) {
      assert.equal(isSql(forged), false);
      assert.throws(() => renderSql(forged as never, "$"), { code: "storage.sql-untagged" });
    }
    assert.throws(() => sql`select ${structuredClone(statement)}`, { code: "storage.value-unsupported" });
  });

  it("makes statements that cannot be changed", () => {
    const statement = sql`select ${1}`;
    assert.throws(() => (statement.text as string[]).push("; drop table t"), TypeError);
    assert.throws(() => ((statement.values as SqlValue[])[0] = 2), TypeError);
    assert.throws(() => ((statement as { text: unknown }).text = ["x"]), TypeError);
  });

  it("refuses what the databases would not keep as it is", () => {
    const refused: [unknown, RegExp][] = [
      ["a\0b", /NUL/],
      ["\ud800", /lone surrogate/],
      [Number.NaN, /not finite/],
      [Number.POSITIVE_INFINITY, /not finite/],
      [2 ** 53, /2\^53/],
      [1e300, /2\^53/],
      [2n ** 63n, /64 bits/],
      [-(2n ** 63n) - 1n, /64 bits/],
      [undefined, /undefined/],
      [Symbol("x"), /symbol/],
      [{}, /object/],
      [[1], /object/],
      [new Date(), /object/],
      [new String("x"), /object/],
      [() => "x", /function/],
    ];
    for (const [value, detail] of refused) {
      assert.throws(
        () => sql`select ${value as SqlValue}`,
        (error: { code: string; detail: string }) => {
          assert.equal(error.code, "storage.value-unsupported");
          assert.match(error.detail, detail);
          return true;
        },
      );
    }
    for (const value of [2 ** 53 - 1, 0.5, -0, 2n ** 63n - 1n, "", true, null, new Uint8Array(), Buffer.from("x")]) {
      assert.deepEqual(sql`${value}`.values, [value]);
    }
  });

  it("tells the text of a migration from a tagged statement", () => {
    assert.equal(isOwnText(ownText("create table t (a text)")), true);
    assert.equal(renderSql(ownText("create table t (a text)"), "$"), "create table t (a text)");
    assert.equal(isOwnText(sql`create table t (a text)`), false);
  });
});
