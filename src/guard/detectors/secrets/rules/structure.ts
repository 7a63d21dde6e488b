/**
 * Secrets that are told by their structure: private keys, signed tokens, addresses with a password in them.
 *
 * Sources: RFC 7468 (PEM) and RFC 1421 section 4.4 (its headers), RFC 9580 section 6.2 (OpenPGP armor), RFC 4716 (SSH2),
 * RFC 7519 (JWT) and RFC 7516 (JWE), RFC 3986 section 3.2.1 (userinfo), RFC 7617 (Basic), age v1.
 *
 * @module
 */

import { decodesTo } from "../checks.ts";
import { ALNUM, DIGITS, LOWER, named, token, type SecretRule } from "../rule.ts";
import { keyBody } from "./key-body.ts";

/** After `"private_key": "` in a Google service account's file. */
const SERVICE_ACCOUNT = /private_key["'\\]{1,4} {0,2}: {0,2}["'\\]{1,4}$/;
const BEGIN = /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/y;

/** Words, variables and defaults of images that stand where a password would; they keep nothing safe. */
const DEFAULT_PASSWORDS =
  /^(?:pass|password|passwd|pwd|secret|user|username|token|changeme|postgres|root|admin|guest|test|mysql|redis|mongo|x{2,}|\*+|[$%]?\{.*|\$\w+|\[.*|:.*)$/i;

/** Kept apart from its dashes, so that no scanner takes this file for a key. */
const KEY = ["PRIVATE", "KEY"].join(" ");

export const STRUCTURE_RULES: readonly SecretRule[] = [
  // The BEGIN line is the finding; it grows over the key to its END line, however long.
  {
    id: "private-key",
    name: "private key",
    severity: "critical",
    keywords: ["-----begin "],
    pattern: BEGIN,
    shape: [["A-Z0-9 -", 64]],
    inWord: true,
    check: (_, before) => !SERVICE_ACCOUNT.test(before),
    grow: keyBody,
    example: (random) => `-----BEGIN RSA ${KEY}-----\n${pem(random(ALNUM, 512))}\n-----END RSA ${KEY}-----`,
  },
  {
    id: "google-service-account-key",
    name: "private key of a Google service account",
    severity: "critical",
    keywords: ["-----begin "],
    pattern: BEGIN,
    shape: [["A-Z0-9 -", 64]],
    inWord: true,
    check: (_, before) => SERVICE_ACCOUNT.test(before),
    grow: keyBody,
    example: (random) => `"private_key": "-----BEGIN ${KEY}-----\\n${random(ALNUM, 64)}\\n-----END ${KEY}-----\\n"`,
  },
  {
    id: "ssh2-private-key",
    name: "SSH2 private key",
    severity: "critical",
    keywords: ["---- begin ssh2 "],
    pattern: /---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----/y,
    shape: [["A-Z -", 32]],
    inWord: true,
    grow: keyBody,
    example: (random) =>
      `---- BEGIN SSH2 ENCRYPTED ${KEY} ----\n${pem(random(ALNUM, 256))}\n---- END SSH2 ENCRYPTED ${KEY} ----`,
  },
  {
    id: "putty-private-key",
    name: "PuTTY private key",
    severity: "critical",
    keywords: ["private-lines:"],
    pattern: /Private-Lines: [0-9]{1,3}/y,
    shape: [[" 0-9", 4]],
    entropy: 0,
    grow: keyBody,
    example: (random) => `Private-Lines: 4\n${pem(random(ALNUM, 256))}\n`,
  },
  token({
    id: "age-secret-key",
    name: "age secret key",
    keywords: ["age-secret-key-1"],
    pattern: /AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}(?![A-Z0-9])/y,
    most: 59,
    characters: "A-Z0-9",
    example: (random) => `AGE-SECRET-KEY-1${random("023456789ACDEFGHJKLMNPQRSTUVWXYZ", 58)}`,
  }),
  // A JSON object in base64url begins "eyJ". The finding stands once the header and the start of the second part are
  // there, and grows over the rest.
  {
    id: "jwt",
    name: "JSON Web Token",
    severity: "high",
    keywords: ["eyj"],
    pattern: /eyJ[\w-]{12,2000}\.[\w-]{16}/y,
    shape: [
      ["\\w-", 2000],
      [".", 1],
      ["\\w-", 16],
    ],
    check: (secret) => decodesTo(secret.slice(0, secret.indexOf(".")), /^\{.*"(?:alg|enc)" {0,2}:.*\}$/s),
    grow: () => (code) => code < 128 && /[\w.=-]/.test(String.fromCharCode(code)),
    example: (random) => {
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
      return `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: random(LOWER, 8), iat: 1_700_000_000 })}.${random(ALNUM, 43)}`;
    },
  },
  {
    id: "url-password",
    name: "password in an address or connection string",
    severity: "high",
    keywords: ["://"],
    pattern: /:\/\/[^\s/:@"'`<>?#\u0080-\uFFFF]{0,64}:(?<secret>[^\s/@"'`<>\u0080-\uFFFF]{3,128})@[\w[]/dy,
    shape: [["!$-&(-.0-;=?A-Z[-_a-z{-~@#\\\\", 195]],
    inWord: true,
    entropy: 1,
    check: (secret) => !DEFAULT_PASSWORDS.test(secret) && !/^[0-9]{1,5}$/.test(secret),
    example: (random) => `postgres://app:${random(ALNUM, 16)}@db.internal:5432/app`,
  },
  {
    id: "basic-auth",
    name: "HTTP Basic credentials",
    severity: "high",
    keywords: ["basic "],
    pattern: /[Bb]asic (?<secret>[A-Za-z0-9+/]{8,200}={0,2})(?![\w+/=-])/dy,
    shape: [["A-Za-z0-9+/=", 202]],
    check: (secret) => secret.length % 4 === 0 && decodesTo(secret, /^[^\s:]{1,64}:.{3,}$/),
    example: (random) => `Authorization: Basic ${Buffer.from(`app:${random(ALNUM, 22)}`).toString("base64")}`,
  },
  {
    id: "bearer-token",
    name: "bearer token",
    severity: "high",
    keywords: ["bearer "],
    pattern: /[Bb]earer (?<secret>[\w~+/.-]{20,200}={0,2})(?![\w~+/.=-])/dy,
    shape: [["\\w~+/.=-", 202]],
    entropy: 3.6,
    generic: true,
    check: looksRandom,
    example: (random) => `Authorization: Bearer ${random(ALNUM, 36)}${random(DIGITS, 4)}`,
  },
  // By name and randomness alone. Kept strict: prose, paths, identifiers and versions follow these words as well.
  named({
    id: "generic-secret",
    name: "secret, by its name and randomness",
    severity: "medium",
    keywords: [
      "api_key",
      "api-key",
      "apikey",
      "secret",
      "token",
      "password",
      "passwd",
      "access_key",
      "accesskey",
      "credential",
    ],
    value: "[\\w+/=~.-]{16,128}",
    most: 129,
    entropy: 3.6,
    generic: true,
    check: looksRandom,
    example: (random) => `client_secret = "${random(ALNUM, 36)}${random(DIGITS, 4)}"`,
  }),
];

/**
 * Capitals, small letters and digits mixed throughout, as randomness mixes them and names, paths and versions do not:
 * of two neighbours in random base 62, 62 % are of different kinds, in base 36 40 %, in words few. Digits stand in
 * several places, not only as a year at the end.
 */
function looksRandom(value: string): boolean {
  const plain = value.replace(/[^A-Za-z0-9]/g, "");
  const digits = plain.replace(/[^0-9]/g, "").length;
  if (digits < 3 || digits === plain.length || /^[/.]|[./-]{2}/.test(value)) return false;
  if (/^[0-9a-f]+$/i.test(plain)) return plain.length >= 32;
  const changes = countChanges(plain, (unit) => (unit <= "9" ? 0 : unit <= "Z" ? 1 : 2));
  return changes >= 0.3 * (plain.length - 1) && countChanges(plain, (unit) => (unit <= "9" ? 0 : 1)) >= 3;
}

function countChanges(text: string, kindOf: (unit: string) => number): number {
  const kinds = Array.from(text, kindOf);
  return kinds.filter((kind, index) => index > 0 && kind !== kinds[index - 1]).length;
}

function pem(body: string): string {
  return (body.match(/.{1,64}/g) ?? []).join("\n");
}
