/**
 * The `gateway.identity` section of `holdfast.yaml`: who is believed about who acts, besides the gateway's own keys.
 *
 * Everything that decides is written here by the operator: which issuers exist, which algorithms and audiences count, and
 * which app a claim or a certificate stands for. A token or a certificate can only pick among what is named.
 *
 * @module
 */

import { z } from "zod";

import { isServerUrl } from "../../core/index.ts";

/** Algorithms that sign with a private key and verify with a public one: JWA (RFC 7518), RFC 8037, RFC 9864. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

export type Algorithm = (typeof ALGORITHMS)[number];

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "lower-case letters, digits and hyphens");
// Apps that start with holdfast- are the product's own: nothing from outside may act as one.
const app = z
  .string()
  .regex(/^(?!holdfast-)[a-z0-9][a-z0-9._-]{0,62}$/, "an app's name, as `holdfast key create --app` takes it");

const scope = {
  models: z
    .array(z.string().min(1))
    .min(1)
    .max(200)
    .default(["*"])
    .describe("models it may use: exact names, or a prefix followed by *"),
  requestsPerMinute: z.int().min(1).optional().describe("left out: gateway.limits.requestsPerMinute"),
  concurrency: z.int().min(1).optional().describe("left out: gateway.limits.concurrency"),
};

const claim = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(8)])
  .describe("a claim's name, or the names on the way to it, as [realm_access, roles]");

/** Over plain HTTP anyone on the way could put other keys in: only the machine itself may answer so. */
function isSafeUrl(text: string): boolean {
  if (!isServerUrl(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  if (username !== "" || password !== "" || search !== "" || hash !== "") return false;
  return protocol === "https:" || (protocol === "http:" && /^(?:127\.0\.0\.1|\[::1\]|localhost)$/.test(hostname));
}
/** The URL of an issuer, of a document of its own, or of who asks it. */
export const issuerUrl = z
  .string()
  .refine(isSafeUrl, "an https URL without user, query and fragment, its host in plain form (http only on loopback)");

export const issuerConfig = z.strictObject({
  name: name.describe("the name in receipts, and before the user's in policies"),
  issuer: issuerUrl.describe("the issuer, letter for letter as its tokens name it in iss"),
  jwks: issuerUrl
    .optional()
    .describe("where its keys are; left out: what its discovery document says, on the issuer's own origin"),
  audience: z.array(z.string().min(1)).min(1).describe("values of aud, one of which a token must have"),
  algorithms: z.array(z.enum(ALGORITHMS)).min(1).default(["RS256", "PS256", "ES256", "EdDSA"]),
  types: z
    .array(z.string().min(1))
    .min(1)
    .default(["JWT", "at+jwt"])
    .describe("values of the header typ, one of which a token must have"),
  app: z
    .union([
      app,
      z.strictObject({
        claim,
        apps: z
          .record(z.string().min(1), app)
          .describe("which app a value of the claim stands for; others are refused"),
      }),
    ])
    .describe("the app that its users act through"),
  user: claim.default("sub"),
  groups: claim.optional().describe("left out: its users are in no group"),
  clockSkewSeconds: z.int().min(0).max(300).default(30).describe("by how much its clock may differ"),
  maxAgeSeconds: z.int().min(1).max(2_592_000).default(86_400).describe("since it was issued, whatever exp says"),
  ...scope,
});

const certificateConfig = z.strictObject({
  name: name.describe("the name in receipts and policies"),
  match: z
    .union([
      z.strictObject({ uri: z.string().min(1) }),
      z.strictObject({ dns: z.string().min(1) }),
      z.strictObject({ email: z.string().min(1) }),
      z.strictObject({
        fingerprint: z
          .string()
          .regex(/^(?:[0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$/, "SHA-256 of the certificate, in hexadecimal"),
      }),
    ])
    .describe("one name of the certificate (subjectAltName), letter for letter, or its fingerprint"),
  app: app.describe("the app that it acts for"),
  ...scope,
});

export const identityConfig = z
  .strictObject({
    issuers: z
      .array(issuerConfig)
      .max(20)
      .default([])
      .refine((all) => isUnique(all.map(({ name: one }) => one)), "two issuers have the same name")
      .refine((all) => isUnique(all.map(({ issuer }) => issuer)), "two entries are for the same issuer")
      .describe("OpenID Connect or OAuth issuers whose tokens (JWT) let their users in"),
    certificates: z
      .array(certificateConfig)
      .max(1_000)
      .default([])
      .refine((all) => isUnique(all.map(({ name: one }) => one)), "two certificates have the same name")
      .describe("client certificates that let in, where the gateway listens with TLS and asks for them"),
  })
  .prefault({});

export type IdentityConfig = z.output<typeof identityConfig>;
export type IssuerConfig = z.output<typeof issuerConfig>;
export type CertificateConfig = z.output<typeof certificateConfig>;

function isUnique(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}
