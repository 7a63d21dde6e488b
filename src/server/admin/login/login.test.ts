/** Signing in at an issuer on loopback: the way that works, and every way in which it must not. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { fakeClock, Secret } from "../../../core/index.ts";
import { sql } from "../../../storage/index.ts";
import { Browser, CLIENT, code, ORIGIN, refused, setUp } from "../../../../test/identity/sign-in.ts";
import { loginConfig } from "../../config/login.ts";
import { LOGIN_MS, MOST_LOGINS } from "./pending.ts";
import { openProvider, RETRY_MS } from "./provider.ts";

test("someone signs in, acts by their role, and signs out", async (context) => {
  const { browser, issuer, db } = await setUp(context);
  const alice = browser();
  const done = await alice.go(await alice.toAnswer("?return_to=/api/keys%3Fa=1%26b=2"));
  assert.equal(done.status, 200);
  assert.match(await done.text(), /http-equiv="refresh" content="0;url=\/api\/keys\?a=1&amp;b=2"/);
  assert.equal(done.headers.get("referrer-policy"), "no-referrer");
  assert.match(done.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  assert.deepEqual([...alice.jar.keys()], ["holdfast-session"]);
  const [set] = done.headers.getSetCookie();
  assert.match(set ?? "", /^holdfast-session=[\w-]{43}; Path=\/; Max-Age=28800; HttpOnly; SameSite=Strict$/);

  const own = (await (await alice.go("/api/session")).json()) as { who: string; role: string; csrf: string };
  assert.equal(own.role, "operator");
  assert.match(own.who, /^admin-session:[0-9a-f]{12}$/);
  const headers = { "x-csrf-token": own.csrf, origin: ORIGIN, "sec-fetch-site": "same-origin" };
  assert.equal((await alice.change("/api/keys", headers, { app: "shop" })).status, 201);
  assert.equal(await code(await alice.change("/api/reload", headers)), "server.forbidden");

  const before = new Map(alice.jar);
  assert.equal((await alice.change("/logout", headers)).status, 204);
  assert.equal(alice.jar.size, 0);
  // On the server too: the cookie that somebody kept is worth nothing.
  alice.jar.set("holdfast-session", before.get("holdfast-session") ?? "");
  assert.equal((await alice.go("/api/session")).status, 401);

  const evidence = (await db.query<{ entry: Uint8Array }>(sql`select entry from storage_outbox order by position`)).map(
    ({ entry }) => Buffer.from(entry).toString(),
  );
  assert.match(evidence.join("\n"), /admin session begun[\s\S]*key created[\s\S]*admin session ended/);
  assert.doesNotMatch(evidence.join("\n"), /alice/, "people stand there by a pseudonym");
  assert.equal(issuer.signIn.redeemed, 1);
});

test("the request to the issuer has state, nonce and PKCE, and names the configured way back, whatever Host says", async (context) => {
  const { app, browser } = await setUp(context, { scopes: ["profile", "groups"] });
  const seen = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const response = await app.request("/login", {
      headers: { host: "localhost:9", "x-forwarded-host": "evil.example" },
    });
    const asked = new URL(response.headers.get("location") ?? "").searchParams;
    assert.equal(asked.get("response_type"), "code");
    assert.equal(asked.get("client_id"), CLIENT);
    assert.equal(asked.get("redirect_uri"), `${ORIGIN}/callback`);
    assert.equal(asked.get("scope"), "openid profile groups");
    assert.equal(asked.get("code_challenge_method"), "S256");
    for (const name of ["state", "nonce", "code_challenge"]) {
      assert.match(asked.get(name) ?? "", /^[\w-]{43}$/);
      seen.add(asked.get(name) ?? "");
    }
    assert.match(
      response.headers.getSetCookie()[0] ?? "",
      /^holdfast-login=[\w-]{43}; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/,
    );
  }
  assert.equal(seen.size, 9);
  assert.equal((await browser().go("/login", { headers: { host: "evil.example" } })).status, 421);
});

test("an answer counts once, in the browser that asked for it, with its state, in time", async (context) => {
  const { browser, clock, issuer, db } = await setUp(context);
  const [alice, mallory] = [browser(), browser()];
  // Login CSRF: mallory's own answer, carried to alice, who has begun a sign-in herself or has not.
  const foreign = await mallory.toAnswer();
  await refused(await alice.go(foreign), /another browser/);
  const next = await mallory.toAnswer();
  await alice.toAnswer();
  await refused(await alice.go(next), /another browser/);
  // Spent by that, for mallory too.
  await refused(await mallory.go(next), /no sign-in is under way/);
  assert.equal(issuer.signIn.redeemed, 0);

  const answer = await alice.toAnswer();
  const changed = answer.replace(/state=[^&]+/, `state=${"A".repeat(43)}`);
  await refused(await alice.go(changed), /no sign-in is under way/);
  await refused(await alice.go(answer.replace(/&?state=[^&]+/, "")), /no state/);
  const kept = new Map(alice.jar);
  assert.equal((await alice.go(answer)).status, 200);
  // The same answer again, by the same browser with the cookie that it had.
  const again = browser();
  for (const [name, value] of kept) again.jar.set(name, value);
  await refused(await again.go(answer), /no sign-in is under way/);
  assert.equal(issuer.signIn.redeemed, 1);

  const late = await alice.toAnswer();
  clock.advance(LOGIN_MS);
  await refused(await alice.go(late), /no sign-in is under way/);
  await alice.go("/login");
  assert.equal((await db.query(sql`select * from admin_logins`)).length, 1, "what is over is gone");
});

test("a code of another sign-in is worth nothing: PKCE and nonce tie it to its own", async (context) => {
  const { browser, issuer } = await setUp(context);
  const [alice, mallory] = [browser(), browser()];
  const stolen = new URL(await alice.toAnswer(), ORIGIN).searchParams.get("code") ?? "";
  const own = await mallory.toAnswer();
  await refused(
    await mallory.go(own.replace(/code=[^&]+/, `code=${stolen}`)),
    /does not take the code \(invalid_grant\)/,
  );
  // An issuer that would not check PKCE: the nonce is there besides.
  issuer.signIn.claims = { groups: ["ops"], nonce: "of another sign-in" };
  await refused(await alice.signIn(), /nonce/);
  issuer.signIn.claims = { groups: ["ops"], nonce: undefined };
  await refused(await alice.signIn(), /nonce/);
});

test("a challenge that somebody takes out of the request is missed when the code is redeemed", async (context) => {
  const { browser } = await setUp(context);
  const alice = browser();
  for (const take of [["code_challenge", "code_challenge_method"], ["code_challenge_method"]]) {
    const started = await alice.go("/login");
    const url = new URL(started.headers.get("location") ?? "");
    for (const name of take) url.searchParams.delete(name);
    const back = await fetch(url, { redirect: "manual" });
    await refused(await alice.go((back.headers.get("location") ?? "").slice(ORIGIN.length)), /invalid_grant/);
  }
});

test("an issuer that cannot do what is needed, or says that it is another, is not used", async (context) => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ code_challenge_methods_supported: ["plain"] }, /PKCE/],
    [{ code_challenge_methods_supported: "S256" }, /PKCE/],
    [{ issuer: "https://elsewhere.example" }, /another issuer/],
    [{ token_endpoint: "http://elsewhere.example/token" }, /token_endpoint/],
    [{ token_endpoint: "https://169.254.169.254/token" }, /token_endpoint/],
    [{ token_endpoint: "https://[::ffff:7f00:1]/token" }, /token_endpoint/],
    [{ token_endpoint: "http://2130706433/token" }, /token_endpoint/],
    [{ jwks_uri: "https://metadata@169.254.169.254/keys" }, /jwks_uri/],
    [{ authorization_endpoint: "javascript:alert(1)" }, /authorization_endpoint/],
    [{ authorization_endpoint: undefined }, /authorization_endpoint/],
    [{ jwks_uri: "file:///etc/passwd" }, /jwks_uri/],
  ];
  const { browser, clock, db, issuer } = await setUp(context);
  for (const [discovery, detail] of cases) {
    clock.advance(RETRY_MS);
    issuer.discovery = { ...discovery };
    const response = await browser().go("/login");
    assert.equal(response.status, 503);
    assert.match(((await response.json()) as { detail: string }).detail, detail);
  }
  // Anyone may ask for /login: what failed is not asked again at once, and leaves no sign-in behind.
  const before = issuer.asked.length;
  await Promise.all([1, 2, 3].map(() => browser().go("/login")));
  assert.equal(issuer.asked.length, before);
  clock.advance(RETRY_MS);
  await Promise.all([1, 2, 3].map(() => browser().go("/login")));
  assert.equal(issuer.asked.length, before + 1);
  assert.deepEqual(await db.query(sql`select state_hash from admin_logins`), []);
});

test("an issuer elsewhere has no endpoint on this machine", async () => {
  const issuer = "https://login.example";
  const config = loginConfig.parse({ url: ORIGIN, issuer, clientId: CLIENT, roles: { viewer: ["staff"] } });
  const good = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
  };
  const begin = (document: object): Promise<string> =>
    openProvider({
      config,
      clientSecret: undefined,
      clock: fakeClock(),
      fetchJson: async () => document,
    }).authorizationUrl({
      state: "s",
      nonce: "n",
      verifier: "v",
    });
  assert.match(await begin(good), /^https:\/\/login\.example\/authorize\?/);
  for (const name of ["authorization_endpoint", "token_endpoint", "jwks_uri"]) {
    for (const host of ["127.0.0.1:6379", "localhost:8788", "[::1]"]) {
      await assert.rejects(begin({ ...good, [name]: `http://${host}/x` }), new RegExp(name));
    }
  }
});

test("mix-up: the answer must name this issuer, where it names one or has to", async (context) => {
  const { browser, issuer } = await setUp(context);
  const alice = browser();
  issuer.signIn.iss = "https://elsewhere.example";
  await refused(await alice.signIn(), /another issuer/);
  issuer.signIn.iss = `${issuer.url}/`;
  await refused(await alice.signIn(), /another issuer/);
  issuer.signIn.iss = undefined;
  await refused(await alice.signIn(), /another issuer/);
  assert.equal(issuer.signIn.redeemed, 0, "no code goes to a token endpoint before that is known");
  const twice = await alice.toAnswer();
  await refused(await alice.go(`${twice}&iss=${encodeURIComponent(issuer.url)}&iss=x`), /twice/);

  const old = await setUp(context);
  old.issuer.discovery["authorization_response_iss_parameter_supported"] = undefined;
  old.issuer.signIn.iss = undefined;
  assert.equal((await old.browser().signIn()).status, 200);
});

test("an id token that is not this client's, not signed as it must be, or not of now lets nobody in", async (context) => {
  const { browser, issuer } = await setUp(context);
  const now = Math.floor(Date.now() / 1_000);
  const good = { groups: ["root"] };
  const none = (claims: object): string =>
    `${[{ alg: "none", typ: "JWT" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")}.`;
  const cases: readonly (readonly [Record<string, unknown>, Record<string, unknown>, RegExp, string?])[] = [
    [{ ...good, aud: "another" }, {}, /aud/],
    [{ ...good, aud: [CLIENT, "another"] }, {}, /azp/],
    [{ ...good, aud: [CLIENT, "another"], azp: "another" }, {}, /azp/],
    [{ ...good, iss: "https://elsewhere.example" }, {}, /iss/],
    [{ ...good, exp: now - 60 }, {}, /exp/],
    [{ ...good, iat: now + 3_600 }, {}, /iat/],
    [{ ...good, iat: now - 3_600 }, {}, /issued over/],
    [{ ...good, sub: "" }, {}, /sub/],
    [{ ...good, sub: undefined }, {}, /sub/],
    [good, { typ: "at+jwt" }, /typ/],
    [good, { kid: "unknown" }, /key/],
    [good, {}, /alg/, none({ iss: issuer.url, aud: CLIENT, sub: "alice", iat: now, exp: now + 60, ...good })],
    [good, {}, /compact form/, "not.a.token!"],
  ];
  const alice = browser();
  for (const [claims, header, detail, idToken] of cases) {
    Object.assign(issuer.signIn, { claims, header, idToken });
    await refused(await alice.signIn(), detail);
  }
  Object.assign(issuer.signIn, { claims: good, header: { typ: undefined }, idToken: undefined });
  assert.equal((await alice.signIn()).status, 200, "a token may leave typ out");
});

test("what the issuer refuses, and its words, go no further", async (context) => {
  const { browser, issuer } = await setUp(context);
  const alice = browser();
  issuer.signIn.error = "access_denied";
  await refused(await alice.signIn(), /at the issuer \(access_denied\)$/);
  issuer.signIn.error = "<script>alert(1)</script>";
  const response = await alice.signIn();
  const text = await response.text();
  assert.equal(response.status, 401);
  assert.doesNotMatch(text, /script/);
  issuer.signIn.error = undefined;
  const answer = await alice.toAnswer();
  const told = await (await alice.go(answer.replace(/code=[^&]+/, "code=made-up"))).text();
  assert.doesNotMatch(told, /secret words/);
});

test("no open redirect: what is returned to is a path of this server", async (context) => {
  const { browser } = await setUp(context);
  for (const path of [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%0d%0aset-cookie:x=1\r\n",
    "javascript:alert(1)",
    '/"><script>',
    "/a b",
    "",
    "evil",
    `/${"a".repeat(600)}`,
    "/\t/evil.example",
  ]) {
    const response = await browser().go(`/login?return_to=${encodeURIComponent(path)}`);
    assert.equal(await code(response), "server.login-return", JSON.stringify(path));
  }
});

test("sign-ins that nobody finishes fill nothing", async (context) => {
  const { browser, clock, db } = await setUp(context);
  const until = clock.now() + LOGIN_MS;
  await db.execute(sql`with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${MOST_LOGINS})
    insert into admin_logins (state_hash, browser_hash, nonce, verifier, return_to, expires_at)
    select cast(n as text), '', '', '', '/', ${until} from numbers`);
  assert.equal(await code(await browser().go("/login")), "server.login-busy");
  clock.advance(LOGIN_MS);
  assert.equal((await browser().go("/login")).status, 303);
});

test("a client with a secret shows it as the issuer takes it", async (context) => {
  const secret = "s3cret: with/odd+chars %";
  for (const ways of [undefined, ["client_secret_basic"], ["client_secret_post"]]) {
    const { issuer, app, login, another } = await setUp(context);
    issuer.signIn.secret = secret;
    issuer.discovery["token_endpoint_auth_methods_supported"] = ways;
    const withSecret = await another({ login, clientSecret: new Secret(secret) });
    const alice = new Browser(async (path, init) => await withSecret.request(path, init));
    assert.equal((await alice.signIn()).status, 200, String(ways));
    const without = new Browser(async (path, init) => await app.request(path, init));
    await refused(await without.signIn(), /invalid_grant/);
  }
});

test("behind TLS the cookies are Secure and of this host alone", async (context) => {
  const { browser } = await setUp(context, { url: "https://holdfast.example.org" });
  const started = await browser().go("/login");
  assert.match(started.headers.getSetCookie()[0] ?? "", /^__Host-holdfast-login=[\w-]{43}; Path=\/; .*; Secure$/);
});

test("nothing of a sign-in is logged, and without one configured there is none", async (context) => {
  const { browser, issuer, lines, another } = await setUp(context);
  const alice = browser();
  const answer = await alice.toAnswer();
  issuer.behave((_, response) => response.writeHead(500).end("no"));
  assert.equal((await alice.go(answer)).status, 503);
  issuer.behave(undefined);
  await alice.signIn();
  const logged = lines.join("\n");
  for (const text of [answer.slice(20, 60), alice.jar.get("holdfast-session") ?? "", "code-1", "alice"]) {
    assert.equal(logged.includes(text), false, text);
  }
  const off = await another();
  for (const path of ["/login", "/callback?state=x&code=y"]) {
    assert.equal(await code(await off.request(path, { headers: { host: "localhost" } })), "server.login-off");
  }
  const cookie = `holdfast-session=${alice.jar.get("holdfast-session")}`;
  assert.equal((await off.request("/api/session", { headers: { host: "localhost", cookie } })).status, 401);
});
