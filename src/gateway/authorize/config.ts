/**
 * The `gateway.authorization` section of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

export const authorizationConfig = z
  .strictObject({
    policies: z
      .string()
      .min(1)
      .optional()
      .describe(
        "folder of Cedar policies (*.cedar): what none of them permits is denied; left out: keys and apps decide by their models alone",
      ),
  })
  .prefault({});

export type AuthorizationConfig = z.output<typeof authorizationConfig>;
