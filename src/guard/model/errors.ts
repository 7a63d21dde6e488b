/**
 * Error codes of the trained classifiers. Whatever of this a detector throws, the guard treats as a failed detector: it
 * blocks unless its settings say otherwise.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../../core/index.ts";

export const ModelErrors = {
  "guard.model-missing": {
    what: "the trained model of the guard is not there",
    hint: "name the folder that holds manifest.json, model.json, cheap.bin, tokenizer.json and model.onnx",
    exit: Exit.usage,
  },
  "guard.model-untrusted": {
    what: "the trained model of the guard is not the one that was signed",
    hint: "install the package again; if you trained the weights yourself, sign them with a key that you pin",
  },
  "guard.model-invalid": {
    what: "the trained model of the guard is not in the form that this version reads",
    hint: "use weights that were made for this version of holdfast",
  },
  "guard.model-runtime-missing": {
    what: "the runtime of the trained model could not be loaded",
    hint: "npm install onnxruntime-node",
  },
  "guard.model-busy": {
    what: "more texts wait for the trained model than the limit",
    hint: "try again later, send less at once, or raise the limit",
    status: 503,
  },
  "guard.model-timeout": {
    what: "the trained model did not answer in time",
    hint: "try again later, give the process more CPU, or raise the limit",
    status: 503,
  },
  "guard.model-crashed": {
    what: "the thread of the trained model ended",
    hint: "try again; if it ends again, check that the process has enough memory",
    status: 503,
  },
  "guard.model-closed": {
    what: "the classifier was closed",
    hint: "open another one, or close it only when nothing is read any more",
  },
  "guard.model-overload": {
    what: "one text needs more of the trained model than the limit",
    hint: "send the text in parts",
    status: 413,
  },
} as const satisfies ErrorTable;

export type ModelErrorCode = keyof typeof ModelErrors;

export const modelError = defineErrors(ModelErrors);
