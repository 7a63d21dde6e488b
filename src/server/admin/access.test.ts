/** Every route has its line, every line its route, and a role does what is written for it and no more. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { openAdmin } from "../../../test/admin/api.ts";
import { ROLES, mayAct, type Role } from "../../core/index.ts";
import { sql } from "../../storage/index.ts";
import { ACCESS } from "./access.ts";
import { createAdminToken, listAdminTokens, revokeAdminToken } from "./tokens.ts";

async function setUp(context: TestContext) {
  const { app, db, clock, lines } = await openAdmin(context, { metricsText: async () => "metric 1\n" });
  const call = async (token: string | undefined, method: string, path: string, body?: object): Promise<Response> =>
    await app.request(path, {
      method,
      headers: {
        host: "localhost",
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const make = async (role: Role, lastsMs = 60_000): Promise<{ id: string; text: string }> => {
    const { token, info } = await createAdminToken(db, { name: role, role, lastsMs }, clock);
    return { id: info.id, text: token.reveal() };
  };
  return { app, db, clock, call, make, lines };
}

test("every route that exists has a line in the table, and every line a route", async (context) => {
  const { app } = await setUp(context);
  // Middleware stands under every path; what is mounted, under all methods.
  const routes = new Set(
    app.routes
      .filter(({ path, method }) => !(method === "ALL" && path === "/*"))
      .map(({ method, path }) => `${method} ${path}`),
  );
  const lines = new Set(ACCESS.map(({ method, path }) => `${method} ${path}`));
  assert.deepEqual(
    [...routes].filter((route) => !lines.has(route)),
    [],
  );
  // Lines are routes of the router themselves: a handler of its own must follow each.
  for (const line of lines) {
    const count = app.routes.filter(({ method, path }) => `${method} ${path}` === line).length;
    assert.ok(count >= 2, `${line} has no handler`);
  }
});

test("each role may do what needs it or less, on every route", async (context) => {
  const { call, make } = await setUp(context);
  for (const role of ROLES) {
    const { text } = await make(role);
    for (const { method, path, role: needed } of ACCESS) {
      const verb = method === "ALL" ? "GET" : method;
      const response = await call(text, verb, path.replace(":id", "none").replace("*", "checkpoint"));
      const forbidden = needed !== "anyone" && !mayAct(role, needed);
      assert.equal(response.status === 403, forbidden, `${role} ${method} ${path}: ${response.status}`);
      if (forbidden) {
        const { code, detail } = (await response.json()) as { code: string; detail: string };
        assert.equal(code, "server.forbidden");
        assert.match(detail, new RegExp(needed));
      }
      assert.notEqual(response.status, 401, `${role} ${method} ${path}`);
    }
  }
  for (const { method, path, role } of ACCESS) {
    const response = await call(undefined, method === "ALL" ? "GET" : method, path.replace("*", "checkpoint"));
    assert.equal(response.status === 401, role !== "anyone", `${method} ${path}: ${response.status}`);
  }
});

test("no spelling of a path finds a handler without its line", async (context) => {
  const { app, call, make, db } = await setUp(context);
  const viewer = (await make("viewer")).text;
  const before = await db.query(sql`select id from api_keys`);
  for (const path of [
    "/api/keys/",
    "//api/keys",
    "/api//keys",
    "/API/keys",
    "/api/%6beys",
    "/api/keys%2f",
    "/api/./keys",
    "/api/posture/../keys",
    "/api/keys;x",
    "/api/keys?x=/api/session",
    "/api/keys#/api/session",
    "/ledger/../api/keys",
    "/ledger/%2e%2e/api/keys",
    "/login/../api/keys",
  ]) {
    const { status } = await call(viewer, "POST", path, { app: "shop" });
    assert.ok(status >= 400, `${path}: ${status}`);
    assert.equal((await call(undefined, "POST", path, { app: "shop" })).status, 401, path);
  }
  assert.deepEqual(await db.query(sql`select id from api_keys`), before);
  // A method in a header is no method.
  for (const name of ["x-http-method-override", "x-http-method", "x-method-override"]) {
    const headers = { host: "localhost", authorization: `Bearer ${viewer}`, [name]: "POST" };
    assert.equal((await app.request("/api/keys", { headers })).status, 200, name);
  }
  assert.equal((await call(viewer, "HEAD", "/api/tokens")).status, 403);
});

test("a token works until it expires or is revoked, stands nowhere in clear, and each change is evidence", async (context) => {
  const { call, make, db, clock, lines } = await setUp(context);
  const [short, long] = [await make("operator", 1_000), await make("operator")];
  for (const { text } of [short, long]) assert.equal((await call(text, "GET", "/api/session")).status, 200);
  const session = (await (await call(long.text, "GET", "/api/session")).json()) as object;
  assert.deepEqual(session, { who: `admin-token:${long.id}`, role: "operator" });
  clock.advance(1_000);
  assert.equal((await call(short.text, "GET", "/api/session")).status, 401);

  const admin = (await make("admin")).text;
  assert.equal((await call(long.text, "DELETE", `/api/tokens/${long.id}`)).status, 403);
  assert.equal((await call(admin, "DELETE", `/api/tokens/${long.id}`)).status, 200);
  assert.equal((await call(long.text, "GET", "/api/session")).status, 401);
  assert.equal((await call(admin, "DELETE", "/api/tokens/nothing")).status, 404);
  // Again changes nothing.
  await revokeAdminToken(db, long.id, "test", clock);

  const listed = await (await call(admin, "GET", "/api/tokens")).text();
  const kept = JSON.stringify([
    await db.query(sql`select * from admin_tokens`),
    (await db.query<{ entry: Uint8Array }>(sql`select entry from storage_outbox`)).map(({ entry }) =>
      Buffer.from(entry).toString(),
    ),
    lines,
  ]);
  for (const { text } of [short, long, { text: admin }]) {
    const secret = text.slice(text.lastIndexOf("_", text.length - 43) + 1);
    assert.equal(listed.includes(secret) || kept.includes(secret), false);
  }
  const evidence = (await db.query<{ entry: Uint8Array }>(sql`select entry from storage_outbox order by position`)).map(
    ({ entry }) => (JSON.parse(Buffer.from(entry).toString()) as { predicate: Record<string, string> }).predicate,
  );
  assert.deepEqual(
    evidence.map(({ what, role, by }) => [what, role, by]),
    [
      ["admin token created", "operator", undefined],
      ["admin token created", "operator", undefined],
      ["admin token created", "admin", undefined],
      ["admin token revoked", undefined, `admin-token:${(await listAdminTokens(db))[0]?.id}`],
    ],
  );
});

test("who makes or revokes a key stands in its evidence", async (context) => {
  const { call, make, db } = await setUp(context);
  const operator = await make("operator");
  const made = (await (await call(operator.text, "POST", "/api/keys", { app: "shop" })).json()) as { id: string };
  await call("hfadmin_local", "DELETE", `/api/keys/${made.id}`);
  const rows = await db.query<{ entry: Uint8Array }>(sql`select entry from storage_outbox order by position`);
  const by = rows
    .map(({ entry }) => (JSON.parse(Buffer.from(entry).toString()) as { predicate: Record<string, string> }).predicate)
    .filter(({ what }) => what?.startsWith("key"))
    .map((predicate) => predicate["by"]);
  assert.deepEqual(by, [`admin-token:${operator.id}`, "admin.token"]);
});

test("texts that are nearly a token are none, and options are checked", async (context) => {
  const { call, make, db, clock } = await setUp(context);
  const { id, text } = await make("admin");
  const other = (await make("admin")).text;
  for (const wrong of [
    text.slice(0, -1),
    `${text}x`,
    `hfa_${id}_${"A".repeat(43)}`,
    `hfa_${id}_${other.slice(17)}`,
    `hfa_000000000000_${text.slice(17)}`,
    text.toUpperCase(),
    `hfa_${id}`,
    "hfa_' or 1=1 --",
  ]) {
    assert.equal((await call(wrong, "GET", "/api/session")).status, 401, wrong);
  }
  const good = { name: "x", role: "viewer", lastsMs: 1 };
  for (const bad of [
    { ...good, name: "" },
    { ...good, name: "Upper" },
    { ...good, role: "root" },
    { ...good, role: "constructor" },
    { ...good, lastsMs: 0 },
    { ...good, lastsMs: Number.NaN },
    { ...good, lastsMs: 367 * 86_400_000 },
  ]) {
    await assert.rejects(createAdminToken(db, bad, clock), { code: "server.admin-option" }, JSON.stringify(bad));
  }
  // A row that somebody else wrote with a role that is none gives the least.
  await db.execute(sql`update admin_tokens set role = 'owner' where id = ${id}`);
  assert.equal((await call(text, "POST", "/api/reload", {})).status, 403);
});
