/**
 * Writes graphs of TensorFlow for tests.
 *
 * @module
 */

import { message } from "./writer.ts";

/** A NodeDef; `output` is its attribute `output_stream`. */
export function tfNode(operator: string, output?: string): Uint8Array {
  const attribute = message([1, "output_stream"], [2, message([2, output ?? ""])]);
  return message([1, "node"], [2, operator], ...(output === undefined ? [] : ([[5, attribute]] as const)));
}

/** A GraphDef of nodes, and of one function with `inner` nodes. */
export function tfGraph(nodes: readonly Uint8Array[], inner: readonly Uint8Array[] = []): Uint8Array {
  const body = message([1, message([1, "function"])], ...inner.map((node) => [3, node] as const));
  const library: readonly (readonly [number, Uint8Array])[] = inner.length === 0 ? [] : [[2, message([1, body])]];
  return message(...nodes.map((node) => [1, node] as const), ...library);
}

/** A SavedModel of one MetaGraph, with more fields of it. */
export function savedModel(graph: Uint8Array, ...rest: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  return message([1, 1], [2, message([1, message([4, "serve"])], [2, graph], ...rest)]);
}
