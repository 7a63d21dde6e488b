/**
 * The predictive models that a gateway serves itself: opened with its configuration, each in a thread of its own.
 *
 * @module
 */

import { stat } from "node:fs/promises";

import { gatewayError } from "../errors.ts";
import { covers, type Principal } from "../identity/principal.ts";
import { vectorQuery, type Query } from "../theft/features.ts";
import type { PredictConfig, PredictModelConfig } from "./config.ts";
import type { ModelInfo, RawTensor } from "./protocol.ts";
import { readInfer, readRows, type Inference } from "./request.ts";
import { boundAt, datatypeOf } from "./tensor.ts";
import { openPredictThread, type PredictThread } from "./thread.ts";

/** One model, loaded. */
export interface PredictModel {
  readonly name: string;
  readonly config: PredictModelConfig;
  readonly info: ModelInfo;
  readonly thread: PredictThread;
}

export interface Predictions {
  readonly models: ReadonlyMap<string, PredictModel>;
  /**
   * The model of a name, where a principal may use it.
   *
   * @throws `gateway.model-forbidden`, `gateway.model-unknown`
   */
  find(principal: Principal, name: string): PredictModel;
  /** Ends the threads of all models but of those that `stay`. */
  close(stay: ReadonlySet<PredictThread>): Promise<void>;
}

/**
 * Loads the models of the configuration. The thread of a model among `kept` that would be made alike, of a file that did
 * not change, is taken over.
 *
 * @throws `gateway.predict-model-invalid`, `gateway.predict-runtime-missing`
 */
export async function openPredictions(config: PredictConfig, kept: Iterable<PredictModel> = []): Promise<Predictions> {
  const models = new Map<string, PredictModel>();
  const threads = [...kept].map(({ thread }) => thread);
  const close: Predictions["close"] = async (stay) => {
    const ending = [...models.values()].filter(({ thread }) => !stay.has(thread));
    await Promise.all(ending.map(({ thread }) => thread.close()));
  };
  try {
    for (const [name, model] of Object.entries(config.models)) {
      const thread = await threadFor(model, threads);
      const { info } = thread;
      models.set(name, { name, config: model, info, thread });
      checkModel(name, model, info);
    }
  } catch (error) {
    await close(new Set(threads));
    throw error;
  }
  return {
    models,
    close,
    find(principal, name) {
      if (!covers(principal.models, name)) throw gatewayError("gateway.model-forbidden");
      const model = models.get(name);
      if (model === undefined) throw gatewayError("gateway.model-unknown");
      if (!covers(model.config.apps, principal.app)) throw gatewayError("gateway.model-forbidden");
      return model;
    },
  };
}

/** What each thread was made from. */
const recipes = new WeakMap<PredictThread, string>();

async function threadFor(model: PredictModelConfig, kept: readonly PredictThread[]): Promise<PredictThread> {
  const { file, sha256, threads, queue, timeoutMs } = model;
  const options = { file, sha256, threads, queue, timeoutMs };
  const recipe = JSON.stringify([options, await stampOf(file)]);
  const same = kept.find((one) => recipes.get(one) === recipe);
  if (same !== undefined) return same;
  const thread = await openPredictThread(options);
  recipes.set(thread, recipe);
  return thread;
}

/** Tells a file from the one that lay there before. What cannot be read is told by who loads it. */
async function stampOf(file: string): Promise<readonly number[]> {
  try {
    const { ino, mtimeMs, size } = await stat(file);
    return [ino, mtimeMs, size];
  } catch {
    return [];
  }
}

/** What a request on `predict.infer` or `predict.rows` asks. @throws `gateway.predict-input` */
export function readInference(operation: string, { info, config }: PredictModel, value: unknown): Inference {
  return operation === "predict.rows" ? readRows(value, info, config) : readInfer(value, info, config);
}

/**
 * The rows of an inference, as the watch over extraction sees them: their numbers, each scaled by its range, or pressed
 * together where it has none.
 */
export function queriesOf({ inputs, rows }: Inference, { config }: PredictModel, secret: string): readonly Query[] {
  return Array.from({ length: rows }, (_, row) => {
    const numbers: number[] = [];
    for (const input of inputs) addRow(input, config.inputs[input.name], row, rows, numbers);
    return vectorQuery(secret, numbers);
  });
}

function addRow(
  { data, shape }: RawTensor,
  range: PredictModelConfig["inputs"][string] | undefined,
  row: number,
  rows: number,
  into: number[],
): void {
  // An input that all rows share belongs to each.
  const isShared = shape[0] !== rows;
  const size = isShared ? data.length : data.length / rows;
  const columns = shape.at(-1) ?? 1;
  for (let index = 0; index < size; index++) {
    const value = data[(isShared ? 0 : row * size) + index] as number | bigint | string;
    // A text has no place among numbers; that it differs is all that counts.
    const x = typeof value === "string" ? value.length + ((value.charCodeAt(0) || 0) % 97) / 97 : Number(value);
    const [low, high] = [boundAt(range?.min, index % columns), boundAt(range?.max, index % columns)];
    into.push(
      low !== undefined && high !== undefined && high > low
        ? (x - low) / (high - low)
        : 0.5 + x / (2 + 2 * Math.abs(x)),
    );
  }
}

/** @throws `gateway.predict-model-invalid` for a model that cannot be served, or ranges of inputs that it does not have */
function checkModel(name: string, config: PredictModelConfig, info: ModelInfo): void {
  for (const { type } of [...info.inputs, ...info.outputs]) datatypeOf(type);
  for (const [input, { min, max }] of Object.entries(config.inputs)) {
    const declared = info.inputs.find((one) => one.name === input);
    if (declared === undefined) {
      throw gatewayError("gateway.predict-model-invalid", { detail: `${name}: it has no input ${input}` });
    }
    const columns = declared.shape.at(-1) ?? 1;
    for (const bound of [min, max]) {
      if (Array.isArray(bound) && bound.length > 1 && columns !== -1 && bound.length !== columns) {
        throw gatewayError("gateway.predict-model-invalid", {
          detail: `${name}: input ${input} has ${columns} columns, not ${bound.length}`,
        });
      }
    }
  }
}
