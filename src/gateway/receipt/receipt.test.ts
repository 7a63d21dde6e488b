import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { canonicalJson, decodeStatement, PredicateType, type Finding } from "../../core/index.ts";
import { encodeReceipt, safePointer, type Exchange, type Receipt } from "./receipt.ts";

const exchange = (more: Partial<Exchange> = {}): Exchange => ({
  id: "0190",
  receivedAt: 0,
  startedAt: 10,
  endedAt: 12.3456,
  outcome: "served",
  status: 200,
  ...more,
});
const receiptOf = (given: Exchange): Receipt => {
  const made = decodeStatement(encodeReceipt(given, "abcd"));
  assert.equal(made.predicateType, PredicateType.receipt);
  assert.equal(made.subject[0]?.name, `request:${given.id}`);
  return made.predicate as Receipt;
};

describe("a receipt", () => {
  it("says null for what did not happen", () => {
    assert.deepEqual(receiptOf(exchange({ outcome: "refused", error: "gateway.key-missing", status: 401 })), {
      id: "0190",
      receivedAt: "1970-01-01T00:00:00.000Z",
      outcome: "refused",
      error: "gateway.key-missing",
      status: 401,
      principal: null,
      route: null,
      model: null,
      stream: false,
      policy: { digest: { sha256: "abcd" } },
      request: null,
      response: null,
      guards: { request: null, response: null },
      upstream: null,
      tokens: { input: null, output: null },
      timing: { totalMs: 2.346, firstByteMs: null },
    });
  });

  it("is canonical JSON, whatever is in it", () => {
    const text = fc.string({ unit: "binary", maxLength: 20 });
    const run = fc.record(
      { detector: text, version: text, outcome: fc.constant("ran" as const), findings: fc.nat(), why: text },
      { requiredKeys: ["detector", "version", "outcome", "findings"] },
    );
    const finding = fc.record({
      rule: text,
      severity: fc.constant("low" as const),
      location: fc.record({ pointer: text, start: fc.nat(), end: fc.nat() }),
      message: text,
      remedy: text,
      references: fc.array(text),
    });
    const record = fc.record({
      verdict: fc.record({ action: fc.constant("mask" as const), runs: fc.array(run), findings: fc.array(finding) }),
      unscanned: fc.array(
        fc.record({ pointer: text, why: text, size: fc.nat(), kind: fc.constant("base64" as const) }),
      ),
    });
    const part = fc.record({ bytes: fc.nat(), commitment: text });
    const any = fc.record(
      {
        route: text,
        model: text,
        stream: fc.boolean(),
        request: part,
        response: part,
        requestVerdict: record,
        responseVerdict: record,
        upstream: fc.record({
          name: text,
          status: fc.nat(),
          firstByteMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
        }),
        usage: fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat() }),
        error: text,
        unrecordedBefore: fc.nat(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(any, (more) => {
        const written = new TextDecoder().decode(encodeReceipt(exchange(more), "abcd"));
        assert.equal(canonicalJson(JSON.parse(written)), written);
      }),
    );
  });

  it("lists findings up to a bound and says how many more there are", () => {
    const finding = (start: number): Finding => ({
      rule: "unicode.tag",
      severity: "high",
      location: { pointer: "/messages/0/content", start, end: start + 1 },
      message: "",
      remedy: "",
      references: [],
    });
    const findings = Array.from({ length: 5_000 }, (_, index) => finding(index));
    const verdict = { action: "block", findings, runs: [] } as const;
    const bytes = encodeReceipt(exchange({ requestVerdict: { verdict, unscanned: [] } }), "abcd");
    assert.ok(bytes.length < 65_535);
    const summary = (decodeStatement(bytes).predicate as Receipt).guards.request;
    assert.equal(summary?.findings.length, 40);
    assert.equal(summary?.moreFindings, 4_960);
  });

  it("fits into an entry of the ledger, whatever was found and left unread", () => {
    const pointer = `/tools/0/function${"/parameters/properties/0".repeat(200)}/redacted_thinking`;
    const location = { pointer, start: 4_000_000, end: 4_000_001 };
    const finding = { rule: "unicode.bidirectional-override", severity: "critical" as const, location };
    const findings = Array.from({ length: 500 }, () => ({ ...finding, message: "", remedy: "", references: [] }));
    const why = "x".repeat(80);
    const unscanned = Array.from({ length: 500 }, () => ({
      pointer,
      why,
      size: 4_000_000,
      kind: "token-ids" as const,
    }));
    const record = { verdict: { action: "block" as const, findings, runs: [] }, unscanned };
    const bytes = encodeReceipt(exchange({ requestVerdict: record, responseVerdict: record }), "abcd");
    assert.ok(bytes.length < 65_535, `${bytes.length} bytes`);
  });

  it("shows of a pointer only names that the protocols define", () => {
    assert.equal(
      safePointer("/messages/12/tool_calls/0/function/arguments"),
      "/messages/12/tool_calls/0/function/arguments",
    );
    assert.equal(safePointer("/metadata/AKIAZ3MGNQWERTYUIOPA"), "/metadata/*");
    assert.equal(safePointer("/metadata/#0/content/#decoded"), "/metadata/#0/content/#decoded");
    assert.equal(safePointer("/metadata/#secret"), "/metadata/*");
    assert.equal(safePointer(""), "");
    fc.assert(
      fc.property(fc.string({ minLength: 25 }), (secret) => {
        assert.equal(safePointer(`/metadata/${secret}`).includes(secret), false);
      }),
    );
  });
});
