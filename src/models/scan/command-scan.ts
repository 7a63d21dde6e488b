/**
 * `holdfast model scan`: says of files whether loading them would run something, without loading them.
 *
 * @module
 */

import {
  Exit,
  isAtLeast,
  SEVERITIES,
  type CommandInput,
  type CommandResult,
  type ExitCode,
  type Severity,
} from "../../core/index.ts";
import { scanError } from "./errors.ts";
import { scanFiles, type ScanReport } from "./report.ts";
import { openResume } from "./resume.ts";
import { scanSarif } from "./sarif.ts";
import { scanText } from "./text.ts";

/**
 * Exits 1 when something was found at or over `--fail-on`, otherwise 2 when anything is inconclusive or was not read, 3
 * when no file is a model, 0 when all models are clean.
 */
export async function run({ options, progress, rest: paths }: CommandInput<unknown>): Promise<CommandResult> {
  const failOn = severityOption(options["failOn"]);
  const threads = numberOption(options["threads"], "threads", 256);
  const timeout = numberOption(options["timeout"], "timeout", 86_400);
  const memory = numberOption(options["memory"], "memory", 1_048_576);
  const resume = options["resume"];
  const report = await scanFiles(paths, {
    progress,
    ...(threads === undefined ? {} : { threads }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout * 1_000 }),
    ...(memory === undefined ? {} : { memoryMb: memory }),
    ...(typeof resume === "string" ? { resume: await openResume(resume) } : {}),
  });
  return {
    data: report,
    text: (style) => scanText(report, style),
    formats: { sarif: () => scanSarif(report, process.cwd()) },
    exit: exitOf(report, failOn),
  };
}

function exitOf({ verdict, files }: ScanReport, failOn: Severity): ExitCode {
  const found = files.some(({ findings }) =>
    findings.some((finding) => finding.verdict !== "inconclusive" && isAtLeast(finding.severity, failOn)),
  );
  if (found) return Exit.findings;
  if (verdict === "inconclusive" || files.some((file) => file.verdict === "inconclusive")) return Exit.incomplete;
  return verdict === "not-a-model" ? Exit.nothing : Exit.clean;
}

/** @throws `models.scan-option` */
function severityOption(value: unknown): Severity {
  const severity = SEVERITIES.find((known) => known === (value ?? "medium"));
  if (severity !== undefined) return severity;
  throw scanError("models.scan-option", { detail: "--fail-on", hint: `choose from ${SEVERITIES.join(", ")}` });
}

/** @throws `models.scan-option` outside of 1 to `most` */
function numberOption(value: unknown, name: string, most: number): number | undefined {
  if (typeof value !== "string") return undefined;
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 1 && number <= most) return number;
  throw scanError("models.scan-option", { detail: `--${name} is not a whole number from 1 to ${most}` });
}
