/**
 * Secrets that only a general name and their looks tell. Kept strict: prose, paths, identifiers, digests and versions
 * follow these words as well.
 *
 * @module
 */

import { ALNUM, DIGITS } from "../form.ts";
import type { SecretRule } from "../rule.ts";
import { isOrdinaryValue, looksLikePassword, looksRandom, namesNoSecret } from "../stop.ts";

const NAMED_SHAPE = [
  ["\\w.-", 16],
  ["\"'\\]\\\\)", 3],
  [" \\t", 4],
  [":=>,", 3, 1],
  [" \\t", 4],
  ["\"'`\\\\", 2],
] as const;
const NAME_AND_SIGN = `[\\w.-]{0,16}["'\\]\\\\)]{0,3}[ \\t]{0,4}(?::{1,2}=|=>|={1,3}|:|,)[ \\t]{0,4}`;

export const GENERIC_RULES: readonly SecretRule[] = [
  {
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
      "access-key",
      "accesskey",
      "private_key",
      "auth_key",
      "encryption_key",
      "signing_key",
      "credential",
    ],
    pattern: new RegExp(
      `[A-Za-z]{3,10}[_-]?[A-Za-z]{0,3}${NAME_AND_SIGN}["'\`\\\\]{0,2}(?<secret>[\\w+/=~.-]{16,128})(?![\\w+/=~.(\\[-])`,
      "dy",
    ),
    shape: [...NAMED_SHAPE, ["\\w+/=~.-", 129]],
    least: 17,
    inWord: true,
    entropy: 3.6,
    generic: true,
    check: (secret, before, match) =>
      !namesNoSecret(before, match.slice(0, match.lastIndexOf(secret))) &&
      looksRandom(secret) &&
      !isOrdinaryValue(secret),
    example: (random) => `client_secret = "${random(ALNUM, 36)}${random(DIGITS, 4)}"`,
  },
  // A UUID is a key only where the name says exactly that.
  {
    id: "generic-uuid-secret",
    name: "UUID that serves as a secret, by its name",
    severity: "medium",
    keywords: [
      "api_key",
      "api-key",
      "apikey",
      "api_token",
      "api-token",
      "apitoken",
      "secret",
      "auth_token",
      "access_token",
      "password",
    ],
    pattern: new RegExp(
      `[A-Za-z]{3,8}[_-]?[A-Za-z]{0,8}${NAME_AND_SIGN}["'\`\\\\]{1,2}(?<secret>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})["'\`\\\\]`,
      "dy",
    ),
    shape: [...NAMED_SHAPE, ["0-9a-fA-F-", 36, 36], ["\"'`\\\\", 1]],
    least: 38,
    inWord: true,
    generic: true,
    check: (_, before, match) => !namesNoSecret(before, match.slice(0, -38)),
    example: (random) =>
      `api_token = "${[8, 4, 4, 4, 12].map((length) => random("0123456789abcdef", length)).join("-")}"`,
  },
  {
    id: "generic-password",
    name: "password, by its name and looks",
    severity: "medium",
    keywords: ["password", "passwd", "passphrase", "pwd", "passwort"],
    pattern: new RegExp(
      `[A-Za-z]{3,10}${NAME_AND_SIGN}(?:"(?<secret>[^"\\s\\u0080-\\uFFFF]{8,64})"|'(?<secret>[^'\\s\\u0080-\\uFFFF]{8,64})'|(?<secret>[^\\s"'\`,;()<>\\[\\]{}|\\\\\\u0080-\\uFFFF]{8,64})(?=[\\s,;"'<]|$))`,
      "dy",
    ),
    shape: [...NAMED_SHAPE.slice(0, 5), ["!-~", 66]],
    least: 9,
    inWord: true,
    entropy: 2.5,
    generic: true,
    check: (secret, before, match) =>
      !namesNoSecret(before, match.slice(0, match.lastIndexOf(secret))) && looksLikePassword(secret),
    example: (random) =>
      `db_password = "${random("abcdefghjkmnpq", 4)}-${random(DIGITS, 3)}!${random("ABCDEFGHJKLMN", 3)}x"`,
  },
  // How people write to each other, and to a model.
  {
    id: "spoken-password",
    name: "password, as people say it",
    severity: "medium",
    keywords: ["password is", "passphrase is", "passcode is", "pwd is"],
    pattern: /[A-Za-z]{3,10} is:? {1,2}["'`]?(?<secret>[^\s"'`,<>()[\]{}\u0080-\uFFFF]{8,64})/dy,
    shape: [
      [": ", 3, 1],
      ["\"'`", 1],
      ["!-~", 65],
    ],
    least: 9,
    entropy: 2.5,
    generic: true,
    check: (secret) => /[A-Za-z]/.test(secret) && looksLikePassword(secret.replace(/[.!?]$/, "")),
    example: (random) =>
      `the password is ${random("abcdefghjkmnpq", 5)}#${random(DIGITS, 3)}${random("ABCDEFGHJKLMN", 3)}`,
  },
];
