/**
 * The files of a model as it lies on the disk: a folder, a file, or a cache of the Hugging Face hub, whose links are followed
 * to its own blobs and nowhere else. What downloaders keep for themselves is no part of a model. These are the files that
 * the registry takes in, so that what is written about them names the same root digest.
 *
 * @module
 */

import { basename } from "node:path";

import { DOWNLOADERS } from "../registry/import/files.ts";
import { isHubCache, readHuggingFace } from "../registry/import/huggingface.ts";
import { walkModel, type ModelFile, type ModelFiles } from "../sign/walk.ts";

/** @throws the errors of `walkModel`; `models.import-invalid` for a cache that leads out of itself */
export async function modelFiles(path: string, ignorePaths: readonly string[]): Promise<ModelFiles> {
  if (!isHubCache(path)) return await walkModel(path, { ignorePaths: [...DOWNLOADERS, ...ignorePaths] });
  const { files, origin } = await readHuggingFace(path);
  const isIgnored = (name: string): boolean =>
    ignorePaths.some((ignored) => name === ignored || name.startsWith(`${ignored}/`));
  const kept: ModelFile[] = [];
  for (const { path: name, place } of files) {
    if (isIgnored(name)) continue;
    for (const file of (await walkModel(place)).files) kept.push({ ...file, name });
  }
  const ignored = files.map(({ path: name }) => name).filter(isIgnored);
  return { name: basename(origin["repository"] ?? path), single: false, files: kept, ignored };
}
