/**
 * Objects of Python in JSON: what jsonpickle and stable-baselines3 write, and configurations that name what is to be built.
 *
 * Source: jsonpickle/tags.py; stable_baselines3/common/save_util.py (json_to_data).
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import { bytesSource } from "../source.ts";
import { isRecord, jsonContainers, pointerOf } from "./json-value.ts";
import { judgeReference } from "./python-reference.ts";
import { BRINGS_CODE, RUNS_CODE } from "./references.ts";
import { judgeBuilt } from "./yaml.ts";

const RULES = {
  dangerous: {
    id: "jsonpickle.dangerous-object",
    severity: "critical",
    verdict: "malicious",
    why: "it holds an object of Python that becomes a function which runs code or touches files once jsonpickle reads it",
    remedy: "do not load it: ask its author for plain values",
    references: [...RUNS_CODE],
  },
  object: {
    id: "jsonpickle.object",
    severity: "medium",
    verdict: "suspicious",
    why: "it holds an object of Python, which jsonpickle imports and builds",
    remedy: "read the code of that object before you load it",
    references: [...BRINGS_CODE],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const PYTHON_JSON_RULES: readonly ScanRule[] = Object.values(RULES);

/** Names under which jsonpickle keeps the path of something of Python. */
const PATHS: readonly string[] = ["py/object", "py/type", "py/class", "py/function", "py/module", "py/error"];
/** Data types of the language, which jsonpickle writes so. */
const DATA = /^(?:collections|datetime|decimal|fractions|uuid|numpy)\.\w+$/;

/** Reports what reading `value` would import or unpickle. */
export function judgePythonJson(value: unknown, context: ScanContext): void {
  for (const place of jsonContainers(value)) {
    if (!context.spend("steps", 1)) return;
    if (!isRecord(place.value)) continue;
    const object = place.value;
    for (const [key, inner] of Object.entries(object)) {
      judgeBuilt(key, inner, context);
      // A pickle in base64, of whatever was no JSON.
      if (key === ":serialized:" && typeof inner === "string") {
        context.member(`${pointerOf(place)}/${key}`, bytesSource(Buffer.from(inner, "base64")));
      } else if (PATHS.includes(key) && typeof inner === "string") judgePath(inner, context);
      else if (key === "py/repr" || key === "py/reduce") context.report(RULES.object, { detail: key });
    }
  }
}

function judgePath(path: string, context: ScanContext): void {
  if (judgeReference(path, new Set()) === "dangerous") context.report(RULES.dangerous, { detail: path });
  else if (!DATA.test(path)) context.report(RULES.object, { detail: path });
}
