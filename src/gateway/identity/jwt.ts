/**
 * JSON Web Tokens as bearer tokens: from the text to claims that may be believed.
 *
 * The steps, in this order; each refuses by name:
 *
 *     1 size and form     compact JWS of three base64url parts, header and claims JSON without a name twice
 *     2 issuer            iss is one of the configuration's, letter for letter
 *     3 header            alg by the issuer's allow list, typ by its list, no crit
 *     4 key               of this issuer, of the algorithm's family, by kid
 *     5 signature
 *     6 claims            aud, exp, nbf, iat within the clock's skew, sub
 *
 * Nothing of a token is believed before its signature, except which issuer's keys to try. Keys and their places that a
 * token names itself (jwk, jku, x5u, x5c) are never looked at.
 *
 * Sources: RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (best current practices), RFC 9068 (access tokens).
 *
 * @module
 */

import { compactVerify } from "jose";

import { isHoldfastError, parseJson } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import type { Algorithm, IssuerConfig } from "./config.ts";
import type { IssuerKeys } from "./jwks.ts";

/** An issuer whose tokens are believed, with its keys. */
export interface TrustedIssuer {
  readonly config: IssuerConfig;
  readonly keys: IssuerKeys;
}

export type Claims = Readonly<Record<string, unknown>>;

/** A token whose signature and claims hold at the time of its verification. */
export interface VerifiedToken {
  readonly issuer: IssuerConfig;
  readonly claims: Claims;
}

/** Characters of a token at most; what is longer is refused unread. Headers as a whole end at 16,384 bytes. */
export const TOKEN_CHARS = 8_192;
const DEPTH = 16;
/** Seconds since the epoch beyond which a date is no date: the end of the year 9999. */
const LAST_SECOND = 253_402_300_799;

const FORM = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** Whether a text has the form of a token; nothing else is told apart by it. */
export function looksLikeToken(text: string): boolean {
  return text.startsWith("eyJ") && text.includes(".");
}

/**
 * Verifies a token at `now`, in milliseconds since the epoch.
 *
 * @throws `gateway.token-invalid` with the step in its detail, `gateway.token-expired`, `gateway.issuer-unavailable`
 */
export async function verifyToken(
  token: string,
  issuers: readonly TrustedIssuer[],
  now: number,
): Promise<VerifiedToken> {
  // Step 1
  if (token.length > TOKEN_CHARS) throw invalid(`longer than ${TOKEN_CHARS} characters`);
  if (!FORM.test(token)) throw invalid("not a JSON web signature in compact form");
  const [head, body] = token.split(".") as [string, string, string];
  const header = readPart(head, "header");
  const claims = readPart(body, "claims");
  // Step 2
  const issuer = issuers.find(({ config }) => config.issuer === claims["iss"]);
  if (issuer === undefined) throw invalid("its issuer is not configured (iss)");
  const { config, keys } = issuer;
  // Step 3
  const alg = checkHeader(header, config);
  // Step 4
  const key = await keys.find(alg, header["kid"] as string | undefined);
  // Step 5
  try {
    await compactVerify(token, key, { algorithms: [alg] });
  } catch (cause) {
    throw gatewayError("gateway.token-invalid", { detail: "its signature", cause });
  }
  // Step 6
  checkClaims(claims, config);
  checkTimes(claims, config, now);
  return { issuer: config, claims };
}

/**
 * Whether the times of verified claims still hold: exp, nbf and iat, RFC 7519 section 4.1, and the age that the
 * configuration allows. Asked again whenever a token is recognised.
 *
 * @throws `gateway.token-invalid`, `gateway.token-expired`
 */
export function checkTimes(claims: Claims, config: IssuerConfig, now: number): void {
  const seconds = now / 1_000;
  const skew = config.clockSkewSeconds;
  const exp = date(claims, "exp");
  const iat = date(claims, "iat");
  const nbf = claims["nbf"] === undefined ? iat : date(claims, "nbf");
  if (iat - skew > seconds) throw invalid("issued in the future (iat)");
  if (nbf - skew > seconds) throw invalid("not valid yet (nbf)");
  if (exp + skew <= seconds) throw gatewayError("gateway.token-expired", { detail: "exp" });
  if (iat + config.maxAgeSeconds + skew <= seconds) {
    throw gatewayError("gateway.token-expired", {
      detail: `issued over ${config.maxAgeSeconds} s ago (maxAgeSeconds)`,
    });
  }
}

/**
 * RFC 8725 section 3.1 (algorithms), 3.11 (types); RFC 7515 section 4.1.11 (crit). An empty text among the types lets a
 * token leave the header out, as ID tokens may.
 */
function checkHeader(header: Claims, config: IssuerConfig): Algorithm {
  const { alg, crit, kid, typ } = header;
  const allowed = config.algorithms.find((algorithm) => algorithm === alg);
  if (allowed === undefined) throw invalid("its algorithm is not allowed (alg)");
  const types = config.types.map(typeOf);
  if (typeof (typ ?? "") !== "string" || !types.includes(typeOf((typ ?? "") as string)))
    throw invalid("its type is not allowed (typ)");
  if (crit !== undefined) throw invalid("it demands an extension (crit)");
  if (kid !== undefined && typeof kid !== "string") throw invalid("its key id is not a text (kid)");
  return allowed;
}

/** RFC 7515 section 4.1.9: `application/` may be left out, and case does not count. */
function typeOf(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, "");
}

function checkClaims(claims: Claims, config: IssuerConfig): void {
  const { aud, cnf } = claims;
  const audiences = Array.isArray(aud) ? (aud as readonly unknown[]) : [aud];
  if (!audiences.every((one) => typeof one === "string")) throw invalid("its audience is not a text (aud)");
  if (!audiences.some((one) => config.audience.includes(one))) throw invalid("it is for another audience (aud)");
  // RFC 7800: a token that is bound to a key is worth nothing to someone who cannot show the key. Which kind of binding
  // can be checked here is up to whoever knows the connection.
  if (cnf !== undefined && thumbprintOf(claims) === undefined) {
    throw invalid("it is bound to a key in a way that cannot be checked here (cnf)");
  }
}

/** The SHA-256 thumbprint of the client certificate that a token is bound to, in base64url: RFC 8705 section 3.1. */
export function thumbprintOf(claims: Claims): string | undefined {
  const { cnf } = claims;
  if (typeof cnf !== "object" || cnf === null) return undefined;
  const [[name, value] = [], ...others] = Object.entries(cnf);
  return name === "x5t#S256" && typeof value === "string" && others.length === 0 ? value : undefined;
}

function date(claims: Claims, name: string): number {
  const value = claims[name];
  if (typeof value !== "number" || !(value >= 0 && value <= LAST_SECOND)) throw invalid(`no date in ${name}`);
  return value;
}

/** A name twice is refused: whoever issued the token and whoever reads it might take different ones. */
function readPart(part: string, what: string): Claims {
  let value: unknown;
  try {
    value = parseJson(Buffer.from(part, "base64url"), { maxBytes: TOKEN_CHARS, maxDepth: DEPTH });
  } catch (cause) {
    const twice = isHoldfastError(cause, "core.json-duplicate-name");
    throw gatewayError("gateway.token-invalid", { detail: `${what}: ${twice ? "a name twice" : "not JSON"}`, cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(`${what}: not a JSON object`);
  return value as Claims;
}

function invalid(detail: string): Error {
  return gatewayError("gateway.token-invalid", { detail });
}
