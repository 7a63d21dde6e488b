/**
 * Tokens of the admin API for people and programs other than who runs the server: `hfa_<public id>_<secret>`, each with a
 * role and an end. Made on the command line, shown once; only the SHA-256 is stored (nobody guesses 256 random bits, so a
 * slow hash would add nothing). Each change writes its evidence in the same transaction.
 *
 * @module
 */

import { hash, randomBytes, timingSafeEqual } from "node:crypto";

import { isRole, Secret, type Clock, type Role } from "../../core/index.ts";
import { sql, type Db, type Sql } from "../../storage/index.ts";
import { serverError } from "../errors.ts";
import { recordChange } from "./change.ts";

/** What is known of a token, without its text. Times are milliseconds since the epoch. */
export interface AdminToken {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
}

const FORM = /^hfa_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
/** A token without an end is one that nobody remembers: a year at most, in milliseconds. */
const LONGEST_MS = 366 * 86_400_000;
const NOBODY = Buffer.alloc(32);

/** Makes one. Its text is in the result and nowhere else. @throws `server.admin-option` */
export async function createAdminToken(
  db: Db,
  input: { readonly name: string; readonly role: string; readonly lastsMs: number },
  clock: Clock,
): Promise<{ readonly token: Secret; readonly info: AdminToken }> {
  const { name, role, lastsMs } = input;
  const bad = (detail: string): Error => serverError("server.admin-option", { detail });
  if (!NAME.test(name)) throw bad("name: 1 to 63 of a-z, 0-9, '.', '_', '-', starting with a letter or digit");
  if (!isRole(role)) throw bad("role: viewer, operator or admin");
  if (!(lastsMs > 0 && lastsMs <= LONGEST_MS)) throw bad("expires: from 1s to 366d");
  const id = randomBytes(6).toString("hex");
  const text = `hfa_${id}_${randomBytes(32).toString("base64url")}`;
  const now = clock.now();
  const info: AdminToken = { id, name, role, createdAt: now, expiresAt: now + lastsMs, revokedAt: undefined };
  await db.transaction(async (tx) => {
    await tx.execute(sql`insert into admin_tokens (id, name, role, token_hash, created_at, expires_at)
      values (${id}, ${name}, ${role}, ${hash("sha256", text)}, ${now}, ${info.expiresAt})`);
    const expiresAt = new Date(info.expiresAt).toISOString();
    await recordChange(tx, `admin-token:${id}`, { what: "admin token created", name, role, expiresAt }, now);
  });
  return { token: new Secret(text), info };
}

/** All tokens, newest first. */
export async function listAdminTokens(db: Db): Promise<readonly AdminToken[]> {
  return (await db.query<Row>(sql`${columns} from admin_tokens order by created_at desc, id desc`)).map(infoOf);
}

/** Ends a token for good; `by` is who did it. Again changes nothing. @throws `server.token-unknown` */
export async function revokeAdminToken(db: Db, id: string, by: string, clock: Clock): Promise<AdminToken> {
  return await db.transaction(async (tx) => {
    const [row] = await tx.query<Row>(sql`${columns} from admin_tokens where id = ${id}`);
    if (row === undefined) throw serverError("server.token-unknown");
    const token = infoOf(row);
    if (token.revokedAt !== undefined) return token;
    const now = clock.now();
    await tx.execute(sql`update admin_tokens set revoked_at = ${now} where id = ${id}`);
    await recordChange(tx, `admin-token:${id}`, { what: "admin token revoked", name: token.name, by }, now);
    return { ...token, revokedAt: now };
  });
}

/** The token that a text is, while it is good. Read anew each time: one that was revoked anywhere is so at once. */
export async function findAdminToken(db: Db, text: string, now: number): Promise<AdminToken | undefined> {
  const id = FORM.exec(text)?.[1];
  if (id === undefined) return undefined;
  const [row] = await db.query<Row>(sql`${columns} from admin_tokens where id = ${id}`);
  const same = timingSafeEqual(
    hash("sha256", text, "buffer"),
    Buffer.from(row?.token_hash ?? NOBODY.toString("hex"), "hex"),
  );
  if (row === undefined || !same) return undefined;
  const token = infoOf(row);
  return token.revokedAt === undefined && token.expiresAt > now ? token : undefined;
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly token_hash: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly revoked_at: number | null;
}

const columns: Sql = sql`select id, name, role, token_hash, created_at, expires_at, revoked_at`;

function infoOf(row: Row): AdminToken {
  return {
    id: row.id,
    name: row.name,
    // A role that this version does not know may do the least.
    role: isRole(row.role) ? row.role : "viewer",
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at ?? undefined,
  };
}
