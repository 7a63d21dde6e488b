import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { checkModern, decodeHeader, encodeHeader, eraOf, META, MODERN, modernHeaders } from "./protocol.ts";

const meta = (more: object = {}): object => ({ [META.version]: MODERN, [META.capabilities]: {}, ...more });
const code = (error: unknown, name: string): boolean => isHoldfastError(error) && error.code === name;

describe("the revisions of MCP", () => {
  it("are told apart by the header and the metadata", () => {
    assert.equal(eraOf(MODERN, {}), "modern");
    assert.equal(eraOf(undefined, { _meta: meta() }), "modern");
    assert.equal(eraOf("2025-11-25", {}), "legacy");
    assert.equal(eraOf(undefined, {}), "legacy");
    for (const [header, params] of [
      ["2027-01-01", {}],
      ["", {}],
      [undefined, { _meta: { [META.version]: "DRAFT" } }],
      [MODERN, { _meta: { [META.version]: 1 } }],
    ] as const) {
      assert.throws(
        () => eraOf(header, params),
        (error) => code(error, "gateway.mcp-version-unsupported"),
      );
    }
  });

  it("modern: headers say what the body says, or the request is refused", () => {
    const params = { name: "größe", _meta: meta() };
    const headers = modernHeaders("tools/call", params);
    checkModern("tools/call", params, headers);
    assert.equal(headers["mcp-name"], "=?base64?Z3LDtsOfZQ==?=");
    for (const wrong of [
      { "mcp-protocol-version": "2025-11-25" },
      { "mcp-protocol-version": undefined },
      { "mcp-method": "tools/list" },
      { "mcp-method": undefined },
      { "mcp-name": "other" },
      { "mcp-name": undefined },
      { "mcp-name": "=?base64?Z3LDtsOfZQ?=" },
      { "mcp-name": "=?base64?//8=?=" },
    ]) {
      assert.throws(
        () => checkModern("tools/call", params, { ...headers, ...wrong }),
        (error) => code(error, "gateway.mcp-header-mismatch"),
        JSON.stringify(wrong),
      );
    }
    for (const bad of [{}, { _meta: {} }, { _meta: { [META.version]: MODERN } }, { _meta: [] }]) {
      assert.throws(
        () => checkModern("ping", bad, headers),
        (error) => code(error, "gateway.mcp-params-invalid"),
      );
    }
  });

  it("carry any text in a header, and give it back", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.constant("=?base64?x?="), fc.string()), (text) => {
        const value = encodeHeader(text);
        assert.match(value, /^[\x20-\x7e]*$/);
        assert.equal(value.trim(), value);
        assert.equal(decodeHeader("mcp-name", value), text);
      }),
    );
  });
});
