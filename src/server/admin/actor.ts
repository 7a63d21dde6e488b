/**
 * Who asks the admin API: by the token of the data folder, by a token that was made for it, or by a session.
 *
 *     authorization: Bearer …    decides alone: where it is wrong, no cookie is looked at
 *     else a session's cookie    and for all but reads, that the request comes from the console itself
 *
 * A cookie is sent by a browser whoever made the page. So a change by a session must show the session's `csrf`, which no
 * other site can read, in a header, which no other site can set; and the browser's own word on where it comes from, where
 * it gives one (`origin`, `sec-fetch-site`), must be this server. `SameSite=Strict` is there besides.
 *
 * @module
 */

import { hash, timingSafeEqual } from "node:crypto";

import { mayAct, ROLES, type Clock, type Role, type Secret } from "../../core/index.ts";
import { claimAt, type Claims } from "../../gateway/index.ts";
import type { Db } from "../../storage/index.ts";
import type { LoginConfig } from "../config/login.ts";
import { serverError } from "../errors.ts";
import { cookiesOf } from "./login/cookies.ts";
import { rotateSession, useSession, type Session } from "./sessions.ts";
import { carriesToken } from "./token.ts";
import { findAdminToken } from "./tokens.ts";

export interface Actor {
  /** As evidence names it: `admin.token`, `admin-token:<id>`, `admin-session:<id>`. */
  readonly who: string;
  readonly role: Role;
  readonly session?: Session;
  /** Gives the session a new text where it is time: a `set-cookie` header for the answer. */
  readonly rotate?: () => Promise<string | undefined>;
}

interface ActorOptions {
  readonly db: Db;
  readonly clock: Clock;
  /** The token of the data folder. */
  readonly token: Secret;
  readonly login: LoginConfig | undefined;
}

/** Makes the check. It throws `server.unauthorized`, `server.csrf`, `server.login-no-role`. */
export function actorOf({ db, clock, token, login }: ActorOptions): (request: Request) => Promise<Actor> {
  const cookies = login === undefined ? undefined : cookiesOf(login.url);
  return async (request) => {
    const authorization = request.headers.get("authorization");
    if (authorization !== null) {
      if (carriesToken(authorization, token)) return { who: "admin.token", role: "admin" };
      const text = /^bearer +([^\s]{1,256})$/i.exec(authorization)?.[1];
      const found = text === undefined ? undefined : await findAdminToken(db, text, clock.now());
      if (found === undefined) throw serverError("server.unauthorized");
      return { who: `admin-token:${found.id}`, role: found.role };
    }
    const text = cookies?.read(request.headers.get("cookie") ?? undefined, "session");
    if (login === undefined || cookies === undefined || text === undefined) throw serverError("server.unauthorized");
    const session = await useSession(db, text, login.idleMinutes * 60_000, clock);
    if (session === undefined) throw serverError("server.unauthorized");
    if (request.method !== "GET" && request.method !== "HEAD") checkOrigin(request, session, login);
    const role = roleOf(session.values, login);
    if (role === undefined) throw serverError("server.login-no-role");
    return {
      who: `admin-session:${session.id}`,
      role,
      session,
      rotate: async () => {
        const next = await rotateSession(db, text, clock);
        const seconds = Math.max(0, Math.ceil((session.expiresAt - clock.now()) / 1_000));
        return next === undefined ? undefined : cookies.write("session", next.reveal(), seconds);
      },
    };
  };
}

/** The strongest role that one of the values gives; undefined where none gives one. */
export function roleOf(values: readonly string[], { roles }: LoginConfig): Role | undefined {
  const given = ROLES.filter((role) => roles[role].some((value) => values.includes(value)));
  return given.reduce<Role | undefined>(
    (best, role) => (best !== undefined && mayAct(best, role) ? best : role),
    undefined,
  );
}

/** The values of the configured claim that give a role here; what else an issuer says of somebody is not kept. */
export function valuesOf(claims: Claims, { claim, roles }: LoginConfig): readonly string[] {
  const value = claimAt(claims, claim);
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  const known = new Set(ROLES.flatMap((role) => roles[role]));
  return [...known].filter((one) => all.includes(one));
}

/** @throws `server.csrf` */
function checkOrigin(request: Request, session: Session, login: LoginConfig): void {
  const refused = (detail: string): Error => serverError("server.csrf", { detail });
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== new URL(login.url).origin) throw refused("it comes from another origin");
  const site = request.headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin") throw refused("it comes from another site");
  const shown = request.headers.get("x-csrf-token") ?? "";
  if (!timingSafeEqual(digest(shown), digest(session.csrf))) throw refused("x-csrf-token is not the session's");
}

function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
