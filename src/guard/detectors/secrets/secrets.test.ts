import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { MAX_HITS, openMatcher } from "./match.ts";
import { SECRET_RULES } from "./rules/index.ts";
import { seeded } from "./rules/seeded.ts";
import { secretsDetector } from "./secrets.ts";

const CONTEXT = { direction: "response", origin: "assistant", pointer: "/y" } as const;
/** Not one that opens anything. Kept in two parts, so that no scanner takes this file for a leak. */
const AWS = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");

function places(text: string): readonly string[] {
  return secretsDetector
    .detect(text, CONTEXT)
    .map(({ rule, location }) => `${rule.replace("secrets.", "")} ${text.slice(location.start, location.end)}`);
}

function tags(text: string): string {
  return Array.from(text, (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join("");
}

test("a finding points at the secret and does not hold it", () => {
  const found = secretsDetector.detect(`key: ${AWS}.`, CONTEXT);
  assert.equal(found.length, 1);
  assert.deepEqual(found[0]?.location, { pointer: "/y", start: 5, end: 25 });
  assert.ok(!JSON.stringify(found).includes(AWS.slice(4)));
  assert.equal(found[0]?.message, "an AWS access key id");
});

test("a disguised secret is found where it stands", () => {
  const full = Array.from(AWS, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)).join("");
  const disguises: Readonly<Record<string, string>> = {
    "zero-width space": AWS.split("").join("\u200B"),
    "full width": full,
    "bold mathematical": AWS.replace("AKIA", "𝐀𝐊𝐈𝐀"),
    "struck out": AWS.split("").join("\u0336"),
    "variation selector": `${AWS.slice(0, 9)}\uFE0F${AWS.slice(9)}`,
    "soft hyphen": `${AWS.slice(0, 9)}\u00AD${AWS.slice(9)}`,
    "tags inside": `${AWS.slice(0, 9)}${tags("no")}${AWS.slice(9)}`,
    "a control character": `${AWS.slice(0, 9)}\u0007${AWS.slice(9)}`,
    "all in tags": tags(AWS),
  };
  for (const [name, text] of Object.entries(disguises)) {
    assert.deepEqual(places(`see ${text} there`), [`aws-access-key-id ${text}`], name);
  }
});

test("invisible characters around a secret do not hide it either", () => {
  assert.deepEqual(places(`x\u200B${AWS}\u200Bx`), [`aws-access-key-id ${AWS}`]);
  assert.deepEqual(places(`中${AWS}é`), [`aws-access-key-id ${AWS}`]);
});

test("passwords in addresses: the password alone is the secret", () => {
  const secrets: Readonly<Record<string, string>> = {
    "postgres://app:7hK2pQx9@db:5432/x": "7hK2pQx9",
    "mongodb+srv://u:p%40ss-w0rd@cluster0.example.net/": "p%40ss-w0rd",
    "redis://:s3cr3tpw@cache:6379": "s3cr3tpw",
    "amqp://svc:Zx81+q@[::1]": "Zx81+q",
    "https://bob:hunter2x@host/path": "hunter2x",
  };
  for (const [text, secret] of Object.entries(secrets)) {
    assert.deepEqual(places(`url = "${text}"`), [`url-password ${secret}`]);
  }
  for (const text of [
    "https://example.com/a:b@c",
    "https://example.com:8080/x@y",
    "postgres://user:password@localhost/db",
    "postgres://user:${DB_PASSWORD}@localhost/db",
    "https://<user>:<password>@host",
    "mail me at http://example.com or bob:x@example.com",
  ]) {
    assert.deepEqual(places(text), [], text);
  }
});

test("a token of three parts is a JWT only when its first decodes to a header", () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const jwt = `${part({ typ: "JWT", alg: "RS256" })}.${part({ sub: "1", name: "x".repeat(40) })}.c2lnbmF0dXJlLXNpZ25hdHVyZQ`;
  assert.deepEqual(places(`t=${jwt};`), [`jwt ${jwt}`]);
  assert.deepEqual(places(`t=${part({ no: "header at all" })}.${part({ sub: "1234567890" })}.abc;`), []);
});

test("a private key is found from its first line to its last", () => {
  const line = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz";
  const kinds = ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "].map((kind) => `${kind}PRIVATE KEY`);
  for (const kind of [...kinds, "PGP PRIVATE KEY BLOCK"]) {
    const key = `-----BEGIN ${kind}-----\n${`${line}\n`.repeat(20)}-----END ${kind}-----`;
    assert.deepEqual(places(`Here:\n${key}\nKeep it safe.`), [`private-key ${key}`]);
  }
  assert.deepEqual(places("-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----"), []);
  assert.deepEqual(places("-----BEGIN CERTIFICATE-----"), []);
});

test("what was recognised replaces what was guessed", () => {
  const token = ["glpat-", "Zk3q8Vw1Yt7Rb5Nc2Md9"].join("");
  assert.deepEqual(places(`api_token = "${token}"`), [`gitlab-token ${token}`]);
  assert.deepEqual(places(`Authorization: Bearer ${token}`), [`gitlab-token ${token}`]);
});

test("names, prose, paths and identifiers are no secrets", () => {
  for (const text of [
    "The secret: never give up. Your token is valid for 30 days; the password must have 16 characters.",
    "password = os.environ['DB_PASSWORD_PRODUCTION_2']",
    "token: my-service-account-name-2024-prod-01",
    "secret_name=projects/123456/secrets/my-secret-name/versions/3",
    "api_key = getApiKeyFromEnvironment2024()",
    "credential = application/x-www-form-urlencoded-1234",
    "tokens: 128000, max_tokens=16384, token_count: 12345678901234567890",
    "basic understanding of bearer bonds; a bearer certificate-of-authenticity",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b, id 123e4567-e89b-12d3-a456-426614174000",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
    "sha512-oRlZ0aN2Zg5b6cTt2e9yQ0w5cDq3uJt8mB1n7pXvKzL4sWfYhE6rGdUaIjPiOxVkMbNcQ==",
    "sk-learn, sk-ill, risk-based, task-oriented-and-very-long-hyphenated-identifier-name",
    "pattern matching and-or-not asia akia ghp_ npm_ hf_model_name",
  ]) {
    assert.deepEqual(places(text), [], text);
  }
});

test("past the limit of findings, the rest of the text is one", () => {
  const text = `${AWS} `.repeat(MAX_HITS + 20);
  const found = secretsDetector.detect(text, CONTEXT);
  assert.equal(found.length, MAX_HITS + 1);
  assert.equal(found.at(-1)?.rule, "secrets.flood");
  assert.equal(found.at(-1)?.location.end, text.length);
});

test("in a stream, nothing waits but where a secret may begin", () => {
  const scan = secretsDetector.open(CONTEXT);
  let length = 0;
  const waits = (piece: string): string => {
    length += piece.length;
    const settled = scan.push(piece) as number;
    return settled >= length ? "" : piece.slice(settled - length);
  };
  assert.equal(waits("Your parcel"), "", "no word that a key begins with begins with «parcel»");
  assert.equal(waits(" g"), "g", "as ghp_ begins");
  assert.equal(waits("ym"), "");
  assert.equal(waits(" bigh"), "", "in the middle of a word no key begins");
  assert.equal(waits(". My token"), "", "a name is no part of what it names");
  assert.equal(waits(" = "), " = ", "but what follows may be");
  assert.equal(waits("yes. "), "");
  const [hit] = (scan.push(`A${AWS.slice(1)} `), scan.hits);
  assert.equal(hit?.finding.location.start, length);
});

test("of no rule's secret does a stream let the beginning go, and all are found as in one piece", () => {
  const random = seeded(7);
  for (const rule of SECRET_RULES) {
    const text = `It says: ${rule.example(random)} `;
    const whole = openMatcher();
    whole.push(text);
    whole.end();
    const pieces = openMatcher();
    let gone = 0;
    for (const unit of text) {
      gone = pieces.push(unit);
      for (const { start } of whole.hits) {
        const isJudged = pieces.hits.some((hit) => hit.start === start);
        assert.ok(gone <= start || isJudged, `${rule.id}: its beginning has gone`);
      }
    }
    pieces.end();
    assert.deepEqual(
      pieces.hits.map(({ start, end }) => [start, end]),
      whole.hits.map(({ start, end }) => [start, end]),
      rule.id,
    );
    assert.ok(whole.hits.length > 0, rule.id);
  }
});

test("never throws, and never points outside the text, whatever the text", () => {
  const parts = fc.constantFrom(
    AWS,
    "eyJhbGciOiJIUzI1NiJ9.",
    "-----BEGIN PRIVATE KEY-----",
    "://a:b",
    "token=",
    ":AA",
    "\uD83D",
    "\u200B",
  );
  const text = fc.array(fc.oneof(parts, fc.string({ unit: "binary", maxLength: 8 })), { maxLength: 12 });
  fc.assert(
    fc.property(text, (units) => {
      const whole = units.join("");
      for (const { location } of secretsDetector.detect(whole, CONTEXT)) {
        assert.ok(location.start >= 0 && location.start < location.end && location.end <= whole.length);
      }
    }),
    { numRuns: 500 },
  );
});
