/**
 * Plain files: a folder or a single file, as it is. Links are refused, as in signing.
 *
 * A file that still is a pointer of git LFS or Xet is refused: it stands where the weights should be.
 *
 * @module
 */

import { open } from "node:fs/promises";
import { basename } from "node:path";

import { walkModel } from "../../sign/walk.ts";
import { registryError } from "../errors.ts";
import type { Source, SourceFile } from "./source.ts";

/** Left out beside what signing leaves out: what downloaders keep for themselves. */
export const DOWNLOADERS = [".cache/huggingface"];

/** @throws the errors of `walkModel`, `models.import-invalid` */
export async function readFiles(path: string): Promise<Source> {
  const { files } = await walkModel(path, { ignorePaths: DOWNLOADERS });
  const found = files.map(({ name, path: place, size }): SourceFile => ({ path: name, place, size }));
  for (const file of found) await refusePointer(file);
  return { files: found, origin: { kind: "files", name: basename(path) } };
}

/** A pointer is at most 1,024 bytes (git-lfs `docs/spec.md`). */
const POINTER_BYTES = 1_024;
/** How pointers begin: of git LFS, and of Xet in a repository that was cloned. */
const POINTERS = ["version https://git-lfs.github.com/spec/", "# xet version "] as const;
const POINTER_START = Math.max(...POINTERS.map(({ length }) => length));

/** @throws `models.import-invalid` */
export async function refusePointer({ path, place, size }: SourceFile): Promise<void> {
  if (size > POINTER_BYTES) return;
  await using handle = await open(place, "r");
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(POINTER_START), 0, POINTER_START, 0);
  const start = buffer.toString("latin1", 0, bytesRead);
  if (!POINTERS.some((pointer) => start.startsWith(pointer))) return;
  throw registryError("models.import-invalid", {
    detail: `${path} is a pointer of git LFS or Xet, not the file itself`,
    hint: "fetch it first: git lfs pull",
  });
}
