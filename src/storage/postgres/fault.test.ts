import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { storageError } from "../errors.ts";
import { faultOf, isServerError, outcomeUnknown } from "./fault.ts";

/** An error as `pg` makes it of the server's message. */
const server = (code: string, more: object = {}): Error =>
  Object.assign(new Error('invalid input: "secret"'), { severity: "ERROR", code, detail: "Key (a)=(secret)", ...more });

describe("the faults of PostgreSQL", () => {
  it("maps whole codes before classes", () => {
    const codes = {
      "23505": "unique-violated",
      "23503": "constraint-violated",
      "40001": "conflict",
      "40P01": "conflict",
      "40002": "statement-refused",
      "53100": "full",
      "53300": "unavailable",
      "57014": "busy",
      "57P01": "unavailable",
      "55P03": "busy",
      "28P01": "unavailable",
      "25P03": "transaction-over",
      "25006": "unavailable",
      XX001: "corrupt",
      "22P02": "statement-refused",
    };
    for (const [state, name] of Object.entries(codes)) {
      const error = faultOf(server(state));
      assert.equal(error.code, `storage.${name}`, state);
      assert.match(error.message, new RegExp(`\\(SQLSTATE ${state}\\)|SQLSTATE ${state}`));
    }
  });

  it("repeats no value: not in the message, the detail or the cause", () => {
    for (const state of ["22P02", "23505", "08006", "57P01"]) {
      const error = faultOf(server(state, { constraint: "t_pkey", where: "secret" }));
      assert.doesNotMatch(`${error.message}${error.detail}${JSON.stringify(error)}`, /secret/);
      assert.equal(error.cause, undefined);
    }
    assert.match(faultOf(server("23505", { constraint: "t_pkey" })).message, /t_pkey/);
    assert.match(faultOf(server("23502", { table: "t", column: "a" })).message, /t\.a/);
  });

  it("quotes the server where it quotes our own statement", () => {
    const error = Object.assign(new Error('relation "nowhere" does not exist'), { severity: "ERROR", code: "42P01" });
    assert.match(faultOf(error).message, /relation "nowhere" does not exist \(SQLSTATE 42P01\)/);
  });

  it("says of a lost connection what is known without the URL", () => {
    const refused = Object.assign(new Error("connect postgres://u:secret@h"), {
      code: "ECONNREFUSED",
      address: "127.0.0.1",
      port: 5432,
    });
    assert.equal(faultOf(refused).detail, "ECONNREFUSED 127.0.0.1:5432");
    assert.equal(faultOf(new Error("Connection terminated unexpectedly")).detail, "Connection terminated unexpectedly");
    const odd = faultOf(new TypeError("cannot parse postgres://u:secret@h"));
    assert.deepEqual([odd.code, odd.detail], ["storage.unavailable", "the connection failed"]);
    assert.equal(isServerError(refused), false);
  });

  it("leaves our own errors alone, and marks what may have taken effect", () => {
    const own = storageError("storage.closed");
    assert.equal(faultOf(own), own);
    assert.throws(
      () => outcomeUnknown(own),
      (error) => error === own,
    );
    const lost = faultOf(new Error("Connection terminated unexpectedly"));
    assert.throws(() => outcomeUnknown(lost), /whether the change took effect is not known/);
  });
});
