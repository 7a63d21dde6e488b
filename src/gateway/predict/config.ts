/**
 * The `gateway.predict` section of `holdfast.yaml`: predictive models that the gateway serves itself, from disk.
 *
 * @module
 */

import { z } from "zod";

const bound = z.union([z.number(), z.array(z.number()).min(1).max(65_536)]);

const inputConfig = z
  .strictObject({
    min: bound.optional().describe("least value: one for all, or one for each column"),
    max: bound.optional().describe("greatest value: one for all, or one for each column"),
  })
  .refine(
    ({ min, max }) =>
      [min ?? []].flat().every((low, index, all) => {
        const high = [max ?? []].flat();
        const other = all.length === 1 || high.length <= 1 ? high : high.slice(index, index + 1);
        return other.every((one) => low <= one);
      }),
    "min is not above max",
  );

/** A release in the registry: by an alias, or by its whole digest. */
export const RELEASE_REFERENCE = /^[a-z0-9][a-z0-9._/-]{0,200}@(?:[a-z][a-z0-9-]{0,30}|sha256:[0-9a-f]{64})$/;

const modelConfig = z.strictObject({
  file: z.string().min(1).describe("the ONNX file, from the working folder"),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits")
    .optional()
    .describe("digest of the file: another one is not served; left out: whatever lies there at the start"),
  release: z
    .string()
    .regex(RELEASE_REFERENCE, "name@alias or name@sha256:<64 digits>")
    .optional()
    .describe("for admission: the release that the file must be of; left out: any approved one that has this file"),
  apps: z
    .array(z.string().min(1))
    .min(1)
    .default(["*"])
    .describe("apps whose keys may use it: exact names, or a prefix followed by *"),
  inputs: z
    .record(z.string().min(1), inputConfig)
    .default({})
    .describe("ranges of its inputs, by their names in the model; types and shapes are those of the model"),
  answers: z
    .enum(["full", "rounded", "top", "label"])
    .default("rounded")
    .describe(
      "what answers say: all numbers; rounded ones; of each row's scores only the highest, rounded; or 1 for the highest and 0 for the rest",
    ),
  decimals: z.int().min(0).max(15).default(2).describe("decimals of rounded numbers"),
  rows: z.int().min(1).max(65_536).default(256).describe("most inputs of one request"),
  queue: z.int().min(0).max(65_536).default(64).describe("requests that wait while one is worked on"),
  timeoutMs: z.int().min(1).max(600_000).default(5_000).describe("for one request, its wait included"),
  threads: z.int().min(1).max(256).default(1).describe("processor threads that one run may use"),
});

export const predictConfig = z
  .strictObject({
    models: z
      .record(
        z
          .string()
          .regex(/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/, "letters, digits, _ and -, and dots inside")
          .max(128),
        modelConfig,
      )
      .default({})
      .describe("models by the name in their path"),
  })
  .prefault({})
  .describe("predictive models (ONNX) that the gateway serves itself, under /v1/models/{name}/predict and /v2");

export type PredictConfig = z.output<typeof predictConfig>;
export type PredictModelConfig = z.output<typeof modelConfig>;
