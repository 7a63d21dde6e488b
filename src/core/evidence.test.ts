import assert from "node:assert/strict";
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { describe, it } from "node:test";

import fc from "fast-check";

import { decodeEnvelope, openEnvelope, preAuthEncoding, signEnvelope, type Signer, type Verifier } from "./dsse.ts";
import { isHoldfastError } from "./errors.ts";
import { decodeStatement, encodeStatement, PredicateType, statement, STATEMENT_MEDIA_TYPE } from "./evidence.ts";

const utf8 = new TextEncoder();
const text = new TextDecoder();

function keyPair(keyid: string): Signer & Verifier {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    keyid,
    sign: (bytes) => sign(null, bytes, privateKey),
    verify: (bytes, signature) => verify(null, bytes, publicKey, signature),
  };
}

describe("a statement", () => {
  const made = statement([{ name: "a", digest: { sha256: "00" } }], PredicateType.change, { what: "é" });

  it("survives the way into bytes and back", () => {
    assert.deepEqual(decodeStatement(encodeStatement(made)), made);
    assert.equal(
      text.decode(encodeStatement(made)),
      '{"_type":"https://in-toto.io/Statement/v1","predicate":{"what":"é"},' +
        '"predicateType":"https://holdfast.dev/change/v1","subject":[{"digest":{"sha256":"00"},"name":"a"}]}',
    );
  });

  it("is refused when its shape is another", () => {
    for (const bad of [
      "null",
      "[]",
      "{}",
      '{"_type":"https://in-toto.io/Statement/v0.1","subject":[],"predicateType":"x"}',
    ]) {
      assert.throws(
        () => decodeStatement(utf8.encode(bad)),
        (error) => isHoldfastError(error, "core.evidence-invalid"),
      );
    }
  });
});

describe("a DSSE envelope", () => {
  it("encodes the example of the specification (protocol.md)", () => {
    assert.equal(
      text.decode(preAuthEncoding("http://example.com/HelloWorld", utf8.encode("hello world"))),
      "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
    );
  });

  it("counts bytes, not characters", () => {
    assert.equal(text.decode(preAuthEncoding("é", utf8.encode("é"))), "DSSEv1 2 é 2 é");
  });

  it("opens with the right key only, and returns the bytes that were signed", async () => {
    const ours = keyPair("ours");
    const theirs = keyPair("theirs");
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 20_000 }), async (payload) => {
        const envelope = await signEnvelope(STATEMENT_MEDIA_TYPE, payload, ours);
        const sent = decodeEnvelope(utf8.encode(JSON.stringify(envelope)));
        assert.deepEqual(await openEnvelope(sent, STATEMENT_MEDIA_TYPE, [theirs, ours]), Uint8Array.from(payload));
        await assert.rejects(openEnvelope(sent, STATEMENT_MEDIA_TYPE, [theirs]), (error) =>
          isHoldfastError(error, "core.evidence-unsigned"),
        );
      }),
      { numRuns: 20 },
    );
  });

  it("is refused with another payload type, or changed", async () => {
    const key = keyPair("k");
    const envelope = await signEnvelope("text/plain", utf8.encode("pay 1"), key);
    await assert.rejects(openEnvelope(envelope, STATEMENT_MEDIA_TYPE, [key]), (error) =>
      isHoldfastError(error, "core.evidence-invalid"),
    );
    await assert.rejects(openEnvelope({ ...envelope, payload: btoa("pay 2") }, "text/plain", [key]), (error) =>
      isHoldfastError(error, "core.evidence-unsigned"),
    );
    await assert.rejects(openEnvelope({ ...envelope, payload: "%" }, "text/plain", [key]), (error) =>
      isHoldfastError(error, "core.evidence-invalid"),
    );
  });

  it("never fails on foreign bytes with anything but its own errors", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (foreign) => {
        try {
          decodeEnvelope(utf8.encode(foreign));
        } catch (error) {
          assert.ok(isHoldfastError(error));
        }
      }),
    );
  });
});
