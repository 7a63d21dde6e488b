/**
 * What is known of a model, one fact after another, each with how it is known: measured from the bytes, or declared by a
 * file. A fact that nobody states is not there; nothing is inferred.
 *
 * @module
 */

/** What a fact is about. */
export type Topic =
  | "architecture"
  | "family"
  | "task"
  | "library"
  | "producer"
  | "language"
  | "data set"
  | "base model"
  | "licence"
  | "licence name"
  | "licence link"
  | "quantisation"
  | "adapter"
  | "tokenizer"
  | "training"
  | "tag"
  | "intended use"
  | "limitation"
  | "risk"
  | "emissions";

/** Measured: read off the tensors or the graph. Declared: what a file says of the model, true or not. */
type Basis = "measured" | "declared";

export interface Fact {
  readonly topic: Topic;
  /** Foreign text, as it stands in the file. */
  readonly value: string;
  readonly basis: Basis;
  /** The file, and where in it: `config.json architectures`. */
  readonly where: string;
}

/** A result that a file states of the model. */
export interface Metric {
  readonly name: string;
  readonly value: string;
  readonly dataset: string | undefined;
  readonly task: string | undefined;
  readonly where: string;
}

/** The facts about one topic, in their order. */
export function about(facts: readonly Fact[], topic: Topic): readonly Fact[] {
  return facts.filter((fact) => fact.topic === topic);
}

/** The values about one topic, each once. */
export function valuesOf(facts: readonly Fact[], topic: Topic): readonly string[] {
  return [...new Set(about(facts, topic).map(({ value }) => value))];
}
