/**
 * Checkpoints of TensorFlow: an index (a table of LevelDB's form) and shards of bytes. They hold tensors and their names,
 * and nothing that runs. The index is known by its magic, the shards, which have none, by their name.
 *
 * Source: tensorflow/core/util/tensor_bundle, tensorflow/core/lib/io/format.cc (kTableMagicNumber).
 *
 * @module
 */

import type { Format } from "../format.ts";
import type { Source } from "../source.ts";

export const tensorflowCheckpoint: Format = {
  id: "tensorflow-checkpoint",
  rules: [],
  sniff: (source, name) => isTable(source) || /\.data-[0-9]{5}-of-[0-9]{5}$/.test(name),
  scan: () => {},
};

const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb] as const;

function isTable(source: Source): boolean {
  if (source.size < 48) return false;
  const tail = source.read(source.size - 8, 8);
  return MAGIC.every((byte, index) => tail[index] === byte);
}
