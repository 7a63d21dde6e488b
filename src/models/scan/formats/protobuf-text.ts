/**
 * Messages of protobuf as text: graphs of TensorFlow (`.pbtxt`), ONNX and Caffe, which their loaders take like the binary ones.
 * They are judged by what the same model would be judged by in binary: operators and places of data.
 *
 * Source: protobuf.dev/reference/protobuf/textformat-spec; onnx/serialization.py; caffe.proto (PythonParameter).
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format } from "../format.ts";
import { checkLocation, ONNX_TENSOR_RULES } from "./onnx-tensor.ts";
import { BRINGS_CODE } from "./references.ts";
import { judgeOperator, OPERATOR_RULES } from "./tensorflow-operators.ts";
import { readText, TEXT_RULES } from "./text.ts";

const RULES = {
  layer: {
    id: "caffe.python-layer",
    severity: "high",
    verdict: "suspicious",
    why: "a layer of it is a class of Python, which its loader imports by name",
    remedy: "read the code of that class before you load the model",
    references: [...BRINGS_CODE],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const protobufText: Format = {
  id: "protobuf-text",
  rules: [...Object.values(RULES), ...OPERATOR_RULES, ...ONNX_TENSOR_RULES, TEXT_RULES.tooLarge],
  sniff: (_source, name) => /\.(?:pbtxt|prototxt|textproto|onnxtxt|onnxtext)$/i.test(name),
  scan: (source, context) => {
    const text = readText(source, context);
    if (text === undefined || !context.spend("steps", text.length)) return;
    for (const match of text.matchAll(FIELD)) {
      const [, name = "", double, single] = match;
      const value = double ?? single ?? "";
      if (name === "op") judgeOperator(value, "", context, match.index);
      if (name === "python_param") context.report(RULES.layer, { offset: match.index });
    }
    for (const [, first, second] of text.matchAll(LOCATION)) checkLocation("", first ?? second ?? "", context);
  },
};

/** `op: "ReadFile"`, in either quotes; `python_param {`. */
const FIELD = /\b(op|python_param)\s{0,9}(?::\s{0,9}(?:"([^"\n]{0,256})"|'([^'\n]{0,256})')|:?\s{0,9}\{)/g;
const LOCATION =
  /\bkey\s{0,9}:\s{0,9}["']location["']\s{0,99}value\s{0,9}:\s{0,9}(?:"([^"\n]{0,4096})"|'([^'\n]{0,4096})')/g;
