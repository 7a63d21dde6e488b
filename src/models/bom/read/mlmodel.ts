/**
 * Reads MLflow's `MLmodel`: flavours, run, and the signature of inputs and outputs.
 *
 * Source: MLflow documentation, "MLflow Models", storage format and model signature.
 *
 * @module
 */

import { parseJson } from "../../../core/index.ts";
import { isRecord } from "../../scan/formats/json-value.ts";
import type { Fact } from "../fact.ts";
import type { Port } from "../tensor.ts";
import { member, textOf } from "./record.ts";
import { parseYaml } from "./yaml.ts";

export interface MlmodelFacts {
  readonly facts: readonly Fact[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** @throws `models.metadata-invalid`, `models.metadata-limit`, and the errors of `parseJson` for the signature */
export function readMlmodel(text: string, path: string): MlmodelFacts {
  const values = parseYaml(text);
  const facts: Fact[] = [];
  const flavours = member(values, "flavors");
  for (const [name, flavour] of Object.entries(isRecord(flavours) ? flavours : {})) {
    // `python_function` is how MLflow calls any of the others.
    if (name === "python_function") continue;
    const version = Object.entries(isRecord(flavour) ? flavour : {}).find(([field]) => field.endsWith("_version"));
    const number = textOf(version?.[1]);
    facts.push(declared("library", number === undefined ? name : `${name} ${number}`, `${path} flavors`));
  }
  const mlflow = textOf(member(values, "mlflow_version"));
  if (mlflow !== undefined) facts.push(declared("producer", `mlflow ${mlflow}`, `${path} mlflow_version`));
  const run = textOf(member(values, "run_id"));
  if (run !== undefined) facts.push(declared("training", `MLflow run ${run}`, `${path} run_id`));

  const signature = member(values, "signature");
  return { facts, inputs: readPorts(member(signature, "inputs")), outputs: readPorts(member(signature, "outputs")) };
}

/** JSON in YAML: a list of columns or tensors. */
function readPorts(text: unknown): Port[] {
  if (typeof text !== "string") return [];
  const columns = parseJson(text);
  return (Array.isArray(columns) ? columns : []).map((column: unknown) => {
    const tensor = member(column, "tensor-spec");
    const shape = member(tensor, "shape");
    return {
      name: textOf(member(column, "name")) ?? "",
      dtype: textOf(member(tensor, "dtype")) ?? textOf(member(column, "type")) ?? "not stated",
      shape: Array.isArray(shape)
        ? shape.map((size) => (Number.isSafeInteger(size) && size >= 0 ? Number(size) : undefined))
        : [],
    };
  });
}

function declared(topic: Fact["topic"], value: string, where: string): Fact {
  return { topic, value, basis: "declared", where };
}
