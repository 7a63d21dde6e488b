/**
 * Sign-ins under way: what must come back from the issuer, and to which browser. In the database, so that any replica can
 * take the answer; gone with the first answer that names one, so that none works twice.
 *
 * @module
 */

import { hash, randomBytes, timingSafeEqual } from "node:crypto";

import type { Clock } from "../../../core/index.ts";
import { sql, type Db } from "../../../storage/index.ts";
import { serverError } from "../../errors.ts";

interface PendingLogin {
  readonly nonce: string;
  /** RFC 7636: who redeems the code must know it. */
  readonly verifier: string;
  readonly returnTo: string;
}

/** How long a sign-in may take, in milliseconds. */
export const LOGIN_MS = 10 * 60_000;
/** Anyone can begin one: so many at a time. */
export const MOST_LOGINS = 1_000;

/** One that begins: `browser` goes into that browser's cookie, `state` to the issuer and back. */
interface NewLogin extends PendingLogin {
  readonly state: string;
  readonly browser: string;
}

export function newLogin(returnTo: string): NewLogin {
  return { state: random(), browser: random(), nonce: random(), verifier: random(), returnTo };
}

/** Notes one. @throws `server.login-busy` */
export async function keepLogin(db: Db, made: NewLogin, clock: Clock): Promise<void> {
  const now = clock.now();
  await db.transaction(async (tx) => {
    await tx.execute(sql`delete from admin_logins where expires_at <= ${now}`);
    const [waiting] = await tx.query<{ count: number }>(sql`select count(*) as count from admin_logins`);
    if ((waiting?.count ?? 0) >= MOST_LOGINS) throw serverError("server.login-busy");
    await tx.execute(sql`insert into admin_logins (state_hash, browser_hash, nonce, verifier, return_to, expires_at)
      values (${hash("sha256", made.state)}, ${hash("sha256", made.browser)}, ${made.nonce}, ${made.verifier},
        ${made.returnTo}, ${now + LOGIN_MS})`);
  });
}

/**
 * Takes the sign-in that `state` names, if the browser is the one that began it. An answer for another browser takes it
 * as well: it is spent either way.
 *
 * @throws `server.login-refused`
 */
export async function takeLogin(
  db: Db,
  state: string,
  browser: string | undefined,
  clock: Clock,
): Promise<PendingLogin> {
  const [row] = await db.query<{
    readonly browser_hash: string;
    readonly nonce: string;
    readonly verifier: string;
    readonly return_to: string;
    readonly expires_at: number;
  }>(
    sql`delete from admin_logins where state_hash = ${hash("sha256", state)}
      returning browser_hash, nonce, verifier, return_to, expires_at`,
  );
  if (row === undefined || row.expires_at <= clock.now()) {
    throw serverError("server.login-refused", { detail: "no sign-in is under way with this state, or it is over" });
  }
  const own = hash("sha256", browser ?? "", "buffer");
  if (browser === undefined || !timingSafeEqual(own, Buffer.from(row.browser_hash, "hex"))) {
    throw serverError("server.login-refused", { detail: "it began in another browser" });
  }
  return { nonce: row.nonce, verifier: row.verifier, returnTo: row.return_to };
}

function random(): string {
  return randomBytes(32).toString("base64url");
}
