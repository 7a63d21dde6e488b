/**
 * Signing in and out: `/login`, `/callback`, `/logout`.
 *
 *     /login      notes a sign-in (state, nonce, PKCE), ties it to the browser by a cookie, sends it to the issuer
 *     /callback   takes the sign-in by its state, once; the browser's cookie, iss, code, id token, nonce, role; then begins a
 *                 session under a new text, and answers with a page that goes on: a redirect would still count as the
 *                 issuer's navigation, and a strict cookie would not come along
 *     /logout     ends the session
 *
 * The code and the state are the only things that ever stand in a URL, and both are spent by then. Nothing of a request's
 * URL is logged.
 *
 * @module
 */

import { Hono } from "hono";

import type { Clock, Secret } from "../../../core/index.ts";
import type { FetchJson } from "../../../gateway/index.ts";
import type { Db } from "../../../storage/index.ts";
import type { LoginConfig } from "../../config/login.ts";
import { serverError } from "../../errors.ts";
import type { AdminEnv } from "../access.ts";
import { roleOf, valuesOf } from "../actor.ts";
import { beginSession, endSession } from "../sessions.ts";
import { cookiesOf } from "./cookies.ts";
import { keepLogin, LOGIN_MS, newLogin, takeLogin } from "./pending.ts";
import { errorCode, openProvider } from "./provider.ts";

interface LoginOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly login: LoginConfig | undefined;
  readonly clientSecret: Secret | undefined;
  /** A name for someone that says nothing of who it is without this installation's own key. */
  readonly pseudonym: (who: string) => Promise<string>;
  readonly drain: () => Promise<void>;
  readonly fetchJson?: FetchJson;
}

/** A path of this server: no other host, no other scheme, nothing that a page would have to quote. */
const RETURN_TO = /^\/(?![/\\])[\w\-./~%?=&+]{0,511}$/;
const MAX_PARAMETER = 4_096;

export function loginRoutes(options: LoginOptions): Hono<AdminEnv> {
  const { db, clock, login, drain, pseudonym } = options;
  const app = new Hono<AdminEnv>();
  if (login === undefined) {
    for (const path of ["/login", "/callback"]) {
      app.get(path, () => {
        throw serverError("server.login-off");
      });
    }
    app.post("/logout", () => {
      throw serverError("server.login-off");
    });
    return app;
  }
  const cookies = cookiesOf(login.url);
  const provider = openProvider({ ...options, config: login });

  app.get("/login", async (c) => {
    const returnTo = c.req.query("return_to") ?? "/api/session";
    if (!RETURN_TO.test(returnTo)) throw serverError("server.login-return");
    const pending = newLogin(returnTo);
    const location = await provider.authorizationUrl(pending);
    await keepLogin(db, pending, clock);
    return new Response(null, {
      status: 303,
      headers: { location, "set-cookie": cookies.write("login", pending.browser, LOGIN_MS / 1_000), ...QUIET },
    });
  });

  app.get("/callback", async (c) => {
    const [state, code, iss, error] = ["state", "code", "iss", "error"].map((name) => once(c.req.queries(name)));
    if (state === undefined) throw serverError("server.login-refused", { detail: "the answer has no state" });
    const header = c.req.header("cookie");
    const pending = await takeLogin(db, state, cookies.read(header, "login"), clock);
    await provider.checkIssuer(iss);
    if (error !== undefined) throw serverError("server.login-refused", { detail: `at the issuer${errorCode(error)}` });
    if (code === undefined) throw serverError("server.login-refused", { detail: "the answer has no code" });
    const claims = await provider.redeem(code, pending);
    const values = valuesOf(claims, login);
    if (roleOf(values, login) === undefined) throw serverError("server.login-no-role");
    const lastsMs = login.sessionMinutes * 60_000;
    const who = await pseudonym(`${login.issuer} ${claims["sub"] as string}`);
    const previous = cookies.read(header, "session");
    const { text } = await beginSession(db, { who, values, lastsMs, previous }, clock);
    await drain();
    const headers = new Headers({ "content-type": "text/html; charset=utf-8", ...QUIET });
    headers.append("set-cookie", cookies.write("session", text.reveal(), lastsMs / 1_000));
    headers.append("set-cookie", cookies.clear("login"));
    return new Response(page(pending.returnTo), { headers });
  });

  app.post("/logout", async (c) => {
    const actor = c.get("actor");
    if (actor?.session === undefined) throw serverError("server.session-unknown", { detail: "a token has none" });
    await endSession(db, actor.session.id, actor.who, clock);
    await drain();
    return new Response(null, { status: 204, headers: { "set-cookie": cookies.clear("session"), ...QUIET } });
  });
  return app;
}

const QUIET = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

/** A parameter that stands there once, and is no novel. @throws `server.login-refused` */
function once(values: readonly string[] | undefined): string | undefined {
  if (values === undefined || values.length === 0) return undefined;
  const [value = ""] = values;
  if (values.length > 1 || value.length > MAX_PARAMETER) {
    throw serverError("server.login-refused", {
      detail: "a parameter of the answer stands there twice, or is too long",
    });
  }
  return value;
}

function page(returnTo: string): string {
  const target = returnTo.replaceAll("&", "&amp;");
  return `<!doctype html><meta charset="utf-8"><title>Holdfast</title><meta http-equiv="refresh" content="0;url=${target}"><p>Signed in. <a href="${target}">Go on</a>`;
}
