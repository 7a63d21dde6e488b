import assert from "node:assert/strict";
import { test } from "node:test";

import {
  isDefaultPassword,
  isMixed,
  isOrdinaryValue,
  isPlaceholder,
  isVariable,
  looksLikePassword,
  looksRandom,
  namesNoSecret,
} from "./stop.ts";

/** Each text, and whether the question holds of it. */
function ask(holds: (text: string) => boolean, yes: readonly string[], no: readonly string[]): void {
  for (const text of yes) assert.equal(holds(text), true, text);
  for (const text of no) assert.equal(holds(text), false, text);
}

test("what stands for a secret is told from one", () => {
  ask(
    isPlaceholder,
    [
      "AKIAIOSFODNN7EXAMPLE",
      "your_api_key_here",
      "xxxxxxxx",
      "<token>",
      "${TOKEN}",
      "a111111b",
      "key-1234567890",
      "0123456789abcdef",
      "lorem-ipsum-dolor",
      "abcdefghijklmnopqrstuvwxyz",
    ],
    ["Z7Q4TLM2XKPW3VHD", "0mLq17zQWBuTSO", "d41d8cd98f00b204", "AAAAAAAAAAq7Zk2mVx9w"],
  );
  // A run of neighbours in a long value is chance, or a vendor's.
  assert.equal(isPlaceholder("12345678-ABCD-ABCD-ABCD-1234567890AB"), false);
});

test("a mixed value is no word and no name", () => {
  ask(isMixed, ["a7uh54t3cwd1", "kQzXwPvBnMtR"], ["internationalisation", "searchConfluenceUsingCql", "SOURCE"]);
});

test("random values mix their kinds throughout", () => {
  ask(
    looksRandom,
    ["Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB", "9f8e7d6c5b4a39281706f5e4d3c2b1a0"],
    ["my-service-account-name-2024-prod-01", "1234567890123456", "/var/lib/app2/x3/y4", "9f8e7d6c5b4a"],
  );
});

test("names of variables and templates are filled in elsewhere", () => {
  ask(
    isVariable,
    [
      "$TOKEN",
      "${TOKEN}",
      "$(cat key)",
      "${{ secrets.KEY }}",
      "{{ key }}",
      "%KEY%",
      "@KEY@",
      "<key>",
      "ENC[AES256_GCM,x]",
    ],
    ["p$ssw0rd", "100%", "user@host", "Tr0ub4dor&3"],
  );
});

test("default passwords keep nothing safe", () => {
  ask(
    isDefaultPassword,
    ["password", "Password123", "root", "changeme", "my_secret1", "***"],
    ["Tr0ub4dor&3", "rooted"],
  );
});

test("names that end in another thing, or begin with one, are of no secret", () => {
  for (const [before, name] of [
    ["", "tokenId: "],
    ["", 'secret_name": "'],
    ["", "passwordHash = "],
    ["csrf_", "token="],
    ["nextPage", "Token: "],
    ["public", "Token = "],
  ] as const) {
    assert.equal(namesNoSecret(before, name), true, before + name);
  }
  for (const [before, name] of [
    ["client_", "secret = "],
    ["", "api_key: "],
    ["", 'password": "'],
    ["access", "Token="],
  ] as const) {
    assert.equal(namesNoSecret(before, name), false, before + name);
  }
});

test("digests, UUIDs, paths, modules and files stand in every source", () => {
  ask(
    isOrdinaryValue,
    [
      "sha256-oRlZ0aN2Zg5b6cTt2e9yQ0w5cDq3uJt8",
      "123e4567-e89b-12d3-a456-426614174000",
      "projects/123456/secrets/my-secret",
      "com.example.app2.Main",
      "credentials2.json",
    ],
    ["Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB", "9f8e7d6c5b4a39281706f5e4d3c2b1a0"],
  );
});

test("a password has letters and digits, and is neither code nor a name", () => {
  ask(
    looksLikePassword,
    ["S3cret!pass", "hunter22x", "7hK2pQx9", "correct-horse-9!x", "Pa55w0rd!x"],
    [
      "required",
      "form.password.data1",
      'config["db1"]',
      "getPass2()",
      "DB_PASSWORD_2",
      "required_field_1",
      "https://a.b/c1",
      "./secrets/db1",
      "${PASS1}",
      "passwordInput2",
      "12345678",
    ],
  );
});
