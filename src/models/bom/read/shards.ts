/**
 * Reads the index of a checkpoint that lies in several files: which files it must have.
 *
 * Source: transformers, `utils/hub.py` (`get_checkpoint_shard_files`).
 *
 * @module
 */

import { posix } from "node:path";

import { parseJson } from "../../../core/index.ts";
import { isRecord } from "../../scan/formats/json-value.ts";
import { bomError } from "../errors.ts";
import { MAX_CONFIG_BYTES } from "./config.ts";
import { member } from "./record.ts";

/** The files that the index at `path` names, relative to the model. @throws `models.metadata-invalid`, those of `parseJson` */
export function shardsOf(bytes: Uint8Array, path: string): { readonly path: string; readonly shard: string }[] {
  const map = member(parseJson(bytes, { maxBytes: MAX_CONFIG_BYTES, maxDepth: 8 }), "weight_map");
  if (!isRecord(map)) throw bomError("models.metadata-invalid", { detail: "an index without weight_map" });
  const shards = new Set(Object.values(map).filter((shard) => typeof shard === "string"));
  return [...shards].map((shard) => ({ path, shard: posix.join(posix.dirname(path), shard) }));
}
