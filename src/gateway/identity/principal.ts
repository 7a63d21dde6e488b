/**
 * From a presented key to the Principal who acts. Every failure takes the same path through one comparison, so that
 * time does not tell an unknown id from a wrong secret.
 *
 * Stored keys are remembered for a second: a revocation that another process makes takes effect within that time.
 *
 * @module
 */

import type { Clock } from "../../core/index.ts";
import type { Db } from "../../storage/index.ts";
import { gatewayError } from "../errors.ts";
import { hasRightChecksum, keyHash, publicId, sameHash } from "./key.ts";
import { findKey, type StoredKey } from "./store.ts";

/** Who acts: an app, through one of its keys, one of its users or one of its certificates. */
export interface Principal {
  /** Names the key, user or certificate, apart from all others: rates are counted by it, and receipts show it. */
  readonly keyId: string;
  readonly app: string;
  readonly models: readonly string[];
  readonly requestsPerMinute: number | undefined;
  readonly concurrency: number | undefined;
  /** How it showed who it is; left out: by an API key. */
  readonly via?: "token" | "certificate";
  /** Who acts through the app, as an issuer names them: `<issuer>/<user>`. For decisions, never for receipts or logs. */
  readonly user?: string;
  readonly groups?: readonly string[];
  /** The configuration's name of the client certificate. */
  readonly certificate?: string;
}

type Authenticate = (presented: string | undefined) => Promise<Principal> | Principal;

/** How long a key that was read counts as known, in milliseconds. Bounds how late a revocation can be. */
const REMEMBER_MS = 1_000;
/** Ids remembered at most, known and unknown: an attacker who tries ids must not fill the memory. */
const REMEMBER_IDS = 10_000;

const NOBODY = keyHash("");

/**
 * Makes the check of presented keys.
 *
 * It throws `gateway.key-missing`, `gateway.key-invalid`, `gateway.key-revoked` or `gateway.key-expired`. The last two
 * are told only to someone who presented the right secret.
 */
export function authenticator(db: Db, clock: Clock): Authenticate {
  const remembered = new Map<string, { readonly known: Known | undefined; readonly until: number }>();

  return (presented) => {
    if (presented === undefined || presented === "") throw gatewayError("gateway.key-missing");
    const id = publicId(presented);
    if (id === undefined) throw gatewayError("gateway.key-invalid");
    const entry = remembered.get(id);
    if (entry !== undefined && entry.until > clock.monotonic()) return decide(presented, entry.known, clock.now());
    if (!hasRightChecksum(presented)) throw gatewayError("gateway.key-invalid");
    return lookUp(id, presented);
  };

  async function lookUp(id: string, presented: string): Promise<Principal> {
    const key = await findKey(db, id);
    const known = key === undefined ? undefined : { key, principal: principalOf(key) };
    if (remembered.size >= REMEMBER_IDS) remembered.clear();
    remembered.set(id, { known, until: clock.monotonic() + REMEMBER_MS });
    return decide(presented, known, clock.now());
  }
}

/** A stored key, and who acts by it. */
interface Known {
  readonly key: StoredKey;
  readonly principal: Principal;
}

function decide(presented: string, known: Known | undefined, now: number): Principal {
  const same = sameHash(keyHash(presented), known?.key.hash ?? NOBODY);
  if (known === undefined || !same) throw gatewayError("gateway.key-invalid");
  const { revokedAt, expiresAt } = known.key;
  if (revokedAt !== undefined) throw gatewayError("gateway.key-revoked");
  if (expiresAt !== undefined && expiresAt <= now) throw gatewayError("gateway.key-expired");
  return known.principal;
}

function principalOf({ id, app, models, requestsPerMinute, concurrency }: StoredKey): Principal {
  return { keyId: id, app, models, requestsPerMinute, concurrency };
}

/** True when a scope (exact names, or prefixes followed by `*`) covers the name. */
export function covers(scope: readonly string[], name: string): boolean {
  for (const entry of scope) {
    if (entry === "*" || entry === name) return true;
    if (entry.endsWith("*") && name.startsWith(entry.slice(0, -1))) return true;
  }
  return false;
}

/**
 * The key that a request presents, from `authorization: Bearer`, `x-api-key` or `x-goog-api-key`. All SDK families are
 * accepted on every route; two different keys are an error, not a choice.
 *
 * @throws `gateway.header-duplicate`
 */
export function presentedKey(headers: {
  readonly authorization?: string | undefined;
  readonly "x-api-key"?: string | string[] | undefined;
  readonly "x-goog-api-key"?: string | string[] | undefined;
}): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
  return same(same(bearer, inHeader(headers["x-api-key"])), inHeader(headers["x-goog-api-key"]));
}

/** Of two that may be there, the one that is. @throws `gateway.header-duplicate` for two that differ */
function same(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined || one === other) return one ?? other;
  throw gatewayError("gateway.header-duplicate", { detail: "authorization, x-api-key and x-goog-api-key" });
}

function inHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value.trim() : undefined;
}
