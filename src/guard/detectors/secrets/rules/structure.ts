/**
 * Secrets that are told by their structure: private keys and signed tokens.
 *
 * Sources: RFC 7468 (PEM) and RFC 1421 section 4.4 (its headers), RFC 9580 section 6.2 (OpenPGP armor), RFC 4716 (SSH2),
 * PuTTY's manual, appendix C, RFC 7519 (JWT) and RFC 7516 (JWE), age v1.
 *
 * @module
 */

import { BECH32, isBech32, toBech32 } from "../checksum.ts";
import { decodesTo } from "../checks.ts";
import { ALNUM, LOWER } from "../form.ts";
import { token, type SecretRule } from "../rule.ts";
import { base64Token, joinedToken } from "./grow.ts";
import { keyBody } from "./key-body.ts";

/** After `"private_key": "` in a Google service account's file. */
const SERVICE_ACCOUNT = /private_key["'\\]{1,4} {0,2}: {0,2}["'\\]{1,4}$/;
/** The BEGIN line, what may stand between lines, and a piece of base64 or the name of a header: a key, not its mention. */
const BEGIN =
  /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----[\s\\nr"'+>|#,;*[(]{1,24}(?:[A-Za-z0-9+/=]{16}|[A-Z][A-Za-z-]{2,20}:)/y;
const BEGIN_SHAPE = [
  ["A-Z0-9 -", 64],
  ["\\s\\\\nr\"'+>|#,;*[(", 24],
  ["A-Za-z0-9+/=:-", 24],
] as const;

/** Header of a JWT or JWE: a JSON object that names an algorithm. */
const HEADER = /^\{.*"(?:alg|enc)" {0,2}:.*\}$/s;
/** The same, where a part of it was overwritten: it begins with a name of RFC 7515 or RFC 7516, and is closed. */
const DAMAGED_HEADER = /^\{"(?:alg|typ|kid|enc|zip|cty|jku|jwk|x5u|x5c|x5t|crit)" {0,2}:.*\}$/s;

/** Kept apart from its dashes, so that no scanner takes this file for a key. */
const KEY = ["PRIVATE", "KEY"].join(" ");

export const STRUCTURE_RULES: readonly SecretRule[] = [
  // What stands to the first 16 characters is the finding; it grows over the key to its END line, however long.
  {
    id: "private-key",
    name: "private key",
    severity: "critical",
    keywords: ["-----begin "],
    pattern: BEGIN,
    shape: BEGIN_SHAPE,
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
    shape: BEGIN_SHAPE,
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
    forms: [["AGE-SECRET-KEY-1", [BECH32.toUpperCase(), 58]]],
    checksum: isBech32,
    example: (random) => toBech32("age-secret-key-", random(BECH32, 52)).toUpperCase(),
  }),
  // The post-quantum kind of key of age 1.3.
  token({
    id: "age-hybrid-secret-key",
    name: "age post-quantum secret key",
    forms: [["AGE-SECRET-KEY-PQ-1", [BECH32.toUpperCase(), 58]]],
    checksum: isBech32,
    example: (random) => toBech32("age-secret-key-pq-", random(BECH32, 52)).toUpperCase(),
  }),
  // A JSON object in base64url begins "eyJ". The finding stands once the header and the start of the second part are
  // there, and grows over the rest. Without a header that can be read, the second part must be such an object too.
  {
    id: "jwt",
    name: "JSON Web Token",
    severity: "high",
    keywords: ["eyj"],
    pattern: /eyJ[\w-]{12,2000}\.(?:[\w-]{16}|[\w-]{2,15}\.)/y,
    shape: [
      ["\\w-", 2000],
      [".", 1],
      ["\\w-", 16],
      [".", 1],
    ],
    least: 15,
    check: (secret) => {
      const dot = secret.indexOf(".");
      const header = secret.slice(0, dot);
      if (decodesTo(header, HEADER)) return true;
      return secret.startsWith("eyJ", dot + 1) && DAMAGED_HEADER.test(Buffer.from(header, "base64").toString("latin1"));
    },
    grow: joinedToken,
    example: (random) => {
      const body = part({ sub: random(LOWER, 8), iat: 1_700_000_000 });
      return `${part({ alg: "HS256", typ: "JWT" })}.${body}.${random(ALNUM, 43)}`;
    },
  },
  // "ZXlK" is base64 of "eyJ".
  {
    id: "jwt-base64",
    name: "JSON Web Token in base64",
    severity: "high",
    keywords: ["zxlk"],
    pattern: /ZXlK[A-Za-z0-9+/]{48}/y,
    shape: [["A-Za-z0-9+/", 48]],
    least: 48,
    check: (secret) => decodesTo(secret, /^eyJ[\w-]{10,}/) && headerOf(secret),
    grow: base64Token,
    example: (random) => {
      const token = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: random(LOWER, 8) })}.${random(ALNUM, 43)}`;
      return Buffer.from(token).toString("base64");
    },
  },
];

/** Whether what base64 spells is the beginning of a JSON object with a name of a JWT's header in it (RFC 7515 section 4). */
function headerOf(base64: string): boolean {
  const json = Buffer.from(Buffer.from(base64, "base64").toString("latin1"), "base64").toString("latin1");
  return /^\{"[a-zA-Z0-9_]{1,12}" {0,2}:/.test(json);
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function pem(body: string): string {
  return (body.match(/.{1,64}/g) ?? []).join("\n");
}
