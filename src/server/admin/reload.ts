/**
 * `/api/reload`: the configuration, read again.
 *
 * @module
 */

import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import type { AdminEnv } from "./access.ts";
import type { AdminAppOptions } from "./app.ts";
import { problem, refuseInvalid } from "./problem.ts";

const reloaded = z
  .object({ changed: z.array(z.string()).describe("paths of holdfast.yaml that changed; never their values") })
  .openapi("Reloaded");

const postReload = createRoute({
  method: "post",
  path: "/",
  summary: "Read the configuration and what it names again, and take up all of it or none",
  responses: {
    200: { description: "taken up", content: { "application/json": { schema: reloaded } } },
    ...problem(401, 403, 409, 421),
  },
});

export function reloadRoutes({ reload }: AdminAppOptions): OpenAPIHono<AdminEnv> {
  const app = new OpenAPIHono<AdminEnv>({ defaultHook: refuseInvalid });
  app.openapi(postReload, async (c) => c.json({ changed: [...(await reload()).changed] }, 200));
  return app;
}
