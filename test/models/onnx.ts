/**
 * Writes ONNX models for tests.
 *
 * @module
 */

import { message, zeros } from "./writer.ts";

type Fields = readonly (readonly [number, number | bigint | string | Uint8Array])[];

/** A NodeProto. */
export function onnxNode(operator: string, domain = "", ...attributes: readonly Uint8Array[]): Uint8Array {
  const own = domain === "" ? [] : ([[7, domain]] as const);
  return message(
    [1, "x"],
    [2, "y"],
    [4, operator],
    ...attributes.map((bytes): readonly [number, Uint8Array] => [5, bytes]),
    ...own,
  );
}

/** A TensorProto of floats. */
export function onnxTensor(dims: readonly (number | bigint)[], ...rest: Fields): Uint8Array {
  return message(...dims.map((size) => [1, size] as const), [2, 1], [8, "weights"], ...rest);
}

/** External data: keys and values. */
export function onnxExternal(entries: readonly (readonly [string, string])[]): Fields {
  return [[14, 1], ...entries.map(([key, value]) => [13, message([1, key], [2, value])] as const)];
}

export function onnxGraph(nodes: readonly Uint8Array[], tensors: readonly Uint8Array[] = []): Uint8Array {
  return message(
    ...nodes.map((bytes) => [1, bytes] as const),
    [2, "graph"],
    ...tensors.map((bytes) => [5, bytes] as const),
  );
}

export function onnxModel(graph: Uint8Array, ...rest: Fields): Uint8Array {
  return message([1, 8], [2, "test"], [7, graph], [8, message([1, ""], [2, 17])], ...rest);
}

export function honestOnnx(): Uint8Array {
  return onnxModel(onnxGraph([onnxNode("Relu")], [onnxTensor([2, 2], [9, zeros(16)])]));
}
