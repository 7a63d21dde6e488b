/**
 * Tensors as the Open Inference Protocol has them, and their check against what a model declares: names, types, shapes,
 * ranges, and that every number is one.
 *
 * Source: Open Inference Protocol 2.0, «Inference Request JSON Object», «Tensor Data Types».
 *
 * @module
 */

import { gatewayError } from "../errors.ts";
import type { PredictModelConfig } from "./config.ts";
import type { Declared, RawTensor, TensorData } from "./protocol.ts";

/** A type's name in the protocol, its name in ONNX Runtime, and what its numbers may be. */
interface Datatype {
  readonly datatype: string;
  readonly type: string;
  /** Least and greatest of the integers. */
  readonly integers?: readonly [number, number];
  readonly make: (values: readonly (number | string | boolean)[]) => TensorData;
}

const whole = (bits: number, signed: boolean): readonly [number, number] =>
  signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
const numbers = (values: readonly unknown[]): readonly number[] => values as readonly number[];
/** Beyond it JSON's numbers are not exact, and what was meant cannot be known. */
const EXACT = Number.MAX_SAFE_INTEGER;

const DATATYPES: readonly Datatype[] = [
  { datatype: "FP32", type: "float32", make: (values) => Float32Array.from(numbers(values)) },
  { datatype: "FP64", type: "float64", make: (values) => Float64Array.from(numbers(values)) },
  { datatype: "INT8", type: "int8", integers: whole(8, true), make: (values) => Int8Array.from(numbers(values)) },
  { datatype: "UINT8", type: "uint8", integers: whole(8, false), make: (values) => Uint8Array.from(numbers(values)) },
  { datatype: "INT16", type: "int16", integers: whole(16, true), make: (values) => Int16Array.from(numbers(values)) },
  {
    datatype: "UINT16",
    type: "uint16",
    integers: whole(16, false),
    make: (values) => Uint16Array.from(numbers(values)),
  },
  { datatype: "INT32", type: "int32", integers: whole(32, true), make: (values) => Int32Array.from(numbers(values)) },
  {
    datatype: "UINT32",
    type: "uint32",
    integers: whole(32, false),
    make: (values) => Uint32Array.from(numbers(values)),
  },
  {
    datatype: "INT64",
    type: "int64",
    integers: [-EXACT, EXACT],
    make: (values) => BigInt64Array.from(numbers(values), BigInt),
  },
  {
    datatype: "UINT64",
    type: "uint64",
    integers: [0, EXACT],
    make: (values) => BigUint64Array.from(numbers(values), BigInt),
  },
  { datatype: "BOOL", type: "bool", make: (values) => Uint8Array.from(values, Number) },
  { datatype: "BYTES", type: "string", make: (values) => values as readonly string[] },
];

/** The protocol's name of a type. @throws `gateway.predict-model-invalid` for one that is not served */
export function datatypeOf(type: string): string {
  return known(type).datatype;
}

/** Elements of one tensor at most. */
const ELEMENTS = 4_194_304;

/**
 * Makes an input of what a client sent, or refuses it.
 *
 * @param data flat, or nested as the shape says
 * @param pointer where it stands in the request; names nothing of the client's own
 * @throws `gateway.predict-input`
 */
export function readTensor(
  declared: Declared,
  range: PredictModelConfig["inputs"][string] | undefined,
  shape: readonly number[],
  data: unknown,
  pointer: string,
): RawTensor {
  const { type, integers, make } = known(declared.type);
  checkShape(declared.shape, shape, pointer);
  const size = shape.reduce((product, one) => product * one, 1);
  if (size > ELEMENTS) throw invalid(pointer, `at most ${ELEMENTS} elements`);
  const values: (number | string | boolean)[] = [];
  flatten(data, values, size, pointer);
  if (values.length !== size) throw invalid(pointer, `${size} elements, as its shape says`);
  const columns = shape.at(-1) ?? 1;
  values.forEach((value, index) => {
    if (
      type === "string" ? typeof value !== "string" : type === "bool" ? typeof value !== "boolean" : !isNumber(value)
    ) {
      throw invalid(`${pointer}/${index}`, type === "string" || type === "bool" ? `a ${type}` : "a finite number");
    }
    if (typeof value !== "number") return;
    if (integers !== undefined && !(Number.isInteger(value) && value >= integers[0] && value <= integers[1])) {
      throw invalid(`${pointer}/${index}`, `a whole number from ${integers[0]} to ${integers[1]}`);
    }
    if (type === "float32" && !Number.isFinite(Math.fround(value))) {
      throw invalid(`${pointer}/${index}`, "a number that 32 bits can hold");
    }
    const [low, high] = [boundAt(range?.min, index % columns), boundAt(range?.max, index % columns)];
    if (value < (low ?? -Infinity) || value > (high ?? Infinity)) {
      throw invalid(`${pointer}/${index}`, `a number from ${low ?? "-∞"} to ${high ?? "∞"}`);
    }
  });
  return { name: declared.name, type: declared.type, shape, data: make(values) };
}

/** The bound of a column, if there is one. */
export function boundAt(bound: number | readonly number[] | undefined, column: number): number | undefined {
  return typeof bound === "object" ? (bound.length === 1 ? bound[0] : bound[column]) : bound;
}

/** @throws `gateway.predict-input` unless `shape` is one that the model takes */
function checkShape(declared: readonly number[], shape: readonly number[], pointer: string): void {
  const fits =
    shape.length === declared.length &&
    shape.every((size, at) => Number.isSafeInteger(size) && size > 0 && (declared[at] === -1 || declared[at] === size));
  if (!fits) throw invalid(pointer, `shape [${declared.join(", ")}], where -1 is any number from 1`);
}

/** Nested lists in row-major order; stops at the first element too many. */
function flatten(data: unknown, into: (number | string | boolean)[], most: number, pointer: string): void {
  if (!Array.isArray(data)) throw invalid(pointer, "a list");
  for (const one of data as readonly unknown[]) {
    if (Array.isArray(one)) flatten(one, into, most, pointer);
    else if (into.length >= most) throw invalid(pointer, `${most} elements, as its shape says`);
    else if (typeof one === "number" || typeof one === "string" || typeof one === "boolean") into.push(one);
    else throw invalid(`${pointer}/${into.length}`, "a number, a string or a boolean");
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value);
}

/** What is wrong with an input: where, and what was expected. */
export function invalid(pointer: string, expected: string): Error {
  return gatewayError("gateway.predict-input", { detail: `${pointer}: expected ${expected}` });
}

function known(type: string): Datatype {
  const found = DATATYPES.find((one) => one.type === type);
  if (found === undefined) throw gatewayError("gateway.predict-model-invalid", { detail: `tensors of ${type}` });
  return found;
}
