import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { idOf, readMessage } from "./message.ts";

describe("a message", () => {
  it("is a request, a notification, a result or an error", () => {
    const of = { jsonrpc: "2.0" };
    assert.deepEqual(readMessage({ ...of, id: 0, method: "a/b" }), {
      kind: "request",
      id: 0,
      method: "a/b",
      params: {},
    });
    assert.equal(readMessage({ ...of, method: "notifications/x", params: { a: 1 } }).kind, "notification");
    assert.equal(readMessage({ ...of, id: "x", result: {} }).kind, "result");
    assert.equal(readMessage({ ...of, id: null, error: { code: -1, message: "" } }).kind, "error");
  });

  it("is refused whatever else it is", () => {
    const base = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    for (const value of [
      [base],
      null,
      "x",
      { ...base, jsonrpc: "1.0" },
      { id: 1, method: "x" },
      { ...base, id: null },
      { ...base, id: 1.5 },
      { ...base, id: {} },
      { ...base, id: "x".repeat(257) },
      { ...base, method: "" },
      { ...base, method: 1 },
      { ...base, method: "a b" },
      { ...base, method: "x".repeat(129) },
      { ...base, params: [] },
      { ...base, params: null },
      { ...base, result: {} },
      { ...base, note: "read me" },
      { jsonrpc: "2.0", id: 1 },
      { jsonrpc: "2.0", id: 1, result: [] },
      { jsonrpc: "2.0", id: 1, result: {}, error: { code: 1, message: "" } },
      { jsonrpc: "2.0", id: 1, error: { code: "1", message: "" } },
      { jsonrpc: "2.0", id: 1, error: { code: 1 } },
      { jsonrpc: "2.0", id: 1, error: { code: 1, message: "", more: "" } },
    ]) {
      assert.throws(
        () => readMessage(value),
        (error) => isHoldfastError(error, "gateway.mcp-message-invalid"),
        JSON.stringify(value),
      );
    }
    assert.doesNotThrow(() => readMessage({ ...base, id: "x".repeat(256) }));
    assert.doesNotThrow(() => readMessage({ ...base, method: "x".repeat(128) }));
  });

  it("never fails in another way", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          readMessage(value);
        } catch (error) {
          assert.ok(isHoldfastError(error, "gateway.mcp-message-invalid"));
        }
        idOf(value);
      }),
    );
  });
});
