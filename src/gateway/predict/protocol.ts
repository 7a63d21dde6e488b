/**
 * What the gateway and the thread of a predictive model say to each other.
 *
 * @module
 */

import type { Gate } from "../../core/index.ts";

/** Numbers and texts of a tensor, in row-major order. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | readonly string[];

/** A tensor with the type's name in ONNX Runtime: `float32`, `int64`, `string`. */
export interface RawTensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** An input or output as the model file declares it; -1 is a dimension that is free. */
export interface Declared {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
}

export interface ModelInfo {
  readonly sha256: string;
  readonly inputs: readonly Declared[];
  readonly outputs: readonly Declared[];
}

/** What the thread is started with. */
export interface ThreadData {
  readonly file: string;
  readonly sha256: string | undefined;
  readonly threads: number;
  readonly gate: Gate;
}

export interface Question {
  readonly call: number;
  readonly inputs: readonly RawTensor[];
}

export type FaultCode =
  | "gateway.predict-model-invalid"
  | "gateway.predict-runtime-missing"
  | "gateway.predict-failed"
  | "gateway.stopping";

/** An error, as it crosses from one thread to the other. */
export interface Fault {
  readonly code: FaultCode;
  /** A fixed sentence, or what the runtime says of the file; never anything of an input. */
  readonly detail?: string;
}

export type Answer =
  | { readonly ready: ModelInfo }
  | { readonly broken: Fault }
  | { readonly call: number; readonly outputs: readonly RawTensor[] }
  | { readonly call: number; readonly fault: Fault };
