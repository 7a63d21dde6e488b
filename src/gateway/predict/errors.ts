/**
 * What can go wrong with predictive models.
 *
 * @module
 */

import { Exit, type ErrorTable } from "../../core/index.ts";

export const PredictErrors = {
  "gateway.predict-input": {
    what: "the inputs are not those of the model",
    hint: "compare them with GET /v2/models/{name}, which says their names, types and shapes",
    status: 400,
  },
  "gateway.predict-busy": {
    what: "the model has as many requests waiting as it may have",
    hint: "wait as long as retry-after says, or raise the model's queue in holdfast.yaml",
    status: 503,
  },
  "gateway.predict-timeout": {
    what: "the model took too long",
    hint: "send fewer rows, or raise the model's timeoutMs in holdfast.yaml",
    status: 504,
  },
  "gateway.predict-failed": {
    what: "the model failed on the inputs",
    hint: "check that the inputs make sense together; the operator can try the model file by itself",
    status: 500,
  },
  "gateway.predict-model-invalid": {
    what: "the file of a predictive model cannot be served",
    hint: "check the file, its sha256 and its inputs under gateway.predict in holdfast.yaml",
    exit: Exit.usage,
  },
  "gateway.predict-runtime-missing": {
    what: "the runtime of predictive models is not installed",
    hint: "install it beside holdfast: npm install onnxruntime-node",
    exit: Exit.usage,
  },
} as const satisfies ErrorTable;
