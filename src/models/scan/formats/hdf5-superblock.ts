/**
 * The superblock of HDF5, versions 0 to 3: where the file's numbers and its root are. It may stand at 0, 512, 1024, 2048
 * and so on, behind bytes of somebody else's.
 *
 * Source: HDF5 File Format Specification 3.0, II.A.
 *
 * @module
 */

import { ByteReader, Truncated } from "../reader.ts";
import type { Source } from "../source.ts";
import { sized, type Hdf5File } from "./hdf5-header.ts";

export interface OpenedHdf5 {
  readonly file: Hdf5File;
  /** Address of the root group's header. */
  readonly root: bigint;
  /** Where the file says that it ends. A library refuses one that ends before. */
  readonly end: bigint;
}

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a] as const;

/** The file's superblock; `invalid` where the signature stands but what follows is none; undefined without a signature. */
export function openHdf5(source: Source): OpenedHdf5 | "invalid" | undefined {
  for (let at = 0; at + 16 <= source.size; at = at === 0 ? 512 : at * 2) {
    const head = source.read(at, 8);
    if (!SIGNATURE.every((byte, index) => head[index] === byte)) continue;
    try {
      return readSuperblock(source, at) ?? "invalid";
    } catch (error) {
      if (error instanceof Truncated) return "invalid";
      throw error;
    }
  }
  return undefined;
}

function readSuperblock(source: Source, base: number): OpenedHdf5 | undefined {
  const reader = new ByteReader(source, base + 8);
  const version = reader.u8();
  if (version > 3) return undefined;
  if (version < 2) reader.skip(4);
  const [offsetSize, lengthSize] = [reader.u8(), reader.u8()];
  const isSize = (size: number): boolean => size === 2 || size === 4 || size === 8;
  if (!isSize(offsetSize) || !isSize(lengthSize)) return undefined;
  const file: Hdf5File = { source, base, offsetSize, lengthSize };
  if (version >= 2) {
    reader.skip(1 + 2 * offsetSize);
    const end = sized(reader, offsetSize);
    return { file, root: sized(reader, offsetSize), end };
  }
  // Reserved, K of leaves and nodes, flags; in version 1 also K of indexed storage. Of four addresses the third is the
  // end; the name of the root stands before its address.
  reader.skip(1 + 2 + 2 + 4 + (version === 1 ? 4 : 0) + 2 * offsetSize);
  const end = sized(reader, offsetSize);
  reader.skip(2 * offsetSize);
  return { file, root: sized(reader, offsetSize), end };
}
