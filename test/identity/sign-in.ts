/**
 * The admin API with an issuer on loopback, and browsers that sign in there: what the tests of signing in and of sessions
 * stand on.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { TestContext } from "node:test";

import { fakeClock, Secret } from "../../src/core/index.ts";
import { loginConfig } from "../../src/server/config/login.ts";
import { openAdmin } from "../admin/api.ts";
import { startIssuer } from "./issuer.ts";

export const ORIGIN = "http://127.0.0.1:8788";
export const CLIENT = "holdfast-admin";

/** A browser: it keeps cookies, and goes where it is sent. */
export class Browser {
  readonly jar = new Map<string, string>();
  readonly #ask: (path: string, init: RequestInit) => Promise<Response>;

  constructor(ask: (path: string, init: RequestInit) => Promise<Response>) {
    this.#ask = ask;
  }

  async go(path: string, init: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { host: "127.0.0.1:8788", ...(cookie === "" ? {} : { cookie }), ...init.headers };
    const response = await this.#ask(path, { ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0(?:;|$)/.test(line)) this.jar.delete(name);
      else this.jar.set(name, value);
    }
    return response;
  }

  /** As far as the issuer's answer: the path that it sends this browser to. */
  async toAnswer(query = ""): Promise<string> {
    const started = await this.go(`/login${query}`);
    assert.equal(started.status, 303, await started.clone().text());
    const back = await fetch(started.headers.get("location") ?? "", { redirect: "manual" });
    return (back.headers.get("location") ?? "").slice(ORIGIN.length);
  }

  async signIn(): Promise<Response> {
    return await this.go(await this.toAnswer());
  }

  async csrf(): Promise<string> {
    return ((await (await this.go("/api/session")).json()) as { csrf: string }).csrf;
  }

  async change(path: string, headers: Record<string, string>, body: object = {}, method = "POST"): Promise<Response> {
    return await this.go(path, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(method === "DELETE" ? {} : { body: JSON.stringify(body) }),
    });
  }
}

export async function setUp(context: TestContext, more: object = {}) {
  const issuer = await startIssuer();
  context.after(() => issuer.close());
  const clock = fakeClock();
  clock.advance(Date.now() - clock.now());
  const login = loginConfig.parse({
    url: ORIGIN,
    issuer: issuer.url,
    clientId: CLIENT,
    roles: { viewer: ["staff"], operator: ["ops"], admin: ["root"] },
    ...more,
  });
  issuer.signIn.claims = { groups: ["ops", "others"] };
  const { secret } = issuer.signIn;
  const clientSecret = secret === undefined ? undefined : new Secret(secret);
  const { app, services, db, lines, another } = await openAdmin(context, { login, clientSecret }, clock);
  const browser = (): Browser => new Browser(async (path, init) => await app.request(path, init));
  return { issuer, services, db, clock, app, login, browser, lines, another };
}

export async function code(response: Response): Promise<string> {
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  return ((await response.json()) as { code: string }).code;
}

export async function refused(response: Response, detail: RegExp): Promise<void> {
  const problem = (await response.json()) as { code: string; detail?: string };
  assert.equal(problem.code, "server.login-refused", JSON.stringify(problem));
  assert.match(problem.detail ?? "", detail);
  assert.equal(response.status, 401);
  assert.equal(
    response.headers.getSetCookie().some((line) => line.includes("session")),
    false,
  );
}
