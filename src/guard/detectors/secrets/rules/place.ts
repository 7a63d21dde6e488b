/**
 * Credentials that the place tells: in addresses, headers, command lines and files of configuration.
 *
 * Sources: RFC 3986 section 3.2.1 (userinfo), RFC 7617 (Basic), RFC 6750 (Bearer); curl's, npm's, Docker's and NuGet's
 * documentation of their files and options; netrc(5); Kubernetes, "Secrets"; libpq's and ODBC's connection strings.
 *
 * @module
 */

import { decodesTo } from "../checks.ts";
import { ALNUM, DIGITS } from "../form.ts";
import type { SecretRule } from "../rule.ts";
import { isDefaultPassword, isVariable, looksRandom } from "../stop.ts";
import { secretBlock } from "./secret-block.ts";

const CURL = /(?:\b|\\[nrt])curl\b/;
/** Of a connection string or a query, before its password. */
const PARTS_BEFORE =
  /(?:\b(?:server|data source|host|hostname|uid|user id|user|username|driver|database|initial catalog|dbname|address|endpoint|accountname)[ ]?=[^\n]{0,160}|jdbc:[^\s"']{4,200})[;?& ][ ]?(?:db_?)?$/i;

/** The keyword of a block of data in a manifest, and in one that is quoted in JSON. */
const DATA = ["data:", 'data"', 'data\\"'];
/** The block's first entry: perhaps behind a comment, perhaps on lines of its own; a value of base64. */
const FIRST_ENTRY = `[Dd]ata\\\\?"?:\\s{0,8}(?:\\{\\s{0,24})?(?:#[^\\n]{0,120}\\n\\s{0,24})?["']?[\\w.-]{1,80}["']?:[ \\t]{0,4}(?:[|>][+-]?\\s{1,24})?["']?(?<secret>[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{10,63}={0,3}(?![\\w+/:.=-]))`;
const ENTRY_SHAPE = [
  ['\\\\":', 3],
  ["\\s", 8],
  ["{", 1],
  ["\\s", 24],
  ["#", 1],
  [" -~\\t", 120],
  ["\\s", 25],
  ["\\w.\"':-", 84],
  [" \\t|>+-", 7],
  ["\\s", 24],
  ["\"'", 1],
  ["A-Za-z0-9+/=", 67],
] as const;

export const PLACE_RULES: readonly SecretRule[] = [
  {
    id: "url-password",
    name: "password in an address or connection string",
    severity: "high",
    keywords: ["://"],
    pattern: /:\/\/[^\s/:@"'`<>?#\u0080-\uFFFF]{0,64}:(?<secret>[^\s/@"'`<>\u0080-\uFFFF]{3,128})@[\w[]/dy,
    shape: [["!$-&(-.0-;=?A-Z[-_a-z{-~@#\\\\", 195]],
    least: 6,
    inWord: true,
    entropy: 1,
    check: (secret) => !isDefaultPassword(secret) && !isVariable(secret) && !/^[0-9]{1,5}$/.test(secret),
    example: (random) => `postgres://app:${random(ALNUM, 16)}@db.internal:5432/app`,
  },
  {
    id: "connection-string-password",
    name: "password in a connection string",
    severity: "high",
    keywords: ["password=", "pwd=", "pass="],
    pattern: /[A-Za-z]{3,8}=(?<secret>[^\s;&"'`<>\\\u0080-\uFFFF]{4,100})(?=[;&"'`\s\\]|$)/dy,
    shape: [["!#-%(-:=?-[\\]-_a-~", 101]],
    least: 4,
    inWord: true,
    generic: true,
    entropy: 2,
    check: (secret, before) =>
      /[;?& ](?:db_?)?$/i.test(before) &&
      PARTS_BEFORE.test(before) &&
      !isDefaultPassword(secret) &&
      !isVariable(secret),
    example: (random) => `Server=db.internal;Database=app;User Id=app;Password=${random(ALNUM, 16)};`,
  },
  {
    id: "basic-auth",
    name: "HTTP Basic credentials",
    severity: "high",
    keywords: ["basic "],
    pattern: /[Bb]asic (?<secret>[A-Za-z0-9+/]{8,200}={0,2})(?![\w+/=-]|\.\w)/dy,
    shape: [
      ["A-Za-z0-9+/=", 202],
      [".", 1],
    ],
    least: 8,
    entropy: 2.5,
    check: (secret) => decodesTo(secret, /^[^\s:]{1,64}:.{3,}$/),
    example: (random) => `Authorization: Basic ${Buffer.from(`app:${random(ALNUM, 22)}`).toString("base64")}`,
  },
  {
    id: "bearer-token",
    name: "bearer token",
    severity: "high",
    keywords: ["bearer "],
    pattern: /[Bb]earer (?<secret>[\w~+/.-]{20,500}={0,2})(?![\w~+/.=-])/dy,
    shape: [["\\w~+/.=-", 502]],
    least: 20,
    entropy: 3.6,
    generic: true,
    check: looksRandom,
    example: (random) => `Authorization: Bearer ${random(ALNUM, 36)}${random(DIGITS, 4)}`,
  },
  {
    id: "curl-header",
    name: "credentials in a header of a curl command",
    severity: "high",
    keywords: ['-h "', "-h '", '-h="', "-h='", "--header", '-h"', "-h'"],
    pattern:
      /-(?:[Hh]|-header)[= \t]{0,5}["'](?:[Aa]uthorization: {0,5}(?:(?:[Bb]asic|[Bb]earer|(?:[Aa]pi-)?[Tt]oken)[ \t])?|(?:[Xx]-(?:[A-Za-z]{1,20}-)?)?(?:[Aa][Pp][Ii]-?)?(?:[Kk][Ee][Yy]|[Tt]oken|TOKEN): {0,5}|(?:PRIVATE|JOB|DEPLOY)-TOKEN: {0,5})(?<secret>[\w=~@.+/-]{8,500})["']/dy,
    shape: [
      ["= \\t", 5],
      ["\"'", 1],
      ["\\w-", 40],
      [":", 1, 1],
      [" ", 5],
      ["A-Za-z-", 10],
      [" \\t", 1],
      ["\\w=~@.+/-", 501],
      ["\"'", 1],
    ],
    inWord: true,
    generic: true,
    entropy: 2.75,
    check: (secret, before) => CURL.test(before) && !isVariable(secret) && !isDefaultPassword(secret),
    example: (random) => `curl -H "X-Api-Key: ${random(ALNUM, 24)}" https://api.internal/`,
  },
  {
    id: "curl-user",
    name: "credentials in a curl command",
    severity: "high",
    keywords: ["-u ", '-u"', "-u'", "-u=", "--user ", "--user="],
    pattern:
      /-(?:[Uu]|-user)[= \t]{0,5}(?:"(?<secret>[^":\n]{0,64}:[^"\n]{3,100}|[^":\n]{3,100}:)"|'(?<secret>[^':\n]{0,64}:[^'\n]{3,100}|[^':\n]{3,100}:)'|(?<secret>[\w$@.-]{1,64}:(?:"[^"\n]{3,100}"|'[^'\n]{3,100}'|[\w${}@.!%^*+=~#-]{3,100}))(?![\w:]))/dy,
    shape: [
      ["= \\t", 5],
      ["!-~ ", 176],
    ],
    least: 4,
    generic: true,
    entropy: 2,
    check: (secret, before) =>
      CURL.test(before) &&
      !secret.split(":").some(isVariable) &&
      !isDefaultPassword(secret.slice(secret.indexOf(":") + 1)),
    example: (random) => `curl -u app:${random(ALNUM, 20)} https://api.internal/`,
  },
  {
    id: "sshpass-password",
    name: "password in an sshpass command",
    severity: "high",
    keywords: ["sshpass -p"],
    pattern: /sshpass -p ?["']?(?<secret>[^\s"'\u0080-\uFFFF]{4,64})/dy,
    shape: [
      [" \"'", 2],
      ["!-~", 65],
    ],
    least: 4,
    generic: true,
    entropy: 2,
    check: (secret) => !isVariable(secret) && !isDefaultPassword(secret),
    example: (random) => `sshpass -p ${random(ALNUM, 14)} ssh app@db.internal`,
  },
  {
    id: "netrc-password",
    name: "password of a .netrc file",
    severity: "high",
    keywords: ["login "],
    pattern: /[Ll]ogin[ \t]{1,4}\S{1,64}\s{1,10}password[ \t]{1,4}(?<secret>[!-~]{3,100})/dy,
    shape: [
      [" \\t", 4],
      ["!-~", 64],
      ["\\s", 10],
      ["a-z", 8, 8],
      [" \\t", 4],
      ["!-~", 100],
    ],
    generic: true,
    entropy: 1.5,
    check: (secret, before) =>
      /(?:machine[ \t]+[\w.-]+|default)\s+$/.test(before) &&
      /[^a-z]/.test(secret) &&
      !isDefaultPassword(secret) &&
      !isVariable(secret),
    example: (random) => `machine api.internal login app password ${random(ALNUM, 20)}`,
  },
  {
    id: "npmrc-credentials",
    name: "credentials of an .npmrc file",
    severity: "high",
    keywords: ["_authtoken", "_auth=", "_auth =", "_password"],
    pattern: /_(?:[Aa]uth[Tt]oken|[Aa]uth|[Pp]assword) ?= ?"?(?<secret>[\w+/=.-]{12,300})(?![\w+/=.-])/dy,
    shape: [[' ="\\w+/.-', 305]],
    least: 12,
    inWord: true,
    generic: true,
    check: (secret, before) => /(?:^|[\s:])$/.test(before) && /[0-9]/.test(secret),
    example: (random) => `//registry.internal/:_authToken=${random(ALNUM, 36)}`,
  },
  {
    id: "docker-auth",
    name: "credentials of a Docker configuration",
    severity: "high",
    keywords: ['auth"', 'auth\\"'],
    pattern: /auth\\?" {0,4}: {0,4}\\?"(?<secret>[A-Za-z0-9+/]{8,500}={0,2})\\?"/dy,
    shape: [
      [' :"\\\\', 12],
      ["A-Za-z0-9+/=", 502],
      ['\\\\"', 2],
    ],
    least: 12,
    inWord: true,
    entropy: 2.5,
    check: (secret) => decodesTo(secret, /^[^\s:]{1,64}:.{3,}$/),
    example: (random) =>
      `{"auths":{"r.internal":{"auth":"${Buffer.from(`app:${random(ALNUM, 21)}`).toString("base64")}"}}}`,
  },
  {
    id: "nuget-password",
    name: "password of a NuGet configuration",
    severity: "high",
    keywords: ['"cleartextpassword"', '"password" value'],
    pattern: /"(?:[Cc]lear[Tt]ext)?[Pp]assword"[ \t]{1,4}value="(?<secret>[^"\n]{8,200})"/dy,
    shape: [
      [" \\tvalue=", 10],
      ['"', 1, 1],
      ["!#-~ ", 200],
      ['"', 1],
    ],
    inWord: true,
    entropy: 1,
    check: (secret) => !isVariable(secret) && !isDefaultPassword(secret),
    example: (random) => `<add key="ClearTextPassword" value="${random(ALNUM, 20)}" />`,
  },
  // A manifest's `data`, in YAML or JSON: the finding begins at the first value and grows to the end of the block.
  {
    id: "kubernetes-secret",
    name: "data of a Kubernetes secret",
    severity: "high",
    keywords: DATA,
    pattern: new RegExp(FIRST_ENTRY, "dy"),
    shape: ENTRY_SHAPE,
    inWord: true,
    entropy: 2,
    check: (_, before) => /(?:\b|\\[nrt])kind["']?:[ \t]*["']?secret\b/i.test(before),
    grow: secretBlock,
    example: (random) =>
      `kind: Secret\nmetadata:\n  name: app\ndata:\n  password: ${random(ALNUM, 24)}\n  user: ${random(ALNUM, 12)}`,
  },
  // The same with the kind behind it.
  {
    id: "kubernetes-secret-data",
    name: "data of a Kubernetes secret",
    severity: "high",
    keywords: DATA,
    pattern: new RegExp(`${FIRST_ENTRY}(?=[\\s!-~]{0,240}?\\bkind["']?:[ \\t]{0,4}["']?[Ss]ecret(?![\\w-]))`, "dy"),
    shape: [...ENTRY_SHAPE, ["\\s!-~", 260]],
    inWord: true,
    entropy: 2,
    check: (_, before) => !/(?:\b|\\[nrt])kind["']?:[ \t]*["']?secret\b/i.test(before),
    grow: secretBlock,
    example: (random) => `apiVersion: v1\ndata:\n  password: ${random(ALNUM, 24)}\nkind: Secret\n`,
  },
];
