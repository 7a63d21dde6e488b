/**
 * What each route of the admin API needs. A route that is not here is not there: whatever has no line in this table is
 * answered with 404 before its handler is reached, and a test holds the table against the routes that exist.
 *
 * The lines are registered with the router itself, before the handlers: one parser decides which line and which handler a
 * path means, so that no spelling of a path finds a handler without its line.
 *
 * @module
 */

import type { Hono, MiddlewareHandler } from "hono";

import { mayAct, type Module, type Role } from "../../core/index.ts";
import { serverError } from "../errors.ts";
import type { Actor } from "./actor.ts";

/** What a request carries from one middleware to the next. */
export interface AdminEnv {
  Variables: {
    /** Who asks; undefined on routes that anyone may call. */
    actor: Actor | undefined;
    allowed: boolean;
  };
}

interface Access {
  readonly method: string;
  readonly path: string;
  /** `anyone` needs nothing. */
  readonly role: Role | "anyone";
}

/** The routes of the admin API itself. `GET` covers `HEAD`. */
export const ACCESS: readonly Access[] = [
  { method: "GET", path: "/healthz", role: "anyone" },
  { method: "GET", path: "/readyz", role: "anyone" },
  { method: "GET", path: "/openapi.json", role: "anyone" },
  { method: "GET", path: "/login", role: "anyone" },
  { method: "GET", path: "/callback", role: "anyone" },
  { method: "POST", path: "/logout", role: "viewer" },
  { method: "GET", path: "/metrics", role: "viewer" },
  // Reads only; other methods are refused by its own handler.
  { method: "ALL", path: "/ledger/*", role: "viewer" },
  { method: "GET", path: "/api/session", role: "viewer" },
  { method: "GET", path: "/api/posture", role: "viewer" },
  { method: "POST", path: "/api/posture/check", role: "operator" },
  { method: "GET", path: "/api/keys", role: "viewer" },
  { method: "POST", path: "/api/keys", role: "operator" },
  { method: "DELETE", path: "/api/keys/:id", role: "operator" },
  { method: "POST", path: "/api/reload", role: "admin" },
  { method: "GET", path: "/api/tokens", role: "admin" },
  { method: "DELETE", path: "/api/tokens/:id", role: "admin" },
  { method: "GET", path: "/api/sessions", role: "admin" },
  { method: "DELETE", path: "/api/sessions/:id", role: "admin" },
];

/** Puts the table, and what the modules say of their own routes, before the handlers. */
export function guardRoutes(
  app: Hono<AdminEnv>,
  modules: readonly Module<never>[],
  identify: (request: Request) => Promise<Actor>,
): void {
  app.use(async (c, next) => {
    c.set("allowed", false);
    await next();
  });
  for (const { method, path, role } of [...ACCESS, ...modules.flatMap(accessOf)]) {
    const check = role === "anyone" ? letIn : allowed(role, identify);
    if (method === "ALL") app.use(path, check);
    else app.on(method, path, check);
  }
  app.use(async (c, next) => {
    if (!c.get("allowed")) {
      // Who shows nothing learns of no route that there is or is not.
      await identify(c.req.raw);
      throw serverError("server.not-found");
    }
    await next();
  });
}

function accessOf({ name, routes }: Module<never>): readonly Access[] {
  return (routes?.access ?? []).map(({ method, path, role }) => ({
    method,
    path: `/api/${name}${path === "/" ? "" : path}`,
    role,
  }));
}

const letIn: MiddlewareHandler<AdminEnv> = async (c, next) => {
  c.set("allowed", true);
  await next();
};

function allowed(role: Role, identify: (request: Request) => Promise<Actor>): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const actor = c.get("actor") ?? (await identify(c.req.raw));
    c.set("actor", actor);
    if (!mayAct(actor.role, role)) throw serverError("server.forbidden", { detail: `it needs the role ${role}` });
    c.set("allowed", true);
    const cookie = await actor.rotate?.();
    await next();
    // Before what the route says of it: a sign-out takes it back.
    if (cookie !== undefined && !c.res.headers.has("set-cookie")) c.header("set-cookie", cookie);
  };
}
