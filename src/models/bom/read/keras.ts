/**
 * Reads the two JSON files of a `.keras` archive. Its weights are HDF5, which is not read here: of them only size and
 * digest are known.
 *
 * Source: Keras, `saving/saving_lib.py`.
 *
 * @module
 */

import { readZip, type ZipMember } from "../../scan/formats/zip/archive.ts";
import { openMember } from "../../scan/formats/zip/member.ts";
import type { Source } from "../../scan/source.ts";
import { bomError } from "../errors.ts";
import type { Fact } from "../fact.ts";
import { MAX_CONFIG_BYTES, readConfig, readKerasConfig, readKerasMetadata } from "./config.ts";
import type { WeightsFile } from "../tensor.ts";

export function isKeras(source: Source): boolean {
  const names = readZip(source).members.map(({ name }) => name);
  return names.includes("metadata.json") && names.includes("config.json");
}

/** @throws `models.metadata-invalid`, `models.metadata-limit`, and the errors of `parseJson` */
export function readKeras(
  source: Source,
  path: string,
): { readonly weights: WeightsFile; readonly facts: readonly Fact[] } {
  const { members, problems } = readZip(source);
  const [problem] = problems;
  if (problem !== undefined) throw bomError("models.metadata-invalid", { detail: `its archive: ${problem.rule.why}` });
  const facts = [
    ...readConfig(bytesOf(members, "metadata.json"), readKerasMetadata, `${path} metadata.json`),
    ...readConfig(bytesOf(members, "config.json"), readKerasConfig, `${path} config.json`),
  ];
  const unread = ["its weights are HDF5, of which tensors are not read"];
  const weights: WeightsFile = {
    path,
    format: "keras",
    tensors: [],
    metadata: new Map(),
    inputs: [],
    outputs: [],
    unread,
  };
  return { weights, facts };
}

function bytesOf(members: readonly ZipMember[], name: string): Uint8Array {
  const member = members.find((one) => one.name === name);
  if (member === undefined || member.size > MAX_CONFIG_BYTES) {
    throw bomError("models.metadata-limit", { detail: `${name} of more than ${MAX_CONFIG_BYTES} bytes` });
  }
  const { source } = openMember(member, () => true);
  if (source === undefined) throw bomError("models.metadata-invalid", { detail: `${name} is unreadable` });
  return source.read(0, source.size);
}
