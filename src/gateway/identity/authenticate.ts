/**
 * Who acts: by an API key, a token of an issuer, or a client certificate. Whatever a request shows besides is nothing:
 * no header names an app, a user or a group.
 *
 *     key or token, one of them      decides
 *     and a certificate              must stand for the same app, if it stands for one
 *     a certificate alone            decides
 *
 * @module
 */

import { hash, type X509Certificate } from "node:crypto";

import { isHoldfastError, type Clock } from "../../core/index.ts";
import type { Db } from "../../storage/index.ts";
import { gatewayError } from "../errors.ts";
import { principalOfCertificate, thumbprint } from "./certificate.ts";
import { principalOfClaims, type Pseudonym } from "./claims.ts";
import type { IdentityConfig, IssuerConfig } from "./config.ts";
import { fetchJson as fetchOverNetwork, type FetchJson } from "./fetch.ts";
import { issuerKeys } from "./jwks.ts";
import { checkTimes, looksLikeToken, thumbprintOf, verifyToken, type Claims } from "./jwt.ts";
import { authenticator, type Principal } from "./principal.ts";

/** What a request shows. */
interface Presented {
  /** From `authorization: Bearer` or `x-api-key`. */
  readonly credential: string | undefined;
  /** Of the connection, verified by TLS. */
  readonly certificate: X509Certificate | undefined;
}

/** @throws the errors of keys, tokens, issuers and certificates; `gateway.credentials-disagree` */
export type AuthenticateRequest = (presented: Presented) => Promise<Principal> | Principal;

export interface AuthenticateOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly config: IdentityConfig;
  readonly pseudonym: Pseudonym;
  /** Default: over the network. */
  readonly fetchJson?: FetchJson;
}

/** How long a verified token is recognised without its signature being verified again, in milliseconds. */
const REMEMBER_MS = 60_000;
/** Tokens recognised at most. */
const REMEMBER_TOKENS = 10_000;

interface Remembered {
  readonly principal: Principal;
  readonly claims: Claims;
  readonly issuer: IssuerConfig;
  readonly until: number;
}

/**
 * Makes the check of requests.
 *
 * @example
 * ```ts
 * const authenticate = requestAuthenticator({ db, clock, config: gateway.identity, pseudonym });
 * const principal = await authenticate({ credential: presentedKey(headers), certificate: undefined });
 * ```
 */
export function requestAuthenticator(options: AuthenticateOptions): AuthenticateRequest {
  const { clock, config, db } = options;
  const byKey = authenticator(db, clock);
  const byToken = tokenAuthenticator(options);
  const hasIssuers = config.issuers.length > 0;

  return ({ credential, certificate }) => {
    const stated = certificate === undefined ? undefined : appOfCertificate(certificate, config);
    if (credential === undefined && certificate !== undefined) {
      return principalOfCertificate(certificate, config.certificates);
    }
    const principal =
      hasIssuers && credential !== undefined && looksLikeToken(credential)
        ? byToken(credential, certificate)
        : byKey(credential);
    if (stated === undefined) return principal;
    return agreed(principal, stated);
  };
}

/** The check of tokens. Recognised ones are looked up by the digest of their whole text: no two share an entry. */
function tokenAuthenticator(options: AuthenticateOptions) {
  const { clock, config, pseudonym } = options;
  const fetchJson = options.fetchJson ?? fetchOverNetwork;
  const issuers = config.issuers.map((issuer) => ({ config: issuer, keys: issuerKeys(issuer, fetchJson, clock) }));
  const remembered = new Map<string, Remembered>();

  return async (token: string, certificate: X509Certificate | undefined): Promise<Principal> => {
    const digest = hash("sha256", token);
    let known = remembered.get(digest);
    if (known === undefined || known.until <= clock.monotonic()) {
      const { claims, issuer } = await verifyToken(token, issuers, clock.now());
      const principal = principalOfClaims(claims, issuer, pseudonym);
      known = { principal, claims, issuer, until: clock.monotonic() + REMEMBER_MS };
      if (remembered.size >= REMEMBER_TOKENS) remembered.clear();
      remembered.set(digest, known);
    } else {
      checkTimes(known.claims, known.issuer, clock.now());
    }
    checkBinding(known.claims, certificate);
    return known.principal;
  };
}

/** RFC 8705 section 3: a token that is bound to a certificate is good only on connections that show it. */
function checkBinding(claims: Claims, certificate: X509Certificate | undefined): void {
  const bound = thumbprintOf(claims);
  if (bound === undefined) return;
  if (certificate === undefined || thumbprint(certificate) !== bound) {
    throw gatewayError("gateway.token-invalid", {
      detail: "it is bound to a client certificate that is not shown (cnf)",
    });
  }
}

function appOfCertificate(certificate: X509Certificate, { certificates }: IdentityConfig): string | undefined {
  try {
    return principalOfCertificate(certificate, certificates).app;
  } catch (error) {
    // Beside a key or a token a certificate that nobody named says only that TLS was willing.
    if (isHoldfastError(error, "gateway.certificate-unknown")) return undefined;
    throw error;
  }
}

async function agreed(principal: Principal | Promise<Principal>, app: string): Promise<Principal> {
  const found = await principal;
  if (found.app !== app) throw gatewayError("gateway.credentials-disagree");
  return found;
}
