/**
 * The `models.seal` section of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

export const sealConfig = z
  .strictObject({
    sets: z
      .array(z.string().min(1).max(4_096))
      .max(1_000)
      .default([])
      .describe(
        "folders that `holdfast seal` made and that hold models and data sets at rest, from the working folder; the control M6 is about them",
      ),
  })
  .prefault({});

export type SealConfig = z.output<typeof sealConfig>;
