/**
 * The `gateway.authorization` section of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

const sharedReference = z.strictObject({
  id: z.string().min(1).describe("an id, or a prefix followed by *"),
  apps: z.array(z.string().min(1)).min(1).describe("apps that may name it: exact names, or a prefix followed by *"),
});

export const authorizationConfig = z
  .strictObject({
    policies: z
      .string()
      .min(1)
      .optional()
      .describe(
        "folder of Cedar policies (*.cedar): what none of them permits is denied; left out: keys and apps decide by their models alone",
      ),
    shared: z
      .array(sharedReference)
      .max(1_000)
      .default([])
      .describe(
        "what upstreams keep and the gateway did not see being made: files, prompts, vector stores, conversations; ids that are neither here nor from an app's own answers are unknown",
      ),
  })
  .prefault({});

export type AuthorizationConfig = z.output<typeof authorizationConfig>;
