/**
 * The questions that the trained model answers, one number for each: its heads.
 *
 * @module
 */

/** In the order that people read them in; the order inside the weights is the weights' own (`model.json`). */
export const HEADS = [
  "injection",
  "indirect",
  "hate",
  "harassment",
  "violence",
  "self-harm",
  "sexual",
  "sexual-minors",
  "illicit",
] as const;

/**
 * `injection`: the text tries to make a model break its instructions, whoever wrote it. `indirect`: the text holds an
 * instruction to a model at all, which matters where nobody may instruct. The others: what moderation looks for.
 */
export type Head = (typeof HEADS)[number];

/** The calibrated probability of every head, from 0 to 1. */
export type HeadScores = Readonly<Record<Head, number>>;

export function isHead(value: unknown): value is Head {
  return (HEADS as readonly unknown[]).includes(value);
}

/** Some heads' numbers: thresholds that override the model's, or those heads that a cheap look settles. */
export type SomeHeads = Readonly<Partial<Record<Head, number>>>;

/** From a logit to a probability. */
export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
