import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { Failure, runner } from "./statement.ts";

function memory() {
  const connection = new DatabaseSync(":memory:", { readBigInts: true });
  const run = runner(connection);
  run({ text: "create table t (a bigint)", values: [], want: "count" });
  return { connection, run };
}

describe("statements on a connection", () => {
  it("keeps working when more are prepared than are kept", () => {
    const { run } = memory();
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 600; index++) {
        assert.deepEqual(run({ text: `select ${index} as n`, values: [], want: "rows" }), [
          { __proto__: null, n: index },
        ]);
      }
    }
  });

  it("sees a changed schema with a statement prepared before", () => {
    const { run } = memory();
    const all = { text: "select * from t", values: [], want: "rows" } as const;
    run({ text: "insert into t values (1)", values: [], want: "count" });
    assert.deepEqual(run(all), [{ __proto__: null, a: 1 }]);
    run({ text: "alter table t add column b text", values: [], want: "count" });
    assert.deepEqual(run(all), [{ __proto__: null, a: 1, b: null }]);
  });

  it("binds whole numbers as integers, so that they print without a fraction", () => {
    const { run } = memory();
    const values = [5, 2.5, true, 7n];
    assert.deepEqual(
      run({ text: "select 'n' || ?1 || '|' || ?2 || '|' || ?3 || '|' || ?4 as text", values, want: "rows" }),
      [{ __proto__: null, text: "n5|2.5|1|7" }],
    );
  });

  it("refuses a second statement, and takes a semicolon or white space after the first", () => {
    const { run } = memory();
    for (const text of ["select 1; select 2", "insert into t values (1); drop table t", "select 1;;x"]) {
      assert.throws(() => run({ text, values: [], want: "rows" }), Failure, text);
    }
    for (const text of ["select 1 as n;", "select 1 as n ; \n", "  select 1 as n"]) {
      assert.deepEqual(run({ text, values: [], want: "rows" }), [{ __proto__: null, n: 1 }]);
    }
  });

  it("counts the rows of this statement, not of one before", () => {
    const { run } = memory();
    assert.equal(run({ text: "insert into t values (1), (2)", values: [], want: "count" }), 2);
    assert.equal(run({ text: "create table u (a bigint)", values: [], want: "count" }), 0);
    assert.equal(
      run({ text: "with n as (select 9 as a) insert into t select a from n", values: [], want: "count" }),
      1,
    );
    assert.equal(run({ text: "drop table u", values: [], want: "count" }), 0);
  });
});
