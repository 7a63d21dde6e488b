/**
 * Weights in several files: an index says which tensors lie in which. One that names files of which some are there and
 * some are not is a download that was cut short; where none is there, others hold the weights.
 *
 * @module
 */

import { readFile } from "node:fs/promises";

import { isHoldfastError } from "../../../core/index.ts";
import { MAX_CONFIG_BYTES } from "../../bom/read/config.ts";
import { shardsOf } from "../../bom/read/shards.ts";
import { printable } from "../digest.ts";
import { registryError } from "../errors.ts";
import type { SourceFile } from "./source.ts";

const INDEX = /\.(?:safetensors|bin)\.index\.json$/;

/** @throws `models.import-invalid` */
export async function checkShards(files: readonly SourceFile[]): Promise<void> {
  const there = new Set(files.map(({ path }) => path));
  for (const file of files) {
    if (!INDEX.test(file.path)) continue;
    const named = await shardsIn(file);
    const missing = named.filter((name) => !there.has(name));
    const [first] = missing;
    if (first === undefined || missing.length === named.length) continue;
    throw registryError("models.import-invalid", {
      detail: `${file.path} names ${named.length} files, of which ${missing.length} are not there, such as ${printable(first)}`,
      hint: "download the rest of it first",
    });
  }
}

async function shardsIn({ place, path, size }: SourceFile): Promise<readonly string[]> {
  if (size > MAX_CONFIG_BYTES) throw invalid(path, `more than ${MAX_CONFIG_BYTES} bytes`);
  try {
    return shardsOf(await readFile(place), path).map(({ shard }) => shard);
  } catch (error) {
    if (isHoldfastError(error)) throw invalid(path, error.message);
    throw error;
  }
}

function invalid(path: string, why: string): Error {
  return registryError("models.import-invalid", { detail: `${path}: ${why}` });
}
