import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { Ajv2020 } from "ajv/dist/2020.js";

import { ADMIN_TOKEN as TOKEN, openAdmin, type AdminApi } from "../../../test/admin/api.ts";
import type { Module } from "../../core/index.ts";
import { modules } from "../modules.ts";
import type { Services } from "../services.ts";
import type { AdminAppOptions } from "./app.ts";

interface Api {
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Response>;
  readonly send: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Response>;
  readonly services: Services;
  readonly drained: () => number;
  readonly lines: readonly string[];
  readonly another: AdminApi["another"];
}

async function setUp(context: TestContext, options: Partial<AdminAppOptions> = {}): Promise<Api> {
  let drains = 0;
  const { app, services, lines, another } = await openAdmin(context, {
    modules,
    hosts: ["holdfast.example.org"],
    reload: async () => ({ changed: ["gateway.limits.messages"] }),
    drain: async () => {
      drains += 1;
    },
    ...options,
  });
  const known = { host: "127.0.0.1:8788", authorization: `Bearer ${TOKEN}` };
  return {
    get: async (path, headers = {}) => app.request(path, { headers: { ...known, ...headers } }),
    send: async (method, path, body, headers = {}) =>
      app.request(path, {
        method,
        headers: { ...known, "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    services,
    drained: () => drains,
    lines,
    another,
  };
}

async function problem(response: Response): Promise<{ code: string; status: number; title: string; hint: string }> {
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const value = (await response.json()) as { code: string; status: number; title: string; hint: string };
  assert.equal(value.status, response.status);
  return value;
}

test("no app's key is a token here: what keys, evidence and posture say is for operators", async (context) => {
  const { get, send } = await setUp(context);
  const { key } = (await (await send("POST", "/api/keys", { app: "shop" })).json()) as { key: string };
  for (const path of ["/api/keys", "/api/posture", "/ledger/checkpoint", "/"]) {
    for (const headers of [{ authorization: `Bearer ${key}` }, { authorization: "", "x-api-key": key }]) {
      assert.equal((await get(path, headers)).status, 401, path);
    }
  }
  assert.equal((await send("POST", "/api/keys", { app: "bank" }, { authorization: `Bearer ${key}` })).status, 401);
});

test("every route but the three open ones wants the token", async (context) => {
  const { get, send } = await setUp(context, { metricsText: async () => "metric 1\n" });
  for (const path of ["/healthz", "/readyz", "/openapi.json"]) {
    assert.equal((await get(path, { authorization: "" })).status, 200, path);
  }
  const closed = ["/", "/metrics", "/api/posture", "/api/keys", "/api/nothing", "/ledger/checkpoint", "/healthz/x"];
  for (const path of closed) {
    for (const authorization of ["", "Bearer", "Bearer wrong", `Basic ${TOKEN}`]) {
      const response = await get(path, { authorization });
      assert.equal(response.status, 401, `${path} ${authorization}`);
      assert.equal(response.headers.get("www-authenticate"), "Bearer");
      assert.equal((await problem(response)).code, "server.unauthorized");
    }
  }
  assert.equal((await send("POST", "/api/keys", { app: "a" }, { authorization: "" })).status, 401);
  assert.equal((await send("DELETE", "/api/keys/x", undefined, { authorization: "" })).status, 401);
});

test("a request that names another host gets nowhere, not even to the open routes", async (context) => {
  const { get } = await setUp(context);
  for (const host of [
    "evil.example",
    "127.0.0.1.evil.example",
    "",
    "127.0.0.1:8788:1",
    "localhost.evil.example:8788",
  ]) {
    for (const path of ["/healthz", "/api/keys"]) {
      assert.equal((await problem(await get(path, { host }))).code, "server.host-refused", host);
    }
  }
  for (const host of ["localhost", "LOCALHOST:1", "[::1]:8788", "holdfast.example.org", "holdfast.example.org:443"]) {
    assert.equal((await get("/healthz", { host })).status, 200, host);
  }
});

test("keys are made once visible, listed without their text, and revoked; each change moves its evidence on", async (context) => {
  const { get, send, drained, services } = await setUp(context);
  const made = await send("POST", "/api/keys", { app: "shop", models: ["gpt-*"], requestsPerMinute: 5 });
  assert.equal(made.status, 201);
  assert.equal(made.headers.get("cache-control"), "no-store");
  const { id, key } = (await made.json()) as { id: string; key: string };
  assert.match(key, /^hf_\w{12}_\w{43}_\w{6}$/);
  assert.equal(drained(), 1);

  const list = await get("/api/keys");
  const text = await list.text();
  assert.equal(text.includes(key), false);
  assert.deepEqual((JSON.parse(text) as { keys: unknown[] }).keys, [
    { id, app: "shop", models: ["gpt-*"], requestsPerMinute: 5, createdAt: services.clock.now() },
  ]);

  const revoked = await send("DELETE", `/api/keys/${id}`);
  assert.equal(revoked.status, 200);
  assert.equal(((await revoked.json()) as { revokedAt: number }).revokedAt, services.clock.now());
  assert.equal(drained(), 2);
  assert.equal((await problem(await send("DELETE", "/api/keys/nokey"))).code, "gateway.key-unknown");
});

test("what does not fit the contract is refused by name, and values are not repeated", async (context) => {
  const { send, get } = await setUp(context);
  const cases: readonly (readonly [unknown, Record<string, string>, string])[] = [
    [{}, {}, "server.request-invalid"],
    [{ app: 7 }, {}, "server.request-invalid"],
    [{ app: "a", extra: "sekret" }, {}, "server.request-invalid"],
    [{ app: "a", models: [] }, {}, "server.request-invalid"],
    [{ app: "UPPER sekret" }, {}, "gateway.key-option"],
    [{ app: "a", expiresAt: 1 }, {}, "gateway.key-option"],
    ['{"app":"a","app":"sekret"}', {}, "core.json-duplicate-name"],
    ['{"app":"sekret"', {}, "core.json-invalid"],
    ["[".repeat(20) + "]".repeat(20), {}, "core.json-too-deep"],
    [`{"app":"${"x".repeat(70_000)}"}`, {}, "server.body-too-large"],
    [{ app: "a" }, { "content-type": "text/plain" }, "server.media-type"],
    [undefined, {}, "server.request-invalid"],
  ];
  for (const [body, headers, code] of cases) {
    const response = await send("POST", "/api/keys", body, headers);
    const answer = await problem(response);
    assert.equal(answer.code, code, JSON.stringify(body)?.slice(0, 60));
    assert.doesNotMatch(JSON.stringify(answer), /sekret/);
  }
  assert.deepEqual(((await (await get("/api/keys")).json()) as { keys: unknown[] }).keys, []);
});

test("a stream without a length that does not end is cut at the limit", async (context) => {
  const { another, send } = await setUp(context);
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 8_192;
      controller.enqueue(new Uint8Array(8_192).fill(32));
    },
  });
  const app = await another({ reload: async () => Promise.reject(new Error("never asked")) });
  const response = await app.request("/api/keys", {
    method: "POST",
    headers: { host: "localhost", authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: endless,
    duplex: "half",
  });
  assert.equal((await problem(response)).code, "server.body-too-large");
  assert.ok(sent < 200_000, String(sent));
  assert.equal((await send("POST", "/api/keys", { app: "after" })).status, 201);
});

test("unknown routes and methods are problems too", async (context) => {
  const { get, send } = await setUp(context);
  assert.equal((await problem(await get("/nothing"))).code, "server.not-found");
  assert.equal((await problem(await get("/metrics"))).code, "server.not-found", "metrics are off");
  assert.equal((await problem(await send("PUT", "/api/posture", {}))).code, "server.not-found");
  for (const path of ["/ledger/checkpoint", "/ledger/", "/ledger/.state/journal", "/ledger/%2e%2e/keys/admin.token"]) {
    assert.equal((await problem(await get(path))).code, "server.not-found", path);
  }
  assert.equal((await problem(await send("POST", "/ledger/checkpoint"))).code, "server.method-not-allowed");
});

test("readiness says why not", async (context) => {
  const { get } = await setUp(context, { ready: () => ({ ready: false, why: "no upstream is configured" }) });
  const response = await get("/readyz");
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), { ready: false, why: "no upstream is configured" });
});

test("metrics are served when they are on", async (context) => {
  const { get } = await setUp(context, { metricsText: async () => "metric 1\n" });
  const response = await get("/metrics");
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.equal(await response.text(), "metric 1\n");
});

test("the posture has the form that the contract says, and a check records before it answers", async (context) => {
  const { get, send, drained } = await setUp(context);
  const posture = (await (await get("/api/posture")).json()) as { controls: unknown[]; counts: Record<string, number> };
  assert.equal(posture.controls.length, 57);
  assert.equal(posture.counts["no evidence"], 57);

  const document = (await (await get("/openapi.json")).json()) as { components: { schemas: Record<string, object> } };
  const validate = new Ajv2020({ strict: false }).compile({
    ...document,
    $ref: "#/components/schemas/Posture",
  });
  assert.equal(validate(posture), true, JSON.stringify(validate.errors));

  assert.equal(
    (await problem(await send("POST", "/api/posture/check", { control: "X9" }))).code,
    "govern.control-unknown",
  );
  const checked = await send("POST", "/api/posture/check", { control: "R12" });
  assert.equal(checked.status, 200);
  assert.equal(drained(), 1);
  const { controls } = (await checked.json()) as {
    controls: { control: { id: string }; proofs: { latest?: unknown }[] }[];
  };
  const [proof] = controls.find(({ control }) => control.id === "R12")?.proofs ?? [];
  assert.notEqual(proof?.latest, undefined);
});

test("the contract is OpenAPI 3.1, names every route, and demands the token", async (context) => {
  const { get } = await setUp(context);
  const document = (await (await get("/openapi.json")).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { responses: object }>>;
    security: unknown;
  };
  assert.equal(document.openapi, "3.1.0");
  assert.deepEqual(document.security, [{ "admin token": [] }, { session: [] }]);
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  assert.deepEqual(routes.toSorted(), [
    "delete /api/keys/{id}",
    "delete /api/sessions/{id}",
    "delete /api/tokens/{id}",
    "get /api/keys",
    "get /api/posture",
    "get /api/session",
    "get /api/sessions",
    "get /api/tokens",
    "post /api/keys",
    "post /api/posture/check",
    "post /api/reload",
  ]);
  for (const methods of Object.values(document.paths)) {
    for (const { responses } of Object.values(methods)) assert.ok("401" in responses && "403" in responses);
  }
});

test("a reload says what changed", async (context) => {
  const { send } = await setUp(context);
  const reloaded = await send("POST", "/api/reload", {});
  assert.equal(reloaded.status, 200);
  assert.deepEqual(await reloaded.json(), { changed: ["gateway.limits.messages"] });
});

test("the routes of a module stand under its name, behind the same door", async (context) => {
  const module: Module<Services> = {
    name: "demo",
    summary: "a part with routes",
    errors: {},
    routes: {
      access: [
        { method: "GET", path: "/x/*", role: "viewer" },
        { method: "POST", path: "/x/:id", role: "admin" },
      ],
      load: async () => () => ({ fetch: (request: Request) => new Response(new URL(request.url).pathname) }),
    },
  };
  const { get, send } = await setUp(context, { modules: [module] });
  assert.equal(await (await get("/api/demo/x/y")).text(), "/x/y");
  // What it does not say who may call is not there, whatever its handler would do.
  assert.equal((await problem(await get("/api/demo/z"))).code, "server.not-found");
  assert.equal((await problem(await send("DELETE", "/api/demo/x/y"))).code, "server.not-found");
  assert.equal((await send("POST", "/api/demo/x/y")).status, 200);
  assert.equal((await get("/api/demo/x", { authorization: "" })).status, 401);
});

test("a defect answers 500 without its words, and is logged without them", async (context) => {
  const { get, lines } = await setUp(context, {
    ready: () => {
      throw new Error("password=hunter2");
    },
  });
  const response = await get("/readyz");
  assert.equal((await problem(response)).code, "core.internal");
  assert.match(lines.join(""), /admin request failed/);
  assert.doesNotMatch(lines.join(""), /hunter2/);
});
