import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import fc from "fast-check";

import { hasRightChecksum, keyHash, newKey, publicId, sameHash } from "./key.ts";

describe("API keys", () => {
  it("have the documented form, and name themselves by their public id", () => {
    for (let round = 0; round < 200; round++) {
      const { id, key } = newKey();
      assert.match(key.reveal(), /^hf_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
      assert.equal(publicId(key.reveal()), id);
      assert.equal(hasRightChecksum(key.reveal()), true);
    }
  });

  it("differ in id and secret", () => {
    const keys = Array.from({ length: 1_000 }, () => newKey());
    assert.equal(new Set(keys.map((key) => key.id)).size, keys.length);
    assert.equal(new Set(keys.map((key) => key.key.reveal().slice(16, 59))).size, keys.length);
  });

  it("cannot be printed", () => {
    const made = newKey();
    const printed = `${String(made.key)} ${JSON.stringify(made.key)} ${inspect(made.key)}`;
    assert.equal(printed.includes(made.key.reveal()), false);
  });

  it("are recognised as mistyped when any one character changes", () => {
    const text = newKey().key.reveal();
    for (let at = 3; at < text.length; at++) {
      if (text[at] === "_") continue;
      const other = text[at] === "x" ? "y" : "x";
      assert.equal(hasRightChecksum(text.slice(0, at) + other + text.slice(at + 1)), false, `character ${at}`);
    }
  });

  it("never throw on foreign text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        assert.equal(publicId(text), undefined);
      }),
    );
  });

  it("are compared by their hash", () => {
    const { key, hash } = newKey();
    assert.equal(sameHash(hash, keyHash(key.reveal())), true);
    assert.equal(sameHash(hash, keyHash(`${key.reveal()}x`)), false);
    assert.equal(sameHash(hash, hash.subarray(1)), false);
  });
});
