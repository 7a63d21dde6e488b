/**
 * The `gateway.extraction` section of `holdfast.yaml`: what a request may ask of a model's inner numbers, and how the
 * answer to one who asks very much grows harder.
 *
 * @module
 */

import { z } from "zod";

const count = z.int().min(1).max(1_000_000_000);

const capsConfig = z
  .strictObject({
    logprobs: z.boolean().default(true).describe("requests may ask for log probabilities"),
    topLogprobs: z.int().min(0).max(20).default(5).describe("most alternatives of each token that they may ask for"),
    logitBias: z
      .enum(["refuse", "negative", "any"])
      .default("negative")
      .describe(
        "bias on tokens: none; only downwards, since upwards brings out tokens that an answer would never show; or any. Never together with log probabilities",
      ),
    biasedTokens: z.int().min(1).max(1_000_000).default(300).describe("most tokens that a request may bias"),
    answers: z.int().min(1).max(1_000).default(8).describe("most answers to one request (n, candidateCount)"),
    embeddingDecimals: z
      .int()
      .min(0)
      .max(15)
      .optional()
      .describe("decimals that embeddings are rounded to, in base64 too; left out: as the upstream gives them"),
  })
  .prefault({})
  .describe("what a request may ask for beyond its answer");

const threshold = z.union([count, z.literal("off")]);

interface StageThresholds {
  readonly observe: number | "off";
  readonly slow: number | "off";
  readonly coarsen: number | "off";
  readonly refuse: number | "off";
}

const stagesConfig = ({ observe, slow, coarsen, refuse }: StageThresholds, of: string) =>
  z
    .strictObject({
      observe: threshold.default(observe).describe("a finding in the receipt, and a metric; off: never"),
      slow: threshold.default(slow).describe("and no more answers a minute than slowPerMinute"),
      coarsen: threshold
        .default(coarsen)
        .describe("and answers that say less: labels, few decimals, no log probabilities"),
      refuse: threshold.default(refuse).describe("and none at all"),
    })
    .refine((stages) => {
      const named = [stages.observe, stages.slow, stages.coarsen, stages.refuse].filter((one) => one !== "off");
      return named.every((one, index) => index === 0 || one >= (named[index - 1] as number));
    }, "in this order: observe, slow, coarsen, refuse, none lower than the one before")
    .prefault({})
    .describe(`different ${of} within the window from which each answer begins`);

export const extractionConfig = z
  .strictObject({
    caps: capsConfig,
    text: stagesConfig({ observe: 100_000, slow: "off", coarsen: "off", refuse: "off" }, "requests for text"),
    embeddings: stagesConfig({ observe: 200_000, slow: "off", coarsen: "off", refuse: "off" }, "texts to embed"),
    predictions: stagesConfig(
      { observe: 500, slow: 2_000, coarsen: 5_000, refuse: 20_000 },
      "inputs of one predictive model",
    ),
    windowDays: z.int().min(1).max(90).default(7).describe("days after which what was asked begins to be forgotten"),
    appFactor: z
      .number()
      .min(1)
      .max(1_000_000)
      .default(5)
      .describe("an app's keys and users together may ask for so many times as much as one of them"),
    alarmWeight: z
      .number()
      .min(1)
      .max(1_000)
      .default(4)
      .describe("while an alarm is on, what was asked counts so many times: stages come earlier by that factor"),
    slowPerMinute: z.int().min(1).max(1_000_000).default(30).describe("answers a minute while slowed"),
    slowWaitMs: z
      .int()
      .min(0)
      .max(600_000)
      .default(10_000)
      .describe("the longest that a slowed request waits for its turn before it is refused with retry-after"),
    coarsenDecimals: z.int().min(0).max(15).default(1).describe("decimals of coarsened numbers"),
    alarms: z
      .strictObject({
        novelty: z
          .number()
          .gt(0)
          .max(1)
          .default(0.9)
          .describe("share of what is asked that covers new ground, over the last 256 queries, from which it is odd"),
        normality: z
          .number()
          .min(0)
          .max(1)
          .default(0.85)
          .describe("Shapiro-Wilk W of the distances between inputs below which they are made, not met (PRADA)"),
        perMinute: count.default(120).describe("queries a minute that are ordinary for one key"),
        volume: z
          .number()
          .gt(0)
          .max(1_000_000)
          .default(10)
          .describe("minutes' worth of queries beyond one and a half times the ordinary from which it is too much"),
      })
      .prefault({})
      .describe("signs that queries were made up to copy a model"),
  })
  .prefault({})
  .describe("against copying a model by asking it");

export type ExtractionConfig = z.output<typeof extractionConfig>;
