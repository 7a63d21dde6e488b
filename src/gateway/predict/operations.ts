/**
 * The routes of predictive models: the Open Inference Protocol over HTTP, and a shorter form for rows. They are served
 * here, so nothing of a request leaves; otherwise they are routes like all others, with keys, limits, guards and receipts.
 *
 * Source: Open Inference Protocol 2.0 (kserve/open-inference-protocol, `rest/http_json.md`); of the shorter form,
 * TensorFlow Serving, «Predict API», row format.
 *
 * @module
 */

import { readEverything, type Operation, type ParsedRequest, type Shape, type Unscanned } from "../wire/index.ts";
import { any, list, record, text } from "../wire/shape.ts";

type Local = Pick<Operation, "id" | "method" | "path" | "errors" | "shapes">;

const named = { name: text, parameters: any };
const tensors: Shape = list(record({ ...named, shape: any, datatype: text, data: any }));

const INFER: Local = {
  id: "predict.infer",
  method: "POST",
  path: "/v2/models/{model}/infer",
  errors: "open-inference",
  shapes: {
    request: record({ id: text, parameters: any, inputs: tensors, outputs: list(record(named)) }),
    response: record({ model_name: text, model_version: text, id: text, parameters: any, outputs: tensors }),
  },
};
const ROWS: Local = {
  id: "predict.rows",
  method: "POST",
  path: "/v1/models/{model}/predict",
  errors: "openai",
  shapes: { request: record({ instances: list(any) }), response: record({ predictions: list(any) }) },
};

const DESCRIPTION: Shape = record({
  name: text,
  version: text,
  versions: list(text),
  extensions: list(text),
  platform: text,
  inputs: any,
  outputs: any,
});

const ABOUT: readonly Local[] = (
  [
    ["predict.server", "/v2"],
    ["predict.live", "/v2/health/live"],
    ["predict.ready", "/v2/health/ready"],
    ["predict.model", "/v2/models/{model}"],
    ["predict.model-ready", "/v2/models/{model}/ready"],
  ] as const
).map(([id, path]) => ({ id, method: "GET", path, errors: "open-inference", shapes: { response: DESCRIPTION } }));

export const predictOperations: readonly Operation[] = [INFER, ROWS, ...ABOUT].map((local) => ({
  ...local,
  local: true,
  protocol: "openai",
  upstreamPath: local.path,
  queries: [""],
  parseRequest: parse,
  parseResponse(value) {
    const { spans, unscanned } = readEverything(value, "answer");
    return { spans, unscanned: unscanned.map(asVector), usage: undefined, model: undefined };
  },
}));

/** Every string of the body is text, whatever field it stands in; of the name in the path too. */
function parse(value: unknown, model = ""): ParsedRequest {
  const { spans, unscanned, chars } = readEverything(value, "request");
  const named = model === "" ? [] : [{ pointer: "/model", text: model, origin: "metadata" as const }];
  return {
    model,
    stream: false,
    spans: [...named, ...spans],
    unscanned: unscanned.map(asVector),
    media: [],
    messages: 1,
    maxTokens: undefined,
    inputChars: chars + model.length,
  };
}

/** Here a long list of numbers is no text in disguise. */
function asVector(part: Unscanned): Unscanned {
  return { ...part, kind: "vector", why: "numbers of a predictive model" };
}
