/**
 * Sessions of people who signed in: a random text in a cookie, its SHA-256 in the database, so that every replica knows
 * it and any of them can end it.
 *
 *     begins    with a new text at each sign-in; whatever cookie was there before has no say
 *     changes   its text every {@link ROTATE_MS}. The one before works until the new one was shown, since its answer may
 *               have been lost, and {@link GRACE_MS} longer, for requests on their way. Shown after that, one of the two
 *               was taken by somebody: the session ends
 *     ends      after a while without requests, after its longest time whatever happens, by sign-out, or by an admin
 *
 * What is kept of the claims are the values that give a role: the role itself is made from them and the configuration with
 * each request, so that who loses a role in the configuration has lost it.
 *
 * @module
 */

import { hash, randomBytes } from "node:crypto";

import { parseJson, Secret, type Clock } from "../../core/index.ts";
import { sql, type Db, type Sql } from "../../storage/index.ts";
import { serverError } from "../errors.ts";
import { recordChange } from "./change.ts";

/** Times are milliseconds since the epoch. */
export interface Session {
  /** Public: what lists and evidence name it by. */
  readonly id: string;
  /** Who signed in, by a pseudonym. */
  readonly who: string;
  /** Values of the claim that decides the role. */
  readonly values: readonly string[];
  /** What a change must show besides the cookie. */
  readonly csrf: string;
  readonly createdAt: number;
  readonly seenAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
}

export const ROTATE_MS = 15 * 60_000;
export const GRACE_MS = 60_000;
/** A session that was seen is noted at most so often, in milliseconds. */
const SEEN_EVERY_MS = 10_000;
/** Sessions that ended are listed so long, in milliseconds. */
const KEEP_MS = 30 * 86_400_000;
const FORM = /^[A-Za-z0-9_-]{43}$/;

/** Begins a session. `previous` is the text of the cookie that the browser has: that session ends. */
export async function beginSession(
  db: Db,
  {
    who,
    values,
    lastsMs,
    previous,
  }: {
    readonly who: string;
    readonly values: readonly string[];
    readonly lastsMs: number;
    readonly previous: string | undefined;
  },
  clock: Clock,
): Promise<{ readonly id: string; readonly text: Secret }> {
  const id = randomBytes(6).toString("hex");
  const text = random();
  const now = clock.now();
  await db.transaction(async (tx) => {
    const old = previous === undefined ? undefined : await byText(tx, previous);
    if (old !== undefined && old.revokedAt === undefined) await end(tx, old, "signed in again", now);
    await tx.execute(sql`delete from admin_sessions where expires_at < ${now - KEEP_MS}`);
    await tx.execute(sql`insert into admin_sessions
      (id, token_hash, csrf, who, claim_values, created_at, rotated_at, seen_at, expires_at)
      values (${id}, ${hash("sha256", text)}, ${random()}, ${who}, ${JSON.stringify(values)}, ${now}, ${now}, ${now},
        ${now + lastsMs})`);
    await recordChange(tx, `admin-session:${id}`, { what: "admin session begun", who }, now);
  });
  return { id, text: new Secret(text) };
}

/** The session of a cookie, while it is good. */
export async function useSession(db: Db, text: string, idleMs: number, clock: Clock): Promise<Session | undefined> {
  const now = clock.now();
  const session = await byText(db, text);
  if (session === undefined || session.revokedAt !== undefined) return undefined;
  if (session.expiresAt <= now || session.seenAt + idleMs <= now) return undefined;
  const digest = hash("sha256", text);
  if (session.tokenHash !== digest) {
    if (session.confirmedAt !== undefined && now - session.confirmedAt > GRACE_MS) {
      await db.transaction((tx) => end(tx, session, "a cookie of before was shown again", now));
      return undefined;
    }
  } else if (session.hasPrevious && session.confirmedAt === undefined) {
    await db.execute(
      sql`update admin_sessions set confirmed_at = ${now} where id = ${session.id} and token_hash = ${digest}`,
    );
  }
  if (now - session.seenAt >= SEEN_EVERY_MS) {
    await db.execute(sql`update admin_sessions set seen_at = ${now} where id = ${session.id}`);
  }
  return session;
}

/**
 * The text that takes the place of the cookie's, where it is time for another. Call it when the request is about to be
 * answered, so that the answer carries it.
 */
export async function rotateSession(db: Db, text: string, clock: Clock): Promise<Secret | undefined> {
  const session = await byText(db, text);
  const now = clock.now();
  if (session === undefined || now - session.rotatedAt < ROTATE_MS) return undefined;
  const digest = hash("sha256", text);
  const next = random();
  // Of two requests at once one gets the new text; the other's is the one before, and good for now. Who shows the one
  // before, and the new one was never shown: that one's answer was lost, and this one takes its place.
  const rotated = await db.execute(sql`update admin_sessions
    set token_hash = ${hash("sha256", next)}, previous_hash = ${digest}, rotated_at = ${now}, confirmed_at = null
    where id = ${session.id} and rotated_at = ${session.rotatedAt} and revoked_at is null
      and (token_hash = ${digest} or (previous_hash = ${digest} and confirmed_at is null))`);
  return rotated === 1 ? new Secret(next) : undefined;
}

/** All sessions that are not long over, newest first. */
export async function listSessions(db: Db): Promise<readonly Session[]> {
  return (await db.query<Row>(sql`${columns} from admin_sessions order by created_at desc, id desc`)).map(sessionOf);
}

/** Ends a session; `by` is who did it. Again changes nothing. @throws `server.session-unknown` */
export async function endSession(db: Db, id: string, by: string, clock: Clock): Promise<Session> {
  return await db.transaction(async (tx) => {
    const [row] = await tx.query<Row>(sql`${columns} from admin_sessions where id = ${id}`);
    if (row === undefined) throw serverError("server.session-unknown");
    const session = sessionOf(row);
    if (session.revokedAt !== undefined) return session;
    const now = clock.now();
    await end(tx, session, by, now);
    return { ...session, revokedAt: now };
  });
}

async function end(tx: Db, { id, who }: Session, by: string, now: number): Promise<void> {
  const ended = await tx.execute(
    sql`update admin_sessions set revoked_at = ${now} where id = ${id} and revoked_at is null`,
  );
  if (ended === 1) await recordChange(tx, `admin-session:${id}`, { what: "admin session ended", who, by }, now);
}

interface Row {
  readonly id: string;
  readonly token_hash: string;
  readonly previous_hash: string | null;
  readonly confirmed_at: number | null;
  readonly csrf: string;
  readonly who: string;
  readonly claim_values: string;
  readonly created_at: number;
  readonly rotated_at: number;
  readonly seen_at: number;
  readonly expires_at: number;
  readonly revoked_at: number | null;
}

type StoredSession = Session & {
  readonly tokenHash: string;
  readonly rotatedAt: number;
  readonly hasPrevious: boolean;
  /** When the newest text was first shown, where there was one before it. */
  readonly confirmedAt: number | undefined;
};

const columns: Sql = sql`select id, token_hash, previous_hash, confirmed_at, csrf, who, claim_values, created_at, rotated_at, seen_at, expires_at,
  revoked_at`;

async function byText(db: Db, text: string): Promise<StoredSession | undefined> {
  if (!FORM.test(text)) return undefined;
  const digest = hash("sha256", text);
  const [row] = await db.query<Row>(
    sql`${columns} from admin_sessions where token_hash = ${digest} or previous_hash = ${digest}`,
  );
  return row === undefined ? undefined : sessionOf(row);
}

function sessionOf(row: Row): StoredSession {
  return {
    id: row.id,
    who: row.who,
    values: parseJson(Buffer.from(row.claim_values)) as readonly string[],
    csrf: row.csrf,
    createdAt: row.created_at,
    seenAt: row.seen_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at ?? undefined,
    tokenHash: row.token_hash,
    rotatedAt: row.rotated_at,
    hasPrevious: row.previous_hash !== null,
    confirmedAt: row.confirmed_at ?? undefined,
  };
}

function random(): string {
  return randomBytes(32).toString("base64url");
}
