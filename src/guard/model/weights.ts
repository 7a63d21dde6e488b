/**
 * The weights on disk: the folder, its manifest, and the two small files that the cheap stage needs. The large ones are
 * read by the thread that runs them (`worker.ts`), which checks them in the same way.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openCheapStage, type CheapStage } from "./cheap.ts";
import { readConfig, type ModelConfig } from "./config.ts";
import { modelError } from "./errors.ts";
import { checkDigest, MANIFEST_FILE, openManifest, type Digests, type WeightFile } from "./manifest.ts";

/** The weights that the package carries. */
export const DEFAULT_WEIGHTS = fileURLToPath(new URL("../../../weights/guard/", import.meta.url));

/** Where weights lie, and what their files must be. */
export interface WeightsFolder {
  readonly path: string;
  /** `undefined`: unsigned weights, taken as they are. */
  readonly digests: Digests | undefined;
}

export interface Weights {
  readonly folder: WeightsFolder;
  readonly config: ModelConfig;
  readonly cheap: CheapStage;
}

/**
 * Opens the folder `path`: checks the manifest, then reads the configuration and the cheap stage.
 *
 * @param keys the public keys that the manifest may be signed with; `undefined` reads unsigned weights
 * @throws `guard.model-missing`, `guard.model-untrusted`, `guard.model-invalid`
 */
export async function openWeights(path: string, keys: readonly string[] | undefined): Promise<Weights> {
  const digests = keys && (await openManifest(await readOrMissing(path, MANIFEST_FILE), keys));
  const folder: WeightsFolder = { path, digests };
  const [configBytes, cheapBytes] = await Promise.all([
    readWeight(folder, "model.json"),
    readWeight(folder, "cheap.bin"),
  ]);
  const config = readConfig(configBytes);
  const cheap = openCheapStage(cheapBytes);
  if (cheap.heads !== config.heads.length) {
    throw modelError("guard.model-invalid", { detail: "cheap.bin and model.json have different heads" });
  }
  return { folder, config, cheap };
}

/** One file, checked. @throws `guard.model-missing`, `guard.model-untrusted` */
export async function readWeight(folder: WeightsFolder, name: WeightFile): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readOrMissing(folder.path, name);
  if (folder.digests !== undefined) checkDigest(name, bytes, folder.digests[name]);
  return bytes;
}

async function readOrMissing(path: string, name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readFile(join(path, name));
  } catch (cause) {
    throw modelError("guard.model-missing", { detail: join(path, name), cause });
  }
}
