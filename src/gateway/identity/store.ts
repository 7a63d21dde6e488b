/**
 * The keys at rest: this part's SQL. Every change writes its evidence in the same transaction, so that neither exists
 * without the other; the server moves the evidence on into the ledger.
 *
 * @module
 */

import { hash } from "node:crypto";

import { canonicalJson, PredicateType, statement, uuidv7, type Clock, type Secret } from "../../core/index.ts";
import { enqueueEvidence, sql, type Db, type Sql } from "../../storage/index.ts";
import { gatewayError } from "../errors.ts";
import { newKey } from "./key.ts";

/** What is known of a key, without the key. Times are milliseconds since the epoch. */
export interface KeyInfo {
  readonly id: string;
  readonly app: string;
  /** Exact model names, or prefixes followed by `*`. */
  readonly models: readonly string[];
  /** Undefined: the limit of the configuration applies. */
  readonly requestsPerMinute: number | undefined;
  readonly concurrency: number | undefined;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
  readonly replacedBy: string | undefined;
}

/** A stored key with the hash that a presented key is compared with. */
export interface StoredKey extends KeyInfo {
  readonly hash: Uint8Array;
}

export interface KeyInput {
  readonly app: string;
  readonly models?: readonly string[];
  readonly expiresAt?: number;
  readonly requestsPerMinute?: number;
  readonly concurrency?: number;
  /** Who makes it, for the evidence. */
  readonly by?: string;
}

/** Apps whose names start so are the product's own, such as the one that its proofs act as. */
const OWN_APPS = "holdfast-";

/** Makes a key. Its text is in the result and nowhere else. @throws `gateway.key-option` */
export async function createKey(db: Db, input: KeyInput, clock: Clock): Promise<{ id: string; key: Secret }> {
  if (input.app.startsWith(OWN_APPS)) {
    throw gatewayError("gateway.key-option", {
      detail: `app: names that start with ${OWN_APPS} are the product's own`,
    });
  }
  return await createOwnKey(db, input, clock);
}

/** As {@link createKey}, also for the product's own apps. */
export async function createOwnKey(db: Db, input: KeyInput, clock: Clock): Promise<{ id: string; key: Secret }> {
  checkInput(input, clock);
  return await db.transaction((tx) => insertKey(tx, input, clock, "created", {}));
}

/** All keys, newest first. */
export async function listKeys(db: Db): Promise<readonly KeyInfo[]> {
  const rows = await db.query<KeyRow>(sql`${columns} from api_keys order by created_at desc, id desc`);
  return rows.map((row) => infoOf(row));
}

/** One key, or undefined. */
export async function findKey(db: Db, id: string): Promise<StoredKey | undefined> {
  const [row] = await db.query<KeyRow>(sql`${columns} from api_keys where id = ${id}`);
  return row === undefined ? undefined : { ...infoOf(row), hash: Buffer.from(row.key_hash, "hex") };
}

/** Ends a key for good; revoking it again changes nothing. `by` is who does it. @throws `gateway.key-unknown` */
export async function revokeKey(db: Db, id: string, clock: Clock, by?: string): Promise<KeyInfo> {
  return await db.transaction(async (tx) => {
    const key = await mustFind(tx, id);
    if (key.revokedAt !== undefined) return key;
    const now = clock.now();
    await tx.execute(sql`update api_keys set revoked_at = ${now} where id = ${id}`);
    await recordChange(tx, id, { what: "key revoked", app: key.app, ...(by === undefined ? {} : { by }) }, now);
    return { ...key, revokedAt: now };
  });
}

/**
 * Makes a successor with the same scope; the old key works for another `graceMs` milliseconds, never longer than it
 * would have.
 *
 * @throws `gateway.key-unknown`; `gateway.key-option` for a key that no longer works, which has nothing to hand over
 */
export async function rotateKey(
  db: Db,
  id: string,
  graceMs: number,
  clock: Clock,
): Promise<{ id: string; key: Secret; oldExpiresAt: number }> {
  return await db.transaction(async (tx) => {
    const old = await mustFind(tx, id);
    const now = clock.now();
    if (old.revokedAt !== undefined || (old.expiresAt !== undefined && old.expiresAt <= now)) {
      throw gatewayError("gateway.key-option", { detail: "a revoked or expired key cannot be rotated" });
    }
    const oldExpiresAt = Math.min(now + graceMs, old.expiresAt ?? Number.POSITIVE_INFINITY);
    const made = await insertKey(tx, scopeOf(old), clock, "rotated", { replaces: id });
    await tx.execute(sql`update api_keys set expires_at = ${oldExpiresAt}, replaced_by = ${made.id} where id = ${id}`);
    return { ...made, oldExpiresAt };
  });
}

interface KeyRow {
  id: string;
  app: string;
  key_hash: string;
  models: string;
  requests_per_minute: number | null;
  concurrency: number | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  replaced_by: string | null;
}

const columns: Sql = sql`select id, app, key_hash, models, requests_per_minute, concurrency, created_at, expires_at,
  revoked_at, replaced_by`;

async function insertKey(
  tx: Db,
  input: KeyInput,
  clock: Clock,
  how: "created" | "rotated",
  more: Readonly<Record<string, string>>,
): Promise<{ id: string; key: Secret }> {
  const made = newKey();
  const now = clock.now();
  const models = input.models ?? ["*"];
  await tx.execute(sql`insert into apps (name, created_at) values (${input.app}, ${now}) on conflict do nothing`);
  await tx.execute(sql`insert into api_keys
    (id, app, key_hash, models, requests_per_minute, concurrency, created_at, expires_at)
    values (${made.id}, ${input.app}, ${Buffer.from(made.hash).toString("hex")}, ${JSON.stringify(models)},
      ${input.requestsPerMinute ?? null}, ${input.concurrency ?? null}, ${now}, ${input.expiresAt ?? null})`);
  const scope = {
    app: input.app,
    models,
    ...(input.expiresAt === undefined ? {} : { expiresAt: iso(input.expiresAt) }),
    ...(input.by === undefined ? {} : { by: input.by }),
  };
  await recordChange(tx, made.id, { what: `key ${how}`, ...scope, ...more }, now);
  return { id: made.id, key: made.key };
}

/** The evidence of a change. It names the key by its public id; neither the key nor its hash is in it. */
async function recordChange(
  tx: Db,
  keyId: string,
  change: Readonly<Record<string, unknown>>,
  at: number,
): Promise<void> {
  const predicate = { id: uuidv7(), at: iso(at), ...change };
  const digest = { sha256: hash("sha256", canonicalJson(predicate)) };
  await enqueueEvidence(tx, statement([{ name: `key:${keyId}`, digest }], PredicateType.change, predicate));
}

async function mustFind(tx: Db, id: string): Promise<StoredKey> {
  const key = await findKey(tx, id);
  if (key === undefined) throw gatewayError("gateway.key-unknown");
  return key;
}

function scopeOf(key: KeyInfo): KeyInput {
  return {
    app: key.app,
    models: key.models,
    ...(key.expiresAt === undefined ? {} : { expiresAt: key.expiresAt }),
    ...(key.requestsPerMinute === undefined ? {} : { requestsPerMinute: key.requestsPerMinute }),
    ...(key.concurrency === undefined ? {} : { concurrency: key.concurrency }),
  };
}

function infoOf(row: KeyRow): KeyInfo {
  return {
    id: row.id,
    app: row.app,
    models: JSON.parse(row.models) as string[],
    requestsPerMinute: row.requests_per_minute ?? undefined,
    concurrency: row.concurrency ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    replacedBy: row.replaced_by ?? undefined,
  };
}

/** Names of models in the scope of one key: its evidence has to fit into an entry of the ledger. */
const MOST_MODELS = 200;
/** The last millisecond of the year 9999. */
const LAST_MS = Date.UTC(10_000, 0) - 1;
const APP = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const MODEL = /^(?:[\w.:/@-]{1,128}\*?|\*)$/;

function checkInput(input: KeyInput, clock: Clock): void {
  const bad = (detail: string): Error => gatewayError("gateway.key-option", { detail });
  if (!APP.test(input.app)) throw bad("app: 1 to 63 of a-z, 0-9, '.', '_', '-', starting with a letter or digit");
  for (const model of input.models ?? []) {
    if (!MODEL.test(model)) throw bad("models: a name of letters, digits and . : / @ - _, or a prefix followed by *");
  }
  if (input.models !== undefined && (input.models.length < 1 || input.models.length > MOST_MODELS)) {
    throw bad(`models: 1 to ${MOST_MODELS}`);
  }
  if (input.expiresAt !== undefined && !(input.expiresAt > clock.now() && input.expiresAt <= LAST_MS)) {
    throw bad("expires: must lie in the future, before the year 10000");
  }
  for (const name of ["requestsPerMinute", "concurrency"] as const) {
    const value = input[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) throw bad(`${name}: a whole number from 1`);
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
