/**
 * From the claims of a verified token to the Principal who acts, by the configuration of its issuer.
 *
 * @module
 */

import { gatewayError } from "../errors.ts";
import type { IssuerConfig } from "./config.ts";
import type { Claims } from "./jwt.ts";
import type { Principal } from "./principal.ts";

/** A name for someone that says nothing of who it is without the gateway's own key, and is always the same. */
export type Pseudonym = (kind: string, who: string) => string;

/** Groups of one user at most, and characters of one of their names: they travel into every decision. */
const MOST_GROUPS = 200;
const GROUP_CHARS = 256;
const USER_CHARS = 255;

/**
 * The principal of verified claims. Receipts name it by a pseudonym: they are public, and users are people.
 *
 * @throws `gateway.token-invalid` for claims that have another form than the configuration expects,
 *   `gateway.token-forbidden` where they stand for no app
 */
export function principalOfClaims(claims: Claims, issuer: IssuerConfig, pseudonym: Pseudonym): Principal {
  const user = claimAt(claims, issuer.user);
  if (typeof user !== "string" || user === "" || user.length > USER_CHARS || !user.isWellFormed()) {
    throw wrong("user", issuer.user);
  }
  return {
    // With the issuer's name: one issuer's alice is not another's.
    keyId: `user:${issuer.name}:${pseudonym(`user of ${issuer.issuer}`, user)}`,
    app: appOf(claims, issuer),
    models: issuer.models,
    requestsPerMinute: issuer.requestsPerMinute,
    concurrency: issuer.concurrency,
    via: "token",
    user: `${issuer.name}/${user}`,
    groups: groupsOf(claims, issuer),
  };
}

function appOf(claims: Claims, { app }: IssuerConfig): string {
  if (typeof app === "string") return app;
  const value = claimAt(claims, app.claim);
  if (typeof value !== "string" || !Object.hasOwn(app.apps, value)) {
    throw gatewayError("gateway.token-forbidden", { detail: `its ${shown(app.claim)} stands for no app` });
  }
  return app.apps[value] as string;
}

function groupsOf(claims: Claims, { groups }: IssuerConfig): readonly string[] {
  if (groups === undefined) return [];
  const value = claimAt(claims, groups);
  if (value === undefined) {
    // OpenID Connect Core section 5.6.2: the groups exist, and are elsewhere. Without them a rule that forbids a group
    // something would not bind.
    if (claims["_claim_names"] !== undefined) throw wrong("groups", groups);
    return [];
  }
  if (!Array.isArray(value) || value.length > MOST_GROUPS) throw wrong("groups", groups);
  for (const group of value as readonly unknown[]) {
    if (typeof group !== "string" || group === "" || group.length > GROUP_CHARS || !group.isWellFormed()) {
      throw wrong("groups", groups);
    }
  }
  return [...new Set(value as readonly string[])];
}

/** The value at a claim's name, or at the end of a way of names. */
export function claimAt(claims: Claims, path: string | readonly string[]): unknown {
  let value: unknown = claims;
  for (const step of typeof path === "string" ? [path] : path) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, step)) {
      return undefined;
    }
    value = (value as Claims)[step];
  }
  return value;
}

function shown(path: string | readonly string[]): string {
  return typeof path === "string" ? path : path.join(".");
}

function wrong(what: string, path: string | readonly string[]): Error {
  return gatewayError("gateway.token-invalid", { detail: `its ${what} cannot be read from ${shown(path)}` });
}
