/**
 * Reference tools in Python, where they are installed: that of OpenSSF Model Signing, which our signatures are held against,
 * and the libraries of CycloneDX and SPDX, which our bills of materials are.
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

/** The first Python that has these modules. */
function pythonWith(modules: string): string | undefined {
  return [process.env["HOLDFAST_MODEL_SIGNING_PYTHON"], CACHED, "python3"].find(
    (command) => command !== undefined && spawnSync(command, ["-c", `import ${modules}`]).status === 0,
  );
}

const python = pythonWith("model_signing");

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
  return run(python, args);
}

const bomPython = pythonWith("cyclonedx, jsonschema, spdx_python_model");

/** Why bills of materials cannot be held against the libraries of their formats here. */
export const bomPythonMissing =
  bomPython === undefined
    ? "skipped: the Python packages are not installed (pip install 'cyclonedx-python-lib[json-validation]' spdx-python-model)"
    : undefined;

/** Runs a Python that has them. */
export function runBomPython(...args: readonly string[]): PythonAnswer {
  return run(bomPython, args);
}

function run(command: string | undefined, args: readonly string[]): PythonAnswer {
  const { status, stdout, stderr } = spawnSync(command ?? "python3", args, { encoding: "utf8", timeout: 120_000 });
  return { ok: status === 0, said: `${stdout}${stderr}` };
}
