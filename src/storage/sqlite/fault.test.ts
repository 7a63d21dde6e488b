import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { faultOf, isBusy } from "./fault.ts";

/** What node:sqlite throws for `script` on an empty database. */
function thrown(script: string, ...values: string[]): unknown {
  const db = new DatabaseSync(":memory:");
  try {
    db.exec("create table t (a text not null primary key, b bigint check (b > 0))");
    db.exec("insert into t values ('x', 1)");
    db.prepare(script).run(...values);
  } catch (error) {
    return error;
  } finally {
    db.close();
  }
  return assert.fail("nothing was thrown");
}

const withCode = (errcode: number): Error => Object.assign(new Error("SQLite says: 'a value'"), { errcode });

describe("the faults of SQLite", () => {
  it("names the column of a constraint, never the value", () => {
    const unique = faultOf(thrown("insert into t values (?, 2)", "x"), "running");
    assert.deepEqual(unique, { code: "storage.unique-violated", detail: "t.a" });
    const missing = faultOf(thrown("insert into t (b) values (3)"), "running");
    assert.deepEqual(missing, { code: "storage.constraint-violated", detail: "NOT NULL constraint failed: t.a" });
    assert.equal(faultOf(thrown("insert into t values ('y', 0)"), "running").code, "storage.constraint-violated");
  });

  it("quotes SQLite only while our own text is compiled", () => {
    const wrong = thrown("selec 1");
    assert.deepEqual(faultOf(wrong, "preparing"), {
      code: "storage.statement-refused",
      detail: 'near "selec": syntax error',
    });
    assert.deepEqual(faultOf(wrong, "running"), { code: "storage.statement-refused", detail: "SQLite result code 1" });
    const value = thrown("select json_extract('{}', ?)", "secret");
    assert.doesNotMatch(JSON.stringify(faultOf(value, "running")), /secret/);
  });

  it("maps primary and extended codes", () => {
    const codes = {
      5: "busy",
      517: "busy",
      8: "open-failed",
      266: "unavailable",
      11: "corrupt",
      267: "corrupt",
      13: "full",
      14: "open-failed",
      26: "foreign",
    };
    for (const [code, name] of Object.entries(codes)) {
      assert.equal(faultOf(withCode(Number(code)), "running").code, `storage.${name}`);
    }
    assert.equal(isBusy(withCode(5)), true);
    assert.equal(isBusy(withCode(261)), true);
    assert.equal(isBusy(withCode(11)), false);
    assert.equal(isBusy(new Error("busy")), false);
  });

  it("keeps nothing but the code of any other error", () => {
    const error = Object.assign(new TypeError("got 'a secret'"), { code: "ERR_INVALID_ARG_TYPE" });
    assert.deepEqual(faultOf(error, "running"), { code: "storage.statement-refused", detail: "ERR_INVALID_ARG_TYPE" });
    assert.deepEqual(faultOf("text", "running"), { code: "storage.statement-refused", detail: "an unexpected error" });
  });
});
