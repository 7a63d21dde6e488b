/**
 * `model.json`: what belongs to the weights and is no weight. The order of the heads, how a logit becomes a probability,
 * from which probability on a head counts as set, and between which logits the cheap stage is unsure.
 *
 * @module
 */

import { parseJson } from "../../core/index.ts";
import { modelError } from "./errors.ts";
import { HEADS, isHead, type Head } from "./heads.ts";

export interface ModelConfig {
  readonly version: string;
  /** Tokens of one sequence, with the two that mark its ends. */
  readonly maxTokens: number;
  /** The order of the columns in all weights. Every head of {@link HEADS} is there once. */
  readonly heads: readonly Head[];
  /** `p = sigmoid(a * logit + b)`. `a` is above 0. */
  readonly calibration: Readonly<Record<Head, readonly [a: number, b: number]>>;
  readonly thresholds: Readonly<Record<Head, number>>;
  readonly cheap: {
    /** Below this logit of the cheap stage the head is surely not set. */
    readonly clean: Readonly<Record<Head, number>>;
    /** Above this logit it surely is; infinite where the cheap stage may never say so alone. */
    readonly sure: Readonly<Record<Head, number>>;
  };
}

/** Reads `model.json`. @throws `guard.model-invalid` */
export function readConfig(bytes: Uint8Array): ModelConfig {
  const root = record(parse(bytes), "the document");
  const cheap = record(root["cheap"], "cheap");
  const heads = root["heads"];
  if (!Array.isArray(heads) || !heads.every(isHead)) throw invalid("heads");
  if (heads.length !== HEADS.length || new Set(heads).size !== HEADS.length) throw invalid("heads");
  const maxTokens = root["maxTokens"];
  if (typeof maxTokens !== "number" || !Number.isInteger(maxTokens) || maxTokens < 8) throw invalid("maxTokens");
  if (typeof root["version"] !== "string") throw invalid("version");
  return {
    version: root["version"],
    maxTokens,
    heads,
    calibration: perHead(root["calibration"], "calibration", pair),
    thresholds: perHead(root["thresholds"], "thresholds", probability),
    cheap: {
      clean: perHead(cheap["clean"], "cheap.clean", finite),
      sure: perHead(cheap["sure"], "cheap.sure", (value) =>
        value === null ? Number.POSITIVE_INFINITY : finite(value),
      ),
    },
  };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes);
  } catch (cause) {
    throw modelError("guard.model-invalid", { detail: "model.json", cause });
  }
}

function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(where);
  return value as Readonly<Record<string, unknown>>;
}

/** A table with an entry for every head. `read` answers undefined for what it cannot read. */
function perHead<T>(value: unknown, where: string, read: (value: unknown) => T | undefined): Record<Head, T> {
  const table = record(value, where);
  const entries = HEADS.map((head): [Head, T] => {
    const entry = Object.hasOwn(table, head) ? read(table[head]) : undefined;
    if (entry === undefined) throw invalid(`${where}.${head}`);
    return [head, entry];
  });
  return Object.fromEntries(entries) as Record<Head, T>;
}

function finite(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function probability(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= 1 ? value : undefined;
}

function pair(value: unknown): readonly [number, number] | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const a = finite(value[0]);
  const b = finite(value[1]);
  return a === undefined || b === undefined || a <= 0 ? undefined : [a, b];
}

function invalid(where: string): Error {
  return modelError("guard.model-invalid", { detail: `model.json: ${where}` });
}
