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
  const remembered = new Map<string, { key: StoredKey | undefined; until: number }>();

  return (presented) => {
    if (presented === undefined || presented === "") throw gatewayError("gateway.key-missing");
    const id = publicId(presented);
    if (id === undefined) throw gatewayError("gateway.key-invalid");
    const known = remembered.get(id);
    if (known !== undefined && known.until > clock.monotonic()) return decide(presented, known.key, clock.now());
    if (!hasRightChecksum(presented)) throw gatewayError("gateway.key-invalid");
    return lookUp(id, presented);
  };

  async function lookUp(id: string, presented: string): Promise<Principal> {
    const key = await findKey(db, id);
    if (remembered.size >= REMEMBER_IDS) remembered.clear();
    remembered.set(id, { key, until: clock.monotonic() + REMEMBER_MS });
    return decide(presented, key, clock.now());
  }
}

function decide(presented: string, key: StoredKey | undefined, now: number): Principal {
  const same = sameHash(keyHash(presented), key?.hash ?? NOBODY);
  if (key === undefined || !same) throw gatewayError("gateway.key-invalid");
  if (key.revokedAt !== undefined) throw gatewayError("gateway.key-revoked");
  if (key.expiresAt !== undefined && key.expiresAt <= now) throw gatewayError("gateway.key-expired");
  return {
    keyId: key.id,
    app: key.app,
    models: key.models,
    requestsPerMinute: key.requestsPerMinute,
    concurrency: key.concurrency,
  };
}

/** True when a scope (exact names, or prefixes followed by `*`) covers the name. */
export function covers(scope: readonly string[], name: string): boolean {
  return scope.some((entry) => (entry.endsWith("*") ? name.startsWith(entry.slice(0, -1)) : entry === name));
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
  const presented = new Set([bearer, inHeader(headers["x-api-key"]), inHeader(headers["x-goog-api-key"])]);
  presented.delete(undefined);
  if (presented.size > 1) {
    throw gatewayError("gateway.header-duplicate", { detail: "authorization, x-api-key and x-goog-api-key" });
  }
  return [...presented][0];
}

function inHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value.trim() : undefined;
}
