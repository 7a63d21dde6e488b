/**
 * `/api/keys`: the API keys of the gateway. The text of a key is in the answer that makes it and nowhere else.
 *
 * @module
 */

import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { createKey, listKeys, revokeKey, type KeyInfo } from "../../gateway/index.ts";
import type { AdminEnv } from "./access.ts";
import type { AdminAppOptions } from "./app.ts";
import { problem, refuseInvalid } from "./problem.ts";

const time = z.int().describe("milliseconds since the epoch");

const keyInfo = z
  .object({
    id: z.string().describe("the public part: what lists, logs and receipts show"),
    app: z.string(),
    models: z.array(z.string()),
    requestsPerMinute: z.int().optional(),
    concurrency: z.int().optional(),
    createdAt: time,
    expiresAt: time.optional(),
    revokedAt: time.optional(),
    replacedBy: z.string().optional(),
  })
  .openapi("Key");

const keyInput = z
  .strictObject({
    app: z.string().min(1).max(63),
    models: z.array(z.string().min(1).max(129)).min(1).max(1_000).optional(),
    expiresAt: time.optional(),
    requestsPerMinute: z.int().min(1).optional(),
    concurrency: z.int().min(1).optional(),
  })
  .openapi("KeyInput");

const getKeys = createRoute({
  method: "get",
  path: "/",
  summary: "All keys, newest first, without their text",
  responses: {
    200: { description: "the keys", content: { "application/json": { schema: z.object({ keys: z.array(keyInfo) }) } } },
    ...problem(401, 403, 421),
  },
});

const postKey = createRoute({
  method: "post",
  path: "/",
  summary: "Make a key",
  request: { body: { required: true, content: { "application/json": { schema: keyInput } } } },
  responses: {
    201: {
      description: "the key, shown this once",
      content: { "application/json": { schema: z.object({ id: z.string(), key: z.string() }) } },
    },
    ...problem(400, 401, 403, 413, 415, 421),
  },
});

const deleteKey = createRoute({
  method: "delete",
  path: "/{id}",
  summary: "Revoke a key, for good",
  request: { params: z.object({ id: z.string().max(64) }) },
  responses: {
    200: { description: "the key as it is now", content: { "application/json": { schema: keyInfo } } },
    ...problem(401, 403, 404, 421),
  },
});

/** Each change is answered once its evidence is in the ledger. */
export function keyRoutes({ db, services, drain }: AdminAppOptions): OpenAPIHono<AdminEnv> {
  const app = new OpenAPIHono<AdminEnv>({ defaultHook: refuseInvalid });
  app.openapi(getKeys, async (c) => c.json({ keys: (await listKeys(db)).map(shown) }, 200));
  app.openapi(postKey, async (c) => {
    const { app: name, models, expiresAt, requestsPerMinute, concurrency } = c.req.valid("json");
    const { id, key } = await createKey(
      db,
      {
        app: name,
        ...(models === undefined ? {} : { models }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
        ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
        ...(concurrency === undefined ? {} : { concurrency }),
        by: c.get("actor")?.who ?? "",
      },
      services.clock,
    );
    await drain();
    return c.json({ id, key: key.reveal() }, 201);
  });
  app.openapi(deleteKey, async (c) => {
    const revoked = await revokeKey(db, c.req.valid("param").id, services.clock, c.get("actor")?.who);
    await drain();
    return c.json(shown(revoked), 200);
  });
  return app;
}

/** Exactly the fields of the contract: whatever else a row may carry one day stays inside. */
function shown(key: KeyInfo): z.output<typeof keyInfo> {
  return keyInfo.parse(key);
}
