/**
 * Keys of clouds and of what runs in them. Forms after each vendor's own documentation of its credentials.
 *
 * @module
 */

import { ALNUM, DIGITS, HEX, named, token, UPPER, WORD, type SecretRule } from "../rule.ts";

const BASE64 = `${ALNUM}+/`;
const BASE32 = `${UPPER}234567`;

export const CLOUD_RULES: readonly SecretRule[] = [
  // AWS IAM, "Unique identifiers": AKIA a long-term key, ASIA a temporary one; base32 follows.
  token({
    id: "aws-access-key-id",
    name: "AWS access key id",
    keywords: ["akia", "asia"],
    pattern: /A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9])/y,
    most: 16,
    example: (random) => `AKIA${random(BASE32, 16)}`,
  }),
  named({
    id: "aws-secret-access-key",
    name: "AWS secret access key",
    keywords: ["aws_secret", "aws-secret", "awssecret", "secret_access_key", "secretaccesskey", "secret access key"],
    severity: "critical",
    value: "[A-Za-z0-9/+]{40}",
    most: 40,
    entropy: 4,
    example: (random) => `aws_secret_access_key = ${random(BASE64, 40)}`,
  }),
  token({
    id: "google-api-key",
    name: "Google API key",
    keywords: ["aiza"],
    pattern: /AIza[\w-]{35}(?![\w-])/y,
    most: 36,
    example: (random) => `AIza${random(WORD, 35)}`,
  }),
  token({
    id: "google-oauth-client-secret",
    name: "Google OAuth client secret",
    keywords: ["gocspx-"],
    pattern: /GOCSPX-[\w-]{28}(?![\w-])/y,
    most: 29,
    example: (random) => `GOCSPX-${random(WORD, 28)}`,
  }),
  token({
    id: "google-oauth-access-token",
    name: "Google OAuth access token",
    keywords: ["ya29."],
    pattern: /ya29\.[\w-]{40}/y,
    most: 40,
    grow: () => isTokenUnit,
    example: (random) => `ya29.${random(WORD, 120)}`,
  }),
  {
    id: "azure-storage-key",
    name: "Azure storage account key",
    severity: "critical",
    keywords: ["accountkey="],
    pattern: /[Aa]ccount[Kk]ey=(?<secret>[A-Za-z0-9+/]{86}==)/dy,
    shape: [["A-Za-z0-9+/=", 88]],
    inWord: true,
    entropy: 4,
    example: (random) => `AccountKey=${random(BASE64, 86)}==`,
  },
  {
    id: "azure-shared-access-key",
    name: "Azure Service Bus, Event Hubs or IoT shared access key",
    severity: "critical",
    keywords: ["sharedaccesskey="],
    pattern: /[Ss]hared[Aa]ccess[Kk]ey=(?<secret>[A-Za-z0-9+/]{43}=)/dy,
    shape: [["A-Za-z0-9+/=", 44]],
    inWord: true,
    entropy: 4,
    example: (random) => `SharedAccessKey=${random(BASE64, 43)}=`,
  },
  // Three characters, a digit, "Q~", then 31 to 34: the finding starts at the digit, the secret's fourth character.
  token({
    id: "azure-client-secret",
    name: "Microsoft Entra ID client secret",
    keywords: Array.from(DIGITS, (digit) => `${digit}q~`),
    pattern: /[0-9]Q~[\w~.-]{31,34}(?![\w~.-])/y,
    most: 35,
    characters: "\\w~.-",
    inWord: true,
    check: (_, before) => /(?:^|[^\w~.-]|\\[nrt])[\w~.-]{3}$/.test(before),
    example: (random) => `${random(ALNUM, 3)}8Q~${random(ALNUM, 34)}`,
  }),
  {
    id: "azure-sas-signature",
    name: "Azure shared access signature",
    severity: "high",
    keywords: ["&sig=", "?sig="],
    pattern: /[?&]sig=(?<secret>[A-Za-z0-9%+/]{42,70}(?:%3[dD]|=))/dy,
    shape: [["A-Za-z0-9%+/=", 74]],
    inWord: true,
    entropy: 4,
    example: (random) => `?sv=2024-11-04&sig=${random(ALNUM, 43)}%3D`,
  },
  token({
    id: "digitalocean-token",
    name: "DigitalOcean token",
    keywords: ["dop_v1_", "doo_v1_", "dor_v1_"],
    pattern: /do[opr]_v1_[a-f0-9]{64}(?![A-Za-z0-9])/y,
    most: 65,
    example: (random) => `dop_v1_${random(HEX, 64)}`,
  }),
  token({
    id: "heroku-api-key",
    name: "Heroku API key",
    keywords: ["hrku-aa"],
    pattern: /HRKU-AA[\w-]{58}(?![\w-])/y,
    most: 59,
    example: (random) => `HRKU-AA${random(WORD, 58)}`,
  }),
  named({
    id: "heroku-api-key-uuid",
    name: "Heroku API key",
    keywords: ["heroku"],
    value: "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    most: 36,
    example: (random) => `HEROKU_API_KEY=${[8, 4, 4, 4, 12].map((length) => random(HEX, length)).join("-")}`,
  }),
  named({
    id: "cloudflare-api-token",
    name: "Cloudflare API key or token",
    keywords: ["cloudflare", "cf_api"],
    value: "(?:[A-Za-z0-9_-]{40}|[a-f0-9]{37})",
    most: 41,
    entropy: 3.3,
    example: (random) => `CLOUDFLARE_API_TOKEN=${random(ALNUM, 40)}`,
  }),
  token({
    id: "vault-token",
    name: "HashiCorp Vault token",
    keywords: ["hvs.", "hvb.", "hvr."],
    pattern: /hv[sbr]\.[\w-]{24}/y,
    most: 24,
    grow: () => isTokenUnit,
    example: (random) => `hvs.${random(WORD, 95)}`,
  }),
  // 14 characters, ".atlasv1.", 60 or more: the finding starts at the dot and takes the long part.
  token({
    id: "terraform-token",
    name: "HCP Terraform token",
    keywords: [".atlasv1."],
    pattern: /\.atlasv1\.[\w-]{60,70}(?![\w-])/y,
    most: 71,
    inWord: true,
    check: (_, before) => /[A-Za-z0-9]{14}$/.test(before),
    example: (random) => `${random(ALNUM, 14)}.atlasv1.${random(ALNUM, 67)}`,
  }),
  token({
    id: "databricks-token",
    name: "Databricks token",
    keywords: ["dapi"],
    pattern: /dapi[a-f0-9]{32}(?:-[0-9])?(?![\w-])/y,
    most: 35,
    example: (random) => `dapi${random(HEX, 32)}`,
  }),
  token({
    id: "pulumi-token",
    name: "Pulumi access token",
    keywords: ["pul-"],
    pattern: /pul-[a-f0-9]{40}(?![\w-])/y,
    most: 41,
    example: (random) => `pul-${random(HEX, 40)}`,
  }),
  token({
    id: "planetscale-credential",
    name: "PlanetScale password or token",
    keywords: ["pscale_"],
    pattern: /pscale_(?:tkn|pw|oauth)_[\w.=-]{32,64}(?![\w.=-])/y,
    most: 71,
    characters: "\\w.=-",
    example: (random) => `pscale_pw_${random(WORD, 43)}`,
  }),
  token({
    id: "doppler-token",
    name: "Doppler token",
    keywords: ["dp.pt.", "dp.st.", "dp.ct.", "dp.sa."],
    pattern: /dp\.(?:pt|ct|sa|st(?:\.[a-z0-9_-]{2,35})?)\.[A-Za-z0-9]{40,44}(?![A-Za-z0-9])/y,
    most: 82,
    characters: "\\w.-",
    example: (random) => `dp.pt.${random(ALNUM, 43)}`,
  }),
  token({
    id: "tailscale-key",
    name: "Tailscale key",
    keywords: ["tskey-"],
    pattern: /tskey-(?:auth|api|client|scim|webhook)-[A-Za-z0-9]{6,20}-[A-Za-z0-9]{20,40}(?![\w-])/y,
    most: 71,
    example: (random) => `tskey-auth-${random(ALNUM, 12)}-${random(ALNUM, 32)}`,
  }),
  token({
    id: "supabase-token",
    name: "Supabase access token or secret key",
    keywords: ["sbp_", "sb_secret_"],
    pattern: /(?:sbp_[a-f0-9]{40}|sb_secret_[\w-]{31,40})(?![\w-])/y,
    most: 41,
    example: (random) => `sbp_${random(HEX, 40)}`,
  }),
  token({
    id: "alibaba-access-key-id",
    name: "Alibaba Cloud access key id",
    keywords: ["ltai"],
    pattern: /LTAI[A-Za-z0-9]{20}(?![A-Za-z0-9])/y,
    most: 21,
    entropy: 3.2,
    example: (random) => `LTAI${random(ALNUM, 20)}`,
  }),
];

/** What base64url and the dots of joined tokens are made of. */
function isTokenUnit(code: number): boolean {
  return code < 128 && /[\w.-]/.test(String.fromCharCode(code));
}
