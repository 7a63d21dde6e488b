/**
 * `/api/session`, `/api/sessions` and `/api/tokens`: who may use the admin API. Tokens are made on the command line alone:
 * whoever has got hold of a session cannot make one that outlives it.
 *
 * @module
 */

import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { ROLES } from "../../core/index.ts";
import { serverError } from "../errors.ts";
import type { AdminEnv } from "./access.ts";
import { roleOf } from "./actor.ts";
import type { AdminAppOptions } from "./app.ts";
import { problem, refuseInvalid } from "./problem.ts";
import { endSession, listSessions, type Session } from "./sessions.ts";
import { listAdminTokens, revokeAdminToken, type AdminToken } from "./tokens.ts";

const time = z.int().describe("milliseconds since the epoch");
const role = z.enum(ROLES);

const ownSession = z
  .object({
    who: z.string().describe("as evidence names it"),
    role,
    csrf: z.string().optional().describe("of a session: what each change sends as x-csrf-token"),
    expiresAt: time.optional(),
  })
  .openapi("OwnSession");

const sessionInfo = z
  .object({
    id: z.string(),
    who: z.string().describe("a pseudonym"),
    role: role.optional().describe("left out where the configuration gives none any more"),
    createdAt: time,
    seenAt: time,
    expiresAt: time,
    revokedAt: time.optional(),
  })
  .openapi("Session");

const tokenInfo = z
  .object({ id: z.string(), name: z.string(), role, createdAt: time, expiresAt: time, revokedAt: time.optional() })
  .openapi("AdminToken");

const byId = { params: z.object({ id: z.string().max(64) }) };

function json<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { "application/json": { schema } } };
}

const getSession = createRoute({
  method: "get",
  path: "/session",
  summary: "Who asks, and as what",
  responses: { 200: json("who asks", ownSession), ...problem(401, 403, 421) },
});
const getSessions = createRoute({
  method: "get",
  path: "/sessions",
  summary: "All sessions, newest first",
  responses: { 200: json("the sessions", z.object({ sessions: z.array(sessionInfo) })), ...problem(401, 403, 421) },
});
const deleteSession = createRoute({
  method: "delete",
  path: "/sessions/{id}",
  summary: "End a session",
  request: byId,
  responses: { 200: json("the session as it is now", sessionInfo), ...problem(401, 403, 404, 421) },
});
const getTokens = createRoute({
  method: "get",
  path: "/tokens",
  summary: "All admin tokens, newest first, without their text",
  responses: { 200: json("the tokens", z.object({ tokens: z.array(tokenInfo) })), ...problem(401, 403, 421) },
});
const deleteToken = createRoute({
  method: "delete",
  path: "/tokens/{id}",
  summary: "Revoke an admin token, for good",
  request: byId,
  responses: { 200: json("the token as it is now", tokenInfo), ...problem(401, 403, 404, 421) },
});

/** Under `/api`. Each change is answered once its evidence is in the ledger. */
export function peopleRoutes({ db, services, drain, login }: AdminAppOptions): OpenAPIHono<AdminEnv> {
  const { clock } = services;
  const app = new OpenAPIHono<AdminEnv>({ defaultHook: refuseInvalid });
  const shownSession = (session: Session): z.output<typeof sessionInfo> =>
    sessionInfo.parse({ ...session, role: login === undefined ? undefined : roleOf(session.values, login) });
  const shownToken = (token: AdminToken): z.output<typeof tokenInfo> => tokenInfo.parse(token);

  app.openapi(getSession, (c) => {
    const actor = c.get("actor");
    if (actor === undefined) throw serverError("server.unauthorized");
    const { session } = actor;
    const own = session === undefined ? {} : { csrf: session.csrf, expiresAt: session.expiresAt };
    return c.json({ who: actor.who, role: actor.role, ...own }, 200);
  });
  app.openapi(getSessions, async (c) => c.json({ sessions: (await listSessions(db)).map(shownSession) }, 200));
  app.openapi(deleteSession, async (c) => {
    const ended = await endSession(db, c.req.valid("param").id, c.get("actor")?.who ?? "", clock);
    await drain();
    return c.json(shownSession(ended), 200);
  });
  app.openapi(getTokens, async (c) => c.json({ tokens: (await listAdminTokens(db)).map(shownToken) }, 200));
  app.openapi(deleteToken, async (c) => {
    const revoked = await revokeAdminToken(db, c.req.valid("param").id, c.get("actor")?.who ?? "", clock);
    await drain();
    return c.json(shownToken(revoked), 200);
  });
  return app;
}
