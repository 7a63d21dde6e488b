/**
 * The answers of predictive models, and what is said of them.
 *
 * @module
 */

import { gatewayError } from "../errors.ts";
import { judgeAnswer, type Cleared, type PipelineServices } from "../pipeline.ts";
import type { Reply } from "../reply.ts";
import { disclose, labelsOf, plain } from "./outputs.ts";
import type { PredictModel } from "./predictions.ts";
import type { Declared, RawTensor } from "./protocol.ts";
import type { Inference } from "./request.ts";
import { datatypeOf } from "./tensor.ts";

/** A prediction in a receipt. */
export interface PredictionRecord {
  readonly answers: "full" | "rounded" | "top" | "label";
  /** SHA-256 of the model's file. */
  readonly model: string;
  readonly rows: number;
}

/** A request that has been understood, and the model that it asks. */
export interface Prediction {
  readonly model: PredictModel;
  readonly inference: Inference;
}

/**
 * Runs the model, or says what is asked about it, and sends the answer.
 *
 * @throws the errors of `PredictThread.run`, `gateway.answer-blocked`
 */
export async function answerPrediction(cleared: Cleared, reply: Reply, services: PipelineServices): Promise<void> {
  const { exchange, parsed, prediction, principal, route } = cleared;
  const { operation } = route;
  const value =
    prediction === undefined
      ? about(operation.id, services, () => services.predictions.find(principal, parsed.model))
      : await infer(cleared, prediction, services);
  const bytes = Buffer.from(JSON.stringify(value), "utf8");
  const { spans, unscanned } = operation.parseResponse(value);
  const outgoing = await judgeAnswer(cleared, { value, bytes, spans }, unscanned, services);
  exchange.outcome = "served";
  await reply.whole(200, {}, outgoing);
}

async function infer(
  { admission, exchange, principal, route }: Cleared,
  { model, inference }: Prediction,
  services: PipelineServices,
): Promise<unknown> {
  const { config, info, thread } = model;
  const { coarsenDecimals } = services.config.extraction;
  const answers = admission.coarse ? "label" : config.answers;
  const decimals = admission.coarse ? Math.min(config.decimals, coarsenDecimals) : config.decimals;
  exchange.prediction = { answers, model: info.sha256, rows: inference.rows };
  const outputs = await thread.run(inference.inputs);
  // It may have been revoked while this one waited.
  const subject = { name: model.name, reference: config.release, sha256: info.sha256 };
  services.admitting.file(subject, principal, () => undefined);
  admission.answered(labelsOf(outputs, inference.rows));
  const said = inference.outputs.map((name) => {
    const output = outputs.find((one) => one.name === name);
    if (output === undefined) throw gatewayError("gateway.predict-failed", { detail: "an output is missing" });
    return disclose(output, answers, decimals);
  });
  if (route.operation.id === "predict.rows") return { predictions: rowsOf(said, inference.rows) };
  return {
    model_name: model.name,
    ...(inference.id === undefined ? {} : { id: inference.id }),
    outputs: said.map(({ name, type, shape, data }) => ({
      name,
      datatype: datatypeOf(type),
      shape,
      data: plain(data, type),
    })),
  };
}

/** For each row the values of the one output, or an object by output. */
function rowsOf(outputs: readonly RawTensor[], rows: number): readonly unknown[] {
  const columns = outputs.map(({ name, type, data }) => ({
    name,
    values: plain(data, type),
    size: data.length / rows,
  }));
  return Array.from({ length: rows }, (_, row) => {
    const of = columns.map(({ name, values, size }) => {
      const slice = values.slice(row * size, (row + 1) * size);
      return [name, slice.length === 1 ? slice[0] : slice] as const;
    });
    return of.length === 1 ? of[0]?.[1] : Object.fromEntries(of);
  });
}

function about(operation: string, services: PipelineServices, find: () => PredictModel): unknown {
  switch (operation) {
    case "predict.server":
      return { name: "holdfast", version: "1", extensions: [] };
    case "predict.live":
      return { live: true };
    case "predict.ready":
      return { ready: services.predictions.models.size > 0 };
    case "predict.model-ready":
      return { name: find().name, ready: true };
    default: {
      const { name, info } = find();
      return {
        name,
        versions: [],
        platform: "onnx_onnxv1",
        inputs: info.inputs.map(said),
        outputs: info.outputs.map(said),
      };
    }
  }
}

function said({ name, type, shape }: Declared): unknown {
  return { name, datatype: datatypeOf(type), shape };
}
