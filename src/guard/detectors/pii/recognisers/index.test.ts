import assert from "node:assert/strict";
import { test } from "node:test";

import { isBech32, isEthereum } from "../wallets.ts";
import { keccak256 } from "../keccak.ts";
import { LONGEST, plain, type Recogniser } from "../recogniser.ts";
import { RECOGNISERS } from "./index.ts";

/** A generator with a seed: 32-bit multiply and rotate. */
function randomFrom(seed: number): (alphabet: string, length: number) => string {
  let state = seed;
  return (alphabet, length) => {
    let out = "";
    while (out.length < length) {
      state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
      out += alphabet.charAt((state >>> 8) % alphabet.length);
    }
    return out;
  };
}

function finds(recogniser: Recogniser, text: string): string | undefined {
  for (const match of text.matchAll(recogniser.pattern)) {
    if (recogniser.check?.(plain(match[0]), match[0]) ?? true) return match[0];
  }
  return undefined;
}

test("each recogniser finds its examples whole", () => {
  for (const recogniser of RECOGNISERS) {
    for (let seed = 1; seed <= 20; seed++) {
      const example = recogniser.example(randomFrom(seed));
      if (recogniser.id === "age") continue;
      // Behind words that some rows look for themselves.
      const found = [`it is in ${example}, see`, `in Dallas, TX ${example}.`].map((text) => finds(recogniser, text));
      assert.ok(found.includes(example), `${recogniser.id} ${recogniser.country ?? ""}`);
    }
  }
});

test("a changed digit fails the check of each number that has one", () => {
  const without = [
    "dk-cpr",
    "kr-rrn",
    "my-nric",
    "lv-personas-kods",
    "mx-rfc",
    "eg-id",
    "gb-driving-licence",
    "es-dni",
  ];
  for (const recogniser of RECOGNISERS) {
    const { check, country, id } = recogniser;
    if (check === undefined || country === undefined || without.includes(id) || id === "us-ssn") continue;
    let kept = 0;
    let tried = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const example = plain(recogniser.example(randomFrom(seed)));
      for (let at = 0; at < example.length; at++) {
        if (!/\d/.test(example.charAt(at))) continue;
        const digit = (Number(example.charAt(at)) + 1) % 10;
        const changed = example.slice(0, at) + digit + example.slice(at + 1);
        tried += 1;
        if (check(changed, changed)) kept += 1;
      }
    }
    assert.ok(kept / tried < 0.25, `${id}: ${kept} of ${tried}`);
  }
});

test("numbers that their issuers publish as examples", () => {
  const published: Readonly<Record<string, readonly string[]>> = {
    card: ["4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "30569309025904", "6011111111111117"],
    iban: [
      "GB82 WEST 1234 5698 7654 32",
      "DE89370400440532013000",
      "FR14 2004 1010 0505 0001 3M02 606",
      "NO9386011117947",
    ],
    "us-bank-routing": ["021000021", "011401533"],
    "us-npi": ["1234567893"],
    "gb-nhs": ["943 476 5919"],
    "de-tax-id": ["86095742719", "65929970489"],
    "fr-nir": ["1 85 05 78 006 084 91"],
    "es-dni": ["12345678Z"],
    "es-nie": ["X1234567L"],
    "it-codice-fiscale": ["MRTMTT25D09F205Z", "RSSMRA85M01H501Q"],
    "nl-bsn": ["111222333"],
    "be-rrn": ["85.07.30-033.28"],
    "pl-pesel": ["44051401359"],
    "fi-hetu": ["131052-308T"],
    "bg-egn": ["7523169263"],
    "ro-cnp": ["1800101221144"],
    "ch-ahv": ["756.9217.0769.85"],
    "tr-tckn": ["10000000146"],
    "cn-ric": ["11010519491231002X"],
    "sg-nric": ["S1234567D"],
    "hk-hkid": ["G123456(A)"],
    "br-cpf": ["111.444.777-35"],
    "cl-rut": ["12.345.678-5"],
    "ca-sin": ["130 692 544"],
    "au-tfn": ["123 456 782"],
    "au-abn": ["51 824 753 556"],
    "nz-ird": ["49-091-850"],
    "za-id": ["8001015009087"],
    "in-aadhaar": ["2341 2341 2346"],
    vin: ["1M8GDM9AXKP042788"],
    "crypto-wallet": ["1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"],
  };
  for (const [id, values] of Object.entries(published)) {
    for (const value of values) {
      const found = RECOGNISERS.filter((recogniser) => recogniser.id === id).map((row) => finds(row, `(${value})`));
      assert.ok(found.includes(value), `${id} ${value}`);
    }
  }
});

test("Ethereum's checksum, and the digest under it", () => {
  assert.equal(keccak256(""), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  assert.ok(isEthereum("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
  assert.ok(!isEthereum("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed"));
  assert.ok(!isBech32("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"));
});

test("no pattern matches more than its limit", () => {
  for (const { pattern, id } of RECOGNISERS) {
    for (const unit of ["1", "a", "A", "1 ", "a.", "A1", "1.", "1-", "1:", "https://a.b/c", "a@"]) {
      for (const [match] of unit.repeat(600).matchAll(pattern))
        assert.ok(match.length <= LONGEST, `${id} ${match.length}`);
    }
  }
});
