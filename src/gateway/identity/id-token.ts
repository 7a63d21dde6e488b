/**
 * ID tokens: what an issuer says of who has just signed in, to one client alone. The steps of `jwt.ts`, and those that
 * OpenID Connect adds.
 *
 * Source: OpenID Connect Core 1.0 section 3.1.3.7.
 *
 * @module
 */

import { timingSafeEqual, hash } from "node:crypto";

import type { Clock } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";
import { issuerConfig, type Algorithm } from "./config.ts";
import type { FetchJson } from "./fetch.ts";
import { issuerKeys } from "./jwks.ts";
import { verifyToken, type Claims } from "./jwt.ts";

export interface IdTokenOptions {
  readonly issuer: string;
  /** Where the issuer's keys are. */
  readonly jwks: string;
  readonly clientId: string;
  readonly algorithms: readonly Algorithm[];
  readonly fetchJson: FetchJson;
  readonly clock: Clock;
}

/** An ID token is redeemed right after it was issued, in seconds. */
const MAX_AGE_SECONDS = 600;

/**
 * Makes the check of ID tokens: it resolves with the claims, whose `sub` is a text, or throws as `verifyToken` does. The
 * keys of the issuer are remembered between calls.
 */
export function idTokenVerifier(options: IdTokenOptions): (token: string, nonce: string) => Promise<Claims> {
  const { clientId, clock, fetchJson } = options;
  const config = {
    ...issuerConfig.parse({
      name: "id-token",
      issuer: options.issuer,
      jwks: options.jwks,
      audience: [clientId],
      algorithms: options.algorithms,
      app: "none",
      maxAgeSeconds: MAX_AGE_SECONDS,
    }),
    // An access token has a type of its own (RFC 9068 section 2.1), and is none of these.
    types: ["JWT", ""],
  };
  const trusted = { config, keys: issuerKeys(config, fetchJson, clock) };
  return async (token, nonce) => {
    const { claims } = await verifyToken(token, [trusted], clock.now());
    // Steps 4 and 5: for several audiences the token says who it was issued to.
    const { aud, azp, sub } = claims;
    if (azp !== undefined ? azp !== clientId : Array.isArray(aud) && aud.length > 1) {
      throw gatewayError("gateway.token-invalid", { detail: "it was issued to another client (azp)" });
    }
    // Step 11: it belongs to this sign-in, and no other.
    const { nonce: own } = claims;
    if (typeof own !== "string" || !timingSafeEqual(digest(own), digest(nonce))) {
      throw gatewayError("gateway.token-invalid", { detail: "it belongs to another sign-in (nonce)" });
    }
    if (typeof sub !== "string" || sub === "" || sub.length > 255 || !sub.isWellFormed()) {
      throw gatewayError("gateway.token-invalid", { detail: "it does not say who signed in (sub)" });
    }
    return claims;
  };
}

function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
