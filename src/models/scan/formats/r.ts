/**
 * Objects that R saved, with `saveRDS` or `save`. Reading them makes objects and runs nothing, but for promises: an
 * expression that stands for a value is evaluated as soon as somebody touches it.
 *
 * Source: R Internals 1.8, «Serialization Formats»; CVE-2024-27322 (K. Schulz and K. Evans, 2024).
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import { ByteReader, TooLong, Truncated } from "../reader.ts";
import type { Source } from "../source.ts";
import { openRInput, type RInput } from "./r-input.ts";
import { RGivenUp, RInvalid, walkR, type RVisitor } from "./r-walk.ts";
import { RUNS_CODE, SUPPLY_CHAIN } from "./references.ts";
import { latin1 } from "./text.ts";

const RULES = {
  promise: {
    id: "r.promise",
    severity: "critical",
    verdict: "malicious",
    why: "it holds an expression instead of a value, which R runs as soon as the object is touched",
    remedy: "do not load it: delete it, find out how it came here, and report it to whoever hosts it",
    references: [...RUNS_CODE, "CVE-2024-27322"],
  },
  lazyCommand: {
    id: "r.promise-dangerous",
    severity: "critical",
    verdict: "malicious",
    why: "an expression that waits in an environment runs commands or native code once its name is touched",
    remedy: "do not load it: delete it, find out how it came here, and report it to whoever hosts it",
    references: [...RUNS_CODE],
  },
  command: {
    id: "r.code-dangerous",
    severity: "high",
    verdict: "suspicious",
    why: "a function or an expression in it runs commands, opens connections or loads native code when it is called",
    remedy: "read that code before anything calls it; better, ask for the coefficients, or for PMML or ONNX",
    references: [...RUNS_CODE],
  },
  invalid: {
    id: "r.invalid",
    severity: "medium",
    verdict: "inconclusive",
    why: "its structure does not hold together, so that not all of it was read",
    remedy: "do not load it: get it again from its publisher, and compare the digest",
    references: [...SUPPLY_CHAIN],
  },
  old: {
    id: "r.old-format",
    severity: "low",
    verdict: "inconclusive",
    why: "it is of a version of R's formats that is not read here",
    remedy: "save it again with a version of R after 2.3, on a machine that you can throw away",
    references: [...SUPPLY_CHAIN],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** Functions of R's own packages that run commands, load native code, or fetch what runs. */
const COMMANDS: ReadonlySet<string> = new Set([
  "system",
  "system2",
  "shell",
  "shell.exec",
  "pipe",
  "socketConnection",
  "make.socket",
  "download.file",
  "dyn.load",
]);

export const r: Format = {
  id: "r",
  rules: Object.values(RULES),
  sniff: (source) => openR(source) !== undefined,
  scan: (source, context) => {
    const opened = openR(source);
    try {
      if (opened === undefined) throw new RInvalid("no header that can be read");
      if (opened === "old") context.report(RULES.old);
      else walkR(opened, visitorOf(context));
    } catch (error) {
      if (error instanceof RGivenUp) return;
      if (!(error instanceof RInvalid || error instanceof Truncated || error instanceof TooLong)) throw error;
      context.report(RULES.invalid, { detail: error.message });
    }
  },
};

function visitorOf(context: ScanContext): RVisitor {
  return {
    promise: (offset) => {
      context.report(RULES.promise, { offset });
    },
    called: (name, { inPromise, offset }) => {
      if (COMMANDS.has(name)) context.report(inPromise ? RULES.lazyCommand : RULES.command, { offset, detail: name });
    },
    step: () => context.spend("steps", 1),
  };
}

/** Numbers behind the mark: the format, R's version, and the oldest version that can read it; of format 3 an encoding. */
function openR(source: Source): RInput | "old" | undefined {
  const mark = latin1(source.read(0, 6));
  // What `save` writes has a line of its own in front.
  const isWorkspace = /^RD[XAB][123]\n/.test(mark);
  if (isWorkspace && mark[3] === "1") return "old";
  const start = isWorkspace ? 5 : 0;
  // A line's end may stand in front of the ASCII form, left there by what was read before.
  const reader = new ByteReader(source, mark[start] === "\n" ? start + 1 : start);
  if (reader.left < 6) return undefined;
  const input = openRInput(reader.u8(), reader);
  if (input === undefined || reader.u8() !== 0x0a) return undefined;
  try {
    const format = input.int();
    if (format !== 2 && format !== 3) return undefined;
    input.skip("int", 2);
    if (format === 3) input.text(Math.min(Math.max(0, input.int()), reader.left));
    return input;
  } catch (error) {
    if (error instanceof Truncated) return undefined;
    throw error;
  }
}
