/**
 * Files of `test/vectors`, whole.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../vectors");

/** The file at `path` in that folder: `hdf5/dense.h5`. */
export function vector(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(FOLDER, path)));
}

/** All files in `folder` of which the names match. */
export function vectorsOf(folder: string, name: RegExp): readonly Uint8Array[] {
  return readdirSync(join(FOLDER, folder))
    .filter((file) => name.test(file))
    .map((file) => vector(join(folder, file)));
}
