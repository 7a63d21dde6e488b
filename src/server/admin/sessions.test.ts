/** Sessions of people who signed in: that they end, are nobody else's, and do no more than their role. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { sql } from "../../storage/index.ts";
import { code, ORIGIN, setUp } from "../../../test/identity/sign-in.ts";
import { GRACE_MS, ROTATE_MS } from "./sessions.ts";

const MINUTE = 60_000;

test("a session is never one that was there before, and ends on its own", async (context) => {
  const { browser, clock, db, issuer } = await setUp(context);
  // Fixation: a text that somebody else put into the browser.
  const alice = browser();
  const fixed = "F".repeat(43);
  alice.jar.set("holdfast-session", fixed);
  await alice.signIn();
  const first = alice.jar.get("holdfast-session") ?? "";
  assert.notEqual(first, fixed);
  const other = browser();
  other.jar.set("holdfast-session", fixed);
  assert.equal((await other.go("/api/session")).status, 401);

  // Signing in again ends the session before.
  await alice.signIn();
  assert.notEqual(alice.jar.get("holdfast-session"), first);
  other.jar.set("holdfast-session", first);
  assert.equal((await other.go("/api/session")).status, 401);

  // Idle: a little more each time, then half an hour of nothing.
  for (let round = 0; round < 3; round++) {
    clock.advance(29 * MINUTE);
    assert.equal((await alice.go("/api/session")).status, 200, String(round));
  }
  clock.advance(30 * MINUTE);
  assert.equal((await alice.go("/api/session")).status, 401);

  // Absolute: eight hours, however busy.
  const seconds = clock.now() / 1_000;
  issuer.signIn.claims = { groups: ["ops"], iat: seconds, exp: seconds + 60 };
  assert.equal((await alice.signIn()).status, 200);
  for (let passed = 0; passed < 470; passed += 10) {
    assert.equal((await alice.go("/api/session")).status, 200, String(passed));
    clock.advance(10 * MINUTE);
  }
  clock.advance(10 * MINUTE);
  assert.equal((await alice.go("/api/session")).status, 401);

  const stored = JSON.stringify(await db.query(sql`select * from admin_sessions`));
  for (const text of [first, alice.jar.get("holdfast-session") ?? ""]) assert.equal(stored.includes(text), false);
});

test("the cookie's text changes; the one before works for a moment, and later ends the session", async (context) => {
  const { browser, clock } = await setUp(context);
  const alice = browser();
  await alice.signIn();
  const first = alice.jar.get("holdfast-session") ?? "";
  clock.advance(ROTATE_MS);
  const both = await Promise.all([alice.go("/api/session"), alice.go("/api/session")]);
  assert.deepEqual(
    both.map(({ status }) => status),
    [200, 200],
  );
  assert.equal(both.filter((response) => response.headers.getSetCookie().length > 0).length, 1);
  assert.notEqual(alice.jar.get("holdfast-session"), first);
  const thief = browser();
  thief.jar.set("holdfast-session", first);
  assert.equal((await alice.go("/api/session")).status, 200);
  clock.advance(GRACE_MS);
  assert.equal((await thief.go("/api/session")).status, 200);
  clock.advance(1);
  assert.equal((await thief.go("/api/session")).status, 401);
  assert.equal((await alice.go("/api/session")).status, 401, "nobody knows which of the two was the thief");
});

test("an answer with a new text that was lost does not end the session, and a refusal spends none", async (context) => {
  const { browser, clock } = await setUp(context);
  const alice = browser();
  await alice.signIn();
  const first = alice.jar.get("holdfast-session") ?? "";
  clock.advance(ROTATE_MS);
  assert.equal((await alice.go("/api/tokens")).status, 403);
  assert.equal(alice.jar.get("holdfast-session"), first);
  await alice.go("/api/session");
  const lost = alice.jar.get("holdfast-session") ?? "";
  assert.notEqual(lost, first);
  alice.jar.set("holdfast-session", first);
  clock.advance(ROTATE_MS);
  assert.equal((await alice.go("/api/session")).status, 200);
  const next = alice.jar.get("holdfast-session") ?? "";
  assert.equal([first, lost].includes(next), false);
  assert.equal((await alice.go("/api/session")).status, 200);
  // The one that was lost is no session's any more.
  const finder = browser();
  finder.jar.set("holdfast-session", lost);
  assert.equal((await finder.go("/api/session")).status, 401);
});

test("CSRF: a change needs the session's own token, and may not come from elsewhere", async (context) => {
  const { app, browser } = await setUp(context);
  const alice = browser();
  await alice.signIn();
  const csrf = await alice.csrf();
  const mallory = browser();
  await mallory.signIn();
  const cases: readonly Record<string, string>[] = [
    {},
    { "x-csrf-token": "" },
    { "x-csrf-token": `${csrf}x` },
    { "x-csrf-token": await mallory.csrf() },
    { "x-csrf-token": csrf, origin: "https://evil.example" },
    { "x-csrf-token": csrf, origin: "null" },
    { "x-csrf-token": csrf, origin: `${ORIGIN}.evil.example` },
    { "x-csrf-token": csrf, "sec-fetch-site": "cross-site" },
    { "x-csrf-token": csrf, "sec-fetch-site": "same-site" },
  ];
  for (const headers of cases) {
    for (const [method, path] of [
      ["POST", "/api/keys"],
      ["POST", "/logout"],
      ["DELETE", "/api/keys/x"],
    ] as const) {
      const response = await alice.change(path, headers, { app: "shop" }, method);
      assert.equal(await code(response), "server.csrf", `${path} ${JSON.stringify(headers)}`);
    }
  }
  assert.deepEqual(((await (await alice.go("/api/keys")).json()) as { keys: unknown[] }).keys, []);
  assert.equal((await alice.change("/api/keys", { "x-csrf-token": csrf }, { app: "shop" })).status, 201);
  // A token in a header needs none: no browser sends it by itself.
  const headers = { host: "localhost", authorization: "Bearer hfadmin_local", "content-type": "application/json" };
  const made = await app.request("/api/keys", { method: "POST", headers, body: JSON.stringify({ app: "shop" }) });
  assert.equal(made.status, 201);
});

test("a wrong token is no session, a cookie twice is none, and no credential counts in a URL", async (context) => {
  const { browser } = await setUp(context);
  const alice = browser();
  await alice.signIn();
  const text = alice.jar.get("holdfast-session") ?? "";
  assert.equal((await alice.go("/api/session", { headers: { authorization: "Bearer wrong" } })).status, 401);
  const nobody = browser();
  const tossed = { cookie: `holdfast-session=${"F".repeat(43)}; holdfast-session=${text}` };
  assert.equal((await nobody.go("/api/session", { headers: tossed })).status, 401);
  for (const path of [
    `/api/session?access_token=${text}`,
    `/api/session?token=hfadmin_local`,
    `/api/session;${text}`,
  ]) {
    assert.equal((await nobody.go(path)).status, 401, path);
  }
});

test("the role is the configuration's: none without it, gone with it, and never one that a claim names itself", async (context) => {
  const { app, browser, issuer, login, another } = await setUp(context);
  const alice = browser();
  for (const groups of [[], ["others"], ["admin"], "root-ish", { root: true }, [["root"]], ["ROOT"], undefined, null]) {
    issuer.signIn.claims = { groups, role: "admin", roles: ["admin"] };
    assert.equal(await code(await alice.signIn()), "server.login-no-role", JSON.stringify(groups));
    assert.equal((await alice.go("/api/session")).status, 401);
  }
  issuer.signIn.claims = { groups: ["staff", "root"] };
  await alice.signIn();
  assert.equal(((await (await alice.go("/api/session")).json()) as { role: string }).role, "admin");
  issuer.signIn.claims = { groups: "staff" };
  const bob = browser();
  await bob.signIn();
  assert.equal(((await (await bob.go("/api/session")).json()) as { role: string }).role, "viewer");
  const headers = { "x-csrf-token": await bob.csrf() };
  for (const path of ["/api/keys", "/api/posture/check", "/api/reload"]) {
    assert.equal(await code(await bob.change(path, headers, { app: "x" })), "server.forbidden", path);
  }
  for (const path of ["/api/tokens", "/api/sessions"]) assert.equal((await bob.go(path)).status, 403);

  // The same session under a configuration that has changed since.
  const later = await another({ login: { ...login, roles: { ...login.roles, admin: [] } } });
  const cookie = `holdfast-session=${alice.jar.get("holdfast-session")}`;
  const own = await later.request("/api/session", { headers: { host: "localhost", cookie } });
  assert.equal(((await own.json()) as { role: string }).role, "viewer");
  // And an admin ends a session that is not theirs.
  const admin = { host: "localhost", authorization: "Bearer hfadmin_local" };
  const { sessions } = (await (await app.request("/api/sessions", { headers: admin })).json()) as {
    sessions: { id: string; role: string }[];
  };
  assert.equal(sessions.length, 2);
  const his = sessions.find(({ role }) => role === "viewer")?.id;
  await app.request(`/api/sessions/${his}`, { method: "DELETE", headers: admin });
  assert.equal((await bob.go("/api/session")).status, 401);
});
