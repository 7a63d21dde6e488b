import assert from "node:assert/strict";
import { test } from "node:test";

import { decodesTo, entropy } from "./checks.ts";
import { crc32Base62, hasCrc32 } from "./checksum.ts";
import { isPlaceholder } from "./stop.ts";

test("the checksum is the one of GitHub's published example of its format", () => {
  assert.equal(crc32Base62("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), "0mLq17");
  for (const last of ["J", "K"]) {
    assert.equal(hasCrc32(`ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxk${last}0mLq17`, 4), last === "J");
  }
});

test("entropy is in bits a character", () => {
  assert.equal(entropy(""), 0);
  assert.equal(entropy("aaaa"), 0);
  assert.equal(entropy("abab"), 1);
  assert.equal(entropy("abcdefgh"), 3);
});

test("what stands for a secret is told from one", () => {
  for (const text of ["AKIAIOSFODNN7EXAMPLE", "your_api_key_here", "xxxxxxxx", "<token>", "${TOKEN}", "a111111b"]) {
    assert.equal(isPlaceholder(text), true, text);
  }
  for (const text of ["Z7Q4TLM2XKPW3VHD", "0mLq17zQWBuTSO", "d41d8cd98f00b204"]) {
    assert.equal(isPlaceholder(text), false, text);
  }
});

test("decodes both alphabets of base64, and only to printable text", () => {
  assert.equal(decodesTo(Buffer.from("app:pa>ss?").toString("base64"), /^app:/), true);
  assert.equal(decodesTo(Buffer.from("app:pa>ss?").toString("base64url"), /^app:/), true);
  assert.equal(decodesTo(Buffer.from([1, 2, 3, 4]).toString("base64"), /./s), false);
});
