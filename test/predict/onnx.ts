/**
 * Small predictive models as ONNX files, written byte by byte: a perceptron of any number of layers, with softmax at its
 * end or without. No binary in the repository, no Python.
 */

import { bytes, FLOAT, integer, message, node, tensor, text, value } from "../guard-model/onnx.ts";

/** One layer: `outputs[j] = bias[j] + sum over i of inputs[i] * weights[i][j]`. */
export interface Layer {
  readonly weights: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/**
 * The perceptron `inputs [rows, n] -> scores [rows, m]`, with a rectifier between the layers.
 *
 * @param rows -1: any number
 */
export function perceptron(layers: readonly Layer[], end: "softmax" | "none" = "softmax", rows = -1): Uint8Array {
  const nodes: Uint8Array[] = [];
  const tensors: Uint8Array[] = [];
  let last = "inputs";
  layers.forEach(({ weights, bias }, index) => {
    const isLast = index === layers.length - 1;
    const out = isLast && end === "none" ? "scores" : `added${index}`;
    tensors.push(tensor(`w${index}`, FLOAT, [weights.length, bias.length], new Float32Array(weights.flat())));
    tensors.push(tensor(`b${index}`, FLOAT, [bias.length], new Float32Array(bias)));
    nodes.push(node("MatMul", [last, `w${index}`], `product${index}`));
    nodes.push(node("Add", [`product${index}`, `b${index}`], out));
    last = out;
    if (isLast) return;
    nodes.push(node("Relu", [out], `rectified${index}`));
    last = `rectified${index}`;
  });
  if (end === "softmax") nodes.push(node("Softmax", [last], "scores"));
  const first = rows === -1 ? "rows" : rows;
  const graph = message(
    ...nodes.map((one) => bytes(1, one)),
    text(2, "perceptron"),
    ...tensors.map((one) => bytes(5, one)),
    bytes(11, value("inputs", FLOAT, [first, layers[0]?.weights.length ?? 0])),
    bytes(12, value("scores", FLOAT, [first, layers.at(-1)?.bias.length ?? 0])),
  );
  return message(integer(1, 9), bytes(7, graph), bytes(8, message(text(1, ""), integer(2, 18))));
}
