/**
 * The admin API: what operators and the console ask of a running Holdfast.
 *
 *     every request   a known Host (else 421: a page that rebinds its own name to 127.0.0.1 gets nowhere), then
 *                     who asks (else 401, actor.ts) and whether the role is enough (else 403, access.ts)
 *     bodies          at most 64 KiB, JSON that `core` reads, then the route's schema
 *     errors          RFC 9457 problem details, always
 *
 * @module
 */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";

import { parseJson, problemDetails, type Module, type Secret } from "../../core/index.ts";
import type { FetchJson } from "../../gateway/index.ts";
import { ledgerHandler } from "../../ledger/index.ts";
import type { Db } from "../../storage/index.ts";
import type { LoginConfig } from "../config/login.ts";
import { serverError } from "../errors.ts";
import { errorFields } from "../log.ts";
import type { Reload } from "../reload.ts";
import type { Services } from "../services.ts";
import { VERSION } from "../version.ts";
import { guardRoutes, type AdminEnv } from "./access.ts";
import { actorOf } from "./actor.ts";
import { keyRoutes } from "./keys.ts";
import { loginRoutes } from "./login/routes.ts";
import { peopleRoutes } from "./people.ts";
import { postureRoutes } from "./posture.ts";
import { reloadRoutes } from "./reload.ts";

export interface AdminAppOptions {
  readonly services: Services;
  readonly modules: readonly Module<Services>[];
  readonly db: Db;
  readonly token: Secret;
  /** Where people sign in; undefined: nowhere. */
  readonly login?: LoginConfig | undefined;
  readonly clientSecret?: Secret | undefined;
  /** How the issuer's documents are read. Default: over the network. */
  readonly fetchJson?: FetchJson;
  /** Host names that the API goes by, besides those of this machine's loopback. Without ports. */
  readonly hosts: readonly string[];
  readonly ready: () => { readonly ready: boolean; readonly why?: string };
  /** Prometheus text; absent while metrics are off. */
  readonly metricsText?: () => Promise<string>;
  readonly drain: () => Promise<void>;
  readonly reload: Reload;
}

const LOOPBACK_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];
const MAX_BODY_BYTES = 65_536;
/** Hexadecimal digits of a pseudonym: 128 bits. */
const PSEUDONYM_DIGITS = 32;

/** Makes the admin API as a Fetch API handler. */
export async function createAdminApp(options: AdminAppOptions): Promise<OpenAPIHono<AdminEnv>> {
  const { db, services, ready, metricsText, login, drain } = options;
  const { clock } = services;
  const app = new OpenAPIHono<AdminEnv>();
  app.onError((thrown) => {
    // The validator's own complaint about a body that is missing or unreadable.
    const error =
      thrown instanceof HTTPException && thrown.status < 500 ? serverError("server.request-invalid") : thrown;
    const problem = problemDetails(error);
    if (problem.code === "core.internal") services.log.error("admin request failed", errorFields(error));
    return problemResponse(error);
  });
  app.notFound(() => problemResponse(serverError("server.not-found")));
  app.use(knownHost([...LOOPBACK_HOSTS, ...options.hosts.map(inUrl)]));
  guardRoutes(app, options.modules, actorOf({ db, clock, token: options.token, login }));
  app.use(readableBody);
  app.use(async (c, next) => {
    await next();
    c.header("cache-control", c.res.headers.get("cache-control") ?? "no-store");
    c.header("x-content-type-options", "nosniff");
  });

  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const state = ready();
    return c.json(
      state.why === undefined ? { ready: state.ready } : { ready: state.ready, why: state.why },
      state.ready ? 200 : 503,
    );
  });
  if (metricsText !== undefined) {
    app.get("/metrics", async (c) => c.text(await metricsText(), 200, { "content-type": "text/plain; version=0.0.4" }));
  }

  const pseudonym = async (who: string): Promise<string> =>
    (await services.committer())
      .commit(`admin user: ${who}`, "admin user", Buffer.from(who))
      .slice(0, PSEUDONYM_DIGITS);
  app.route(
    "/",
    loginRoutes({
      db,
      clock,
      login,
      clientSecret: options.clientSecret,
      pseudonym,
      drain,
      ...(options.fetchJson === undefined ? {} : { fetchJson: options.fetchJson }),
    }),
  );
  app.route("/api", peopleRoutes(options));
  app.route("/api/posture", postureRoutes(options));
  app.route("/api/keys", keyRoutes(options));
  app.route("/api/reload", reloadRoutes(options));
  for (const { name, routes } of options.modules) {
    if (routes === undefined) continue;
    const handler = (await routes.load())(services);
    app.mount(`/api/${name}`, (request: Request) => handler.fetch(request));
  }
  const ledger = ledgerHandler(services.ledgerFolder);
  app.mount("/ledger", async (request: Request) => {
    const response = await ledger(request);
    if (response.status === 404) throw serverError("server.not-found");
    if (response.status === 405) throw serverError("server.method-not-allowed");
    return response;
  });

  app.openAPIRegistry.registerComponent("securitySchemes", "admin token", { type: "http", scheme: "bearer" });
  app.openAPIRegistry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: login?.url.startsWith("https:") === true ? "__Host-holdfast-session" : "holdfast-session",
  });
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Holdfast admin API",
      version: VERSION,
      description:
        "Besides the routes below: GET /healthz, /readyz, /metrics (when metrics are on), the ledger's read path under " +
        "/ledger/, and GET /login, GET /callback, POST /logout for people (when admin.login is configured). A change by a " +
        "session sends x-csrf-token with the value of csrf from /api/session. Reading needs the role viewer, keys and " +
        "checks the role operator, the configuration, tokens and sessions the role admin.",
    },
    security: [{ "admin token": [] }, { session: [] }],
  });
  return app;
}

/** RFC 9457 section 3. */
function problemResponse(error: unknown): Response {
  const problem = problemDetails(error);
  const headers: Record<string, string> = { "content-type": "application/problem+json", "cache-control": "no-store" };
  if (problem.status === 401) headers["www-authenticate"] = "Bearer";
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

function knownHost(hosts: readonly string[]): MiddlewareHandler {
  const known = new Set(hosts.map((host) => host.toLowerCase()));
  return async (c, next) => {
    const host = (c.req.header("host") ?? "").toLowerCase().replace(/:\d{1,5}$/, "");
    if (!known.has(host)) throw serverError("server.host-refused");
    await next();
  };
}

/** Refuses a body that is too large, not JSON, or ambiguous, before a route's schema sees it. */
const readableBody: MiddlewareHandler = async (c, next) => {
  if (c.req.method !== "GET" && c.req.method !== "HEAD" && c.req.raw.body !== null) {
    if (Number(c.req.header("content-length") ?? 0) > MAX_BODY_BYTES) throw serverError("server.body-too-large");
    const bytes = await readAtMost(c.req.raw.body, MAX_BODY_BYTES);
    if (bytes.length > 0) {
      if (!/^application\/json\s*(;|$)/i.test(c.req.header("content-type") ?? "")) {
        throw serverError("server.media-type");
      }
      parseJson(bytes, { maxBytes: MAX_BODY_BYTES, maxDepth: 16 });
    }
    // What was read is what the route reads: its validator takes the body from here.
    c.req.raw = new Request(c.req.raw.url, { method: c.req.method, headers: c.req.raw.headers, body: bytes });
  }
  await next();
};

async function readAtMost(body: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw serverError("server.body-too-large");
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function inUrl(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
