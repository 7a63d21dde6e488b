/**
 * The Python tool of OpenSSF Model Signing, where it is installed: the reference that our signatures are held against.
 */

import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where `.ci/run` installs it, outside of the repository. */
const CACHED = join(
  process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
  "holdfast",
  "model-signing",
  "bin",
  "python",
);

const python = [process.env["HOLDFAST_MODEL_SIGNING_PYTHON"], CACHED, "python3"].find(
  (command) => command !== undefined && spawnSync(command, ["-c", "import model_signing"]).status === 0,
);

/** Why the tool cannot be asked here, for the `skip` of a test; undefined where it can. */
export const pythonMissing =
  python === undefined
    ? "skipped: the Python package model-signing is not installed (pip install model-signing pyopenssl)"
    : undefined;

export interface PythonAnswer {
  readonly ok: boolean;
  /** What it printed, for the message of a test. */
  readonly said: string;
}

/** Runs `python -m model_signing …`. */
export function modelSigning(...args: readonly string[]): PythonAnswer {
  return runPython("-m", "model_signing", ...args);
}

/** Runs Python. */
export function runPython(...args: readonly string[]): PythonAnswer {
  const { status, stdout, stderr } = spawnSync(python ?? "python3", args, { encoding: "utf8", timeout: 120_000 });
  return { ok: status === 0, said: `${stdout}${stderr}` };
}
