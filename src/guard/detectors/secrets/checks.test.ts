import assert from "node:assert/strict";
import { test } from "node:test";

import { decodesTo, entropy } from "./checks.ts";

test("entropy is in bits a character", () => {
  assert.equal(entropy(""), 0);
  assert.equal(entropy("aaaa"), 0);
  assert.equal(entropy("abab"), 1);
  assert.equal(entropy("abcdefgh"), 3);
});

test("decodes both alphabets of base64, and only to printable text", () => {
  assert.equal(decodesTo(Buffer.from("app:pa>ss?").toString("base64"), /^app:/), true);
  assert.equal(decodesTo(Buffer.from("app:pa>ss?").toString("base64url"), /^app:/), true);
  assert.equal(decodesTo(Buffer.from([1, 2, 3, 4]).toString("base64"), /./s), false);
});
