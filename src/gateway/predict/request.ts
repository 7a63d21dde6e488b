/**
 * What a request asks of a predictive model, checked against what the model declares. Names that are not known are
 * refused: what a client believes to say, and what is read, must be the same.
 *
 * @module
 */

import type { PredictModelConfig } from "./config.ts";
import type { Declared, ModelInfo, RawTensor } from "./protocol.ts";
import { datatypeOf, invalid, readTensor } from "./tensor.ts";

export interface Inference {
  /** In the order in which the model declares them. */
  readonly inputs: readonly RawTensor[];
  /** Names of the outputs that are asked for. */
  readonly outputs: readonly string[];
  /** The client's own id, to be said again. */
  readonly id: string | undefined;
  readonly rows: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Longest id of a client. */
const ID_CHARS = 128;

/** A request of the Open Inference Protocol. @throws `gateway.predict-input` */
export function readInfer(value: unknown, info: ModelInfo, config: PredictModelConfig): Inference {
  const body = fieldsOf(value, "", ["id", "parameters", "inputs", "outputs"]);
  requireNoParameters(body["parameters"], "/parameters");
  const { id } = body;
  if (id !== undefined && (typeof id !== "string" || id.length > ID_CHARS)) {
    throw invalid("/id", `a string of at most ${ID_CHARS} characters`);
  }
  const given = body["inputs"];
  if (!Array.isArray(given)) throw invalid("/inputs", "a list");
  const read = new Map<string, RawTensor>();
  given.forEach((one: unknown, index) => {
    const pointer = `/inputs/${index}`;
    const input = fieldsOf(one, pointer, ["name", "shape", "datatype", "parameters", "data"]);
    requireNoParameters(input["parameters"], `${pointer}/parameters`);
    const declared = info.inputs.find(({ name }) => name === input["name"]);
    if (declared === undefined) throw invalid(`${pointer}/name`, `one of ${namesOf(info.inputs)}`);
    if (read.has(declared.name)) throw invalid(`${pointer}/name`, "each input once");
    const datatype = datatypeOf(declared.type);
    if (input["datatype"] !== datatype) throw invalid(`${pointer}/datatype`, datatype);
    const shape = input["shape"];
    if (!isShape(shape)) throw invalid(`${pointer}/shape`, "a list of numbers");
    // Before any of them is looked at: a body may hold a million.
    if (declared.shape[0] === -1) checkRows(shape[0] ?? 0, config);
    read.set(
      declared.name,
      readTensor(declared, config.inputs[declared.name], shape, input["data"], `${pointer}/data`),
    );
  });
  return whole([...read.values()], askedOutputs(body["outputs"], info), id, info);
}

/** A request of rows: `{"instances": [[…], […]]}`, or objects by input where a model has several. @throws `gateway.predict-input` */
export function readRows(value: unknown, info: ModelInfo, config: PredictModelConfig): Inference {
  const { instances } = fieldsOf(value, "", ["instances"]);
  if (!Array.isArray(instances) || instances.length === 0) throw invalid("/instances", "a list of rows");
  const rows = instances as readonly unknown[];
  checkRows(rows.length, config);
  const isNamed = rows[0] !== null && typeof rows[0] === "object" && !Array.isArray(rows[0]);
  const names = info.inputs.map(({ name }) => name);
  if (!isNamed && names.length !== 1) throw invalid("/instances/0", `an object with ${namesOf(info.inputs)}`);
  const inputs = info.inputs.map((declared) => {
    const column = rows.map((row, index) => {
      if (!isNamed) return row;
      const fields = fieldsOf(row, `/instances/${index}`, names);
      if (!Object.hasOwn(fields, declared.name)) {
        throw invalid(`/instances/${index}`, `an object with ${namesOf(info.inputs)}`);
      }
      return fields[declared.name];
    });
    // A value of its own stands for a row of one.
    const data = column.map((one) => (Array.isArray(one) ? one : [one]));
    const shape = shapeOfRows(declared, data);
    return readTensor(declared, config.inputs[declared.name], shape, data, "/instances");
  });
  return whole(inputs, namesIn(info.outputs), undefined, info);
}

/** @throws `gateway.predict-input` where inputs are missing, or disagree on their rows */
function whole(
  read: readonly RawTensor[],
  outputs: readonly string[],
  id: string | undefined,
  info: ModelInfo,
): Inference {
  const inputs = info.inputs.map(({ name }) => {
    const input = read.find((one) => one.name === name);
    if (input === undefined) throw invalid("/inputs", `all of ${namesOf(info.inputs)}`);
    return input;
  });
  const counts = inputs.flatMap(({ shape }, index) =>
    info.inputs[index]?.shape[0] === -1 ? [shape[0] as number] : [],
  );
  const rows = counts[0] ?? 1;
  if (counts.some((count) => count !== rows)) throw invalid("/inputs", "as many rows in each input");
  return { inputs, outputs, id, rows };
}

function checkRows(rows: number, config: PredictModelConfig): void {
  if (rows > config.rows) throw invalid("/inputs", `at most ${config.rows} rows (rows)`);
}

function askedOutputs(value: unknown, info: ModelInfo): readonly string[] {
  if (value === undefined) return namesIn(info.outputs);
  if (!Array.isArray(value) || value.length === 0) throw invalid("/outputs", "a list");
  const names = value.map((one: unknown, index) => {
    const pointer = `/outputs/${index}`;
    const output = fieldsOf(one, pointer, ["name", "parameters"]);
    requireNoParameters(output["parameters"], `${pointer}/parameters`);
    const declared = info.outputs.find(({ name }) => name === output["name"]);
    if (declared === undefined) throw invalid(`${pointer}/name`, `one of ${namesOf(info.outputs)}`);
    return declared.name;
  });
  return [...new Set(names)];
}

/** The shape of rows: how many there are, and what the model declares of each, its free dimensions as the first row has them. */
function shapeOfRows({ shape }: Declared, rows: readonly (readonly unknown[])[]): readonly number[] {
  let inner: unknown = rows[0];
  const sizes = [rows.length];
  while (Array.isArray(inner)) {
    sizes.push(inner.length);
    inner = inner[0];
  }
  // Of a model that takes one value to a row, [x] and x are the same.
  return shape.length === sizes.length - 1 && sizes.at(-1) === 1 ? sizes.slice(0, -1) : sizes;
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= 16 && value.every((one) => typeof one === "number");
}

/** Parameters would change what is asked for, and none is known. */
function requireNoParameters(value: unknown, pointer: string): void {
  if (value === undefined || (isFields(value) && Object.keys(value).length === 0)) return;
  throw invalid(pointer, "no parameters");
}

/** @throws `gateway.predict-input` for what is no object, or has a field beyond the known ones, whose name is not said again */
function fieldsOf(value: unknown, pointer: string, names: readonly string[]): Fields {
  if (!isFields(value)) throw invalid(pointer === "" ? "the body" : pointer, "an object");
  if (!Object.keys(value).every((name) => names.includes(name))) {
    throw invalid(pointer === "" ? "the body" : pointer, `no other fields than ${names.join(", ")}`);
  }
  return value;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function namesIn(declared: readonly Declared[]): readonly string[] {
  return declared.map(({ name }) => name);
}

function namesOf(declared: readonly Declared[]): string {
  return namesIn(declared).join(", ");
}
