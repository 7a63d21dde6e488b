/**
 * The public keys of an issuer: found by discovery or where the configuration says, remembered, renewed, and selected for
 * one token.
 *
 *     fresh for 10 minutes, then read again before the next token is judged
 *     a key id that is not known: read again, at most once in 30 seconds (keys rotate before their time)
 *     the issuer is away: the keys last read count for another hour, and it is asked again every 10 seconds
 *
 * Only public keys of asymmetric algorithms are taken. A key never serves an algorithm of another family: a public key
 * used as the secret of an HMAC is the oldest forgery of tokens there is.
 *
 * Sources: OpenID Connect Discovery 1.0 section 4; RFC 7517 (JWK), RFC 8725 (JWT best current practices) sections 3.1,
 * 3.2 and 3.10.
 *
 * @module
 */

import { importJWK, type CryptoKey, type JWK } from "jose";

import type { Clock } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import type { Algorithm, IssuerConfig } from "./config.ts";
import type { FetchJson } from "./fetch.ts";

/** Keys of one issuer, for as long as the gateway runs. */
export interface IssuerKeys {
  /**
   * The key that verifies signatures of `alg` by the key id of a token.
   *
   * @throws `gateway.token-invalid` where there is none, or more than one; `gateway.issuer-unavailable`
   */
  find(alg: Algorithm, kid: string | undefined): Promise<CryptoKey>;
}

/** How long keys count without being read again. A key that its issuer withdraws works no longer than this. */
export const FRESH_MS = 600_000;
/** How long they count beyond it while the issuer cannot be read. */
export const STALE_MS = 3_600_000;
/** Between two reads for key ids that are not known: anyone can make up a key id. */
export const UNKNOWN_MS = 30_000;
/** Between two attempts at an issuer that failed. */
export const RETRY_MS = 10_000;
/** Keys of one issuer at most. */
const MOST_KEYS = 100;
/** Bytes of an RSA modulus: from 2048 bits (RFC 7518 section 3.3), and not so many that verifying is an attack. */
const RSA_BYTES = { least: 256, most: 1_024 };

/** Which keys serve an algorithm: the members that must be so. RFC 7518 section 3.1, RFC 8037 section 3.1. */
const KEY_OF: Readonly<Record<Algorithm, { readonly kty: string; readonly crv?: string }>> = {
  RS256: { kty: "RSA" },
  RS384: { kty: "RSA" },
  RS512: { kty: "RSA" },
  PS256: { kty: "RSA" },
  PS384: { kty: "RSA" },
  PS512: { kty: "RSA" },
  ES256: { kty: "EC", crv: "P-256" },
  ES384: { kty: "EC", crv: "P-384" },
  ES512: { kty: "EC", crv: "P-521" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  Ed25519: { kty: "OKP", crv: "Ed25519" },
};

/** A key as it was read, and what was imported of it. */
interface PublicJwk {
  readonly kid: string | undefined;
  readonly alg: string | undefined;
  readonly kty: string;
  readonly crv: string | undefined;
  readonly jwk: JWK;
  readonly imported: Map<Algorithm, Promise<CryptoKey>>;
}

/** The keys of `issuer`, read when they are first needed. */
export function issuerKeys(issuer: IssuerConfig, fetchJson: FetchJson, clock: Clock): IssuerKeys {
  let keys: readonly PublicJwk[] | undefined;
  let readAt = 0;
  let triedAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let reading: Promise<void> | undefined;

  /** Many tokens may wait for one read. */
  async function read(): Promise<void> {
    reading ??= (async () => {
      triedAt = clock.monotonic();
      try {
        keys = publicKeys(await fetchJson(await whereKeysAre(issuer, fetchJson)), issuer);
        readAt = clock.monotonic();
        failure = undefined;
      } catch (error) {
        failure = error;
      } finally {
        reading = undefined;
      }
    })();
    await reading;
  }

  async function current(): Promise<readonly PublicJwk[]> {
    const isFresh = keys !== undefined && clock.monotonic() - readAt < FRESH_MS;
    const mayTry = failure === undefined || clock.monotonic() - triedAt >= RETRY_MS;
    if (!isFresh && (mayTry || reading !== undefined)) {
      const done = read();
      // Behind an issuer that hangs nobody waits for what the keys at hand can tell.
      if (keys === undefined || failure === undefined) await done;
    }
    if (keys === undefined || clock.monotonic() - readAt >= FRESH_MS + STALE_MS) {
      throw gatewayError("gateway.issuer-unavailable", { detail: issuer.name, cause: failure });
    }
    return keys;
  }

  return {
    async find(alg, kid) {
      let found = select(await current(), alg, kid);
      if (found.length === 0 && (reading !== undefined || clock.monotonic() - triedAt >= UNKNOWN_MS)) {
        await read();
        found = select(await current(), alg, kid);
      }
      const [key, ...others] = found;
      // Trying one after another would let a token choose: a set with two keys of one id says nothing certain.
      if (key === undefined) throw gatewayError("gateway.token-invalid", { detail: "its key is not the issuer's" });
      if (others.length > 0) throw gatewayError("gateway.token-invalid", { detail: "it does not say which key" });
      let imported = key.imported.get(alg);
      if (imported === undefined) {
        imported = importJWK(key.jwk, alg) as Promise<CryptoKey>;
        imported.catch(() => undefined);
        key.imported.set(alg, imported);
      }
      try {
        return await imported;
      } catch (cause) {
        throw gatewayError("gateway.token-invalid", { detail: "its key cannot be used", cause });
      }
    },
  };
}

/** Where the keys are: OpenID Connect Discovery 1.0 sections 4.1 to 4.3. @throws `gateway.issuer-unavailable` */
async function whereKeysAre(issuer: IssuerConfig, fetchJson: FetchJson): Promise<string> {
  if (issuer.jwks !== undefined) return issuer.jwks;
  const document = await fetchJson(`${issuer.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  const { issuer: named, jwks_uri: uri } = asRecord(document);
  const wrong = (what: string): Error =>
    gatewayError("gateway.issuer-unavailable", { detail: `${issuer.name}: ${what}` });
  if (named !== issuer.issuer) throw wrong("its discovery document names another issuer");
  if (typeof uri !== "string" || !URL.canParse(uri)) throw wrong("its discovery document names no jwks_uri");
  const { origin, search, hash, username, password } = new URL(uri);
  if (origin !== new URL(issuer.issuer).origin || search + hash + username + password !== "") {
    throw wrong("its jwks_uri is not on the issuer's own origin: name it in the configuration (jwks)");
  }
  return uri;
}

/** The keys of a JWK Set that may verify signatures. @throws `gateway.issuer-unavailable` */
function publicKeys(document: unknown, issuer: IssuerConfig): readonly PublicJwk[] {
  const { keys } = asRecord(document);
  if (!Array.isArray(keys) || keys.length > MOST_KEYS) {
    throw gatewayError("gateway.issuer-unavailable", {
      detail: `${issuer.name}: not a set of at most ${MOST_KEYS} keys`,
    });
  }
  // RFC 7517 section 5: keys that are not understood, or lack members, are left out.
  return keys.flatMap((key: unknown) => publicKey(asRecord(key)));
}

function publicKey(key: Readonly<Record<string, unknown>>): PublicJwk[] {
  const { kty, use, key_ops: operations } = key;
  if (use !== undefined && use !== "sig") return [];
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) return [];
  const members = kty === "RSA" ? ["n", "e"] : kty === "EC" ? ["crv", "x", "y"] : kty === "OKP" ? ["crv", "x"] : [];
  // Only what makes a public key is taken: whatever else stands there, private members too, is never imported.
  const values = members.map((member) => [member, key[member]] as const);
  if (members.length === 0 || values.some(([, value]) => typeof value !== "string")) return [];
  if (kty === "RSA") {
    const bytes = Buffer.from(key["n"] as string, "base64url");
    const size = bytes[0] === 0 ? bytes.length - 1 : bytes.length;
    if (size < RSA_BYTES.least || size > RSA_BYTES.most) return [];
  }
  return [
    {
      kid: text(key["kid"]),
      alg: text(key["alg"]),
      kty: kty as string,
      crv: text(key["crv"]),
      jwk: { kty: kty as string, ...Object.fromEntries(values) },
      imported: new Map(),
    },
  ];
}

function select(keys: readonly PublicJwk[], alg: Algorithm, kid: string | undefined): readonly PublicJwk[] {
  const { kty, crv } = KEY_OF[alg];
  return keys.filter(
    (key) =>
      (kid === undefined || key.kid === kid) &&
      key.kty === kty &&
      (crv === undefined || key.crv === crv) &&
      (key.alg === undefined || key.alg === alg),
  );
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
