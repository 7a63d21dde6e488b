/**
 * `/api/posture`: the posture, folded now from what was observed.
 *
 * @module
 */

import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { readPosture } from "../../govern/index.ts";
import type { Services } from "../services.ts";
import type { AdminEnv } from "./access.ts";
import type { AdminAppOptions } from "./app.ts";
import { problem, refuseInvalid } from "./problem.ts";

const status = z.enum(["holds", "fails", "stale", "no evidence"]);

const observation = z.object({
  proof: z.string(),
  control: z.string(),
  observedAt: z.int().describe("milliseconds since the epoch"),
  outcome: z.enum(["holds", "fails", "unknown"]),
  observed: z.string(),
  expected: z.string(),
  scope: z.string().describe("what was looked at and what was not"),
  ledgerIndex: z.int().optional().describe("where its evidence stands in the ledger, once it is there"),
});

const posture = z
  .object({
    edition: z.string().describe("edition of the catalogue of controls"),
    at: z.int().describe("milliseconds since the epoch"),
    counts: z.object({ holds: z.int(), fails: z.int(), stale: z.int(), "no evidence": z.int() }),
    stages: z.array(z.object({ id: z.string(), title: z.string() })),
    controls: z.array(
      z.object({
        control: z.object({ id: z.string(), title: z.string(), stage: z.string(), question: z.string() }),
        status,
        proofs: z.array(z.object({ id: z.string(), question: z.string(), status, latest: observation.optional() })),
      }),
    ),
  })
  .openapi("Posture");

const getPosture = createRoute({
  method: "get",
  path: "/",
  summary: "Which controls hold now, and how that is known",
  responses: {
    200: { description: "the posture", content: { "application/json": { schema: posture } } },
    ...problem(401, 403, 421),
  },
});

const checkPosture = createRoute({
  method: "post",
  path: "/check",
  summary: "Ask the proofs now, record what they observe, and answer with the posture",
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.strictObject({ control: z.string().max(8).optional().describe("only the proofs of this control") }),
        },
      },
    },
  },
  responses: {
    200: { description: "the posture", content: { "application/json": { schema: posture } } },
    ...problem(400, 401, 403, 404, 413, 415, 421),
  },
});

export function postureRoutes({ services, drain }: AdminAppOptions): OpenAPIHono<AdminEnv> {
  const app = new OpenAPIHono<AdminEnv>({ defaultHook: refuseInvalid });
  app.openapi(getPosture, async (c) => c.json(await current(services), 200));
  app.openapi(checkPosture, async (c) => {
    const { control } = c.req.valid("json");
    await services.check(control === undefined ? {} : { control });
    await drain();
    return c.json(await current(services), 200);
  });
  return app;
}

/** Exactly what the contract names: the schema drops the rest. */
async function current(services: Services): Promise<z.output<typeof posture>> {
  const { catalog, posture: now } = await readPosture(services);
  return posture.parse({ edition: catalog.edition, stages: catalog.stages, ...now });
}
