/**
 * `holdfast guard check`: reads texts with the guard's detectors and prints what they found, by file, line and column.
 *
 * Never prints any of the text: what was found may be a secret. What was not read, or not by every detector, is told,
 * and makes the check incomplete wherever it may have held something.
 *
 * @module
 */

import {
  Exit,
  isAtLeast,
  isHoldfastError,
  listOption,
  SEVERITIES,
  textOption,
  type CommandInput,
  type CommandOptions,
  type CommandResult,
  type ExitCode,
  type Finding,
} from "../../core/index.ts";
import type { Detector, Direction, Origin } from "../detector.ts";
import { createGuard, type Guard } from "../guard.ts";
import type { DetectorSettings } from "../policy.ts";
import { sarifLog } from "../sarif.ts";
import { createDetectorLoader, detectorNames } from "./detectors.ts";
import { readSources, type SkippedSource } from "./files.ts";
import { findingsText } from "./findings-text.ts";
import { choiceOption } from "./options.ts";
import { placed, type PlacedFinding } from "./place.ts";

/** What was found in one text. */
export interface CheckedText {
  readonly path: string;
  readonly findings: readonly PlacedFinding[];
  /** The detectors that did not judge it. */
  readonly unchecked: readonly UncheckedBy[];
}

export interface UncheckedBy {
  readonly detector: string;
  readonly why: string;
}

/** What `--format json` prints. */
export interface CheckReport {
  readonly texts: readonly CheckedText[];
  readonly skipped: readonly SkippedSource[];
  readonly detectors: readonly { readonly id: string; readonly version: string }[];
  /** Detectors that read nothing at all. */
  readonly missing: readonly UncheckedBy[];
}

/** A long text takes what it takes: nobody's request waits for it. */
const TIMEOUT_MS = 30 * 60_000;
const FLAG: DetectorSettings = { request: "flag", response: "flag", onError: "block", timeoutMs: TIMEOUT_MS };
const ORIGINS = ["system", "user", "assistant", "tool", "document", "metadata"] as const satisfies readonly Origin[];

/**
 * Exits 0 when nothing was found at or over `--fail-on`, 1 when something was, 2 when something could not be checked, 3
 * when there was no text.
 */
export async function run({ options, progress, rest: paths }: CommandInput<unknown>): Promise<CommandResult> {
  const origin = choiceOption(options, "origin", ORIGINS) ?? "document";
  const failOn = choiceOption(options, "failOn", SEVERITIES) ?? "info";
  const { detectors, missing } = await chosenDetectors(options);
  const judge = createJudge(detectors, origin);

  const texts: CheckedText[] = [];
  const skipped: SkippedSource[] = [];
  for await (const source of readSources(paths)) {
    if (!("text" in source)) {
      skipped.push(source);
      continue;
    }
    progress(`checking ${source.path}`);
    texts.push(await judge(source.path, source.text));
  }
  const report: CheckReport = {
    texts,
    skipped,
    detectors: detectors.map(({ id, version }) => ({ id, version })),
    missing,
  };
  return {
    data: report,
    text: (style) => findingsText(report, style),
    formats: { sarif: () => sarif(report) },
    exit: exitOf(report, (finding) => isAtLeast(finding.severity, failOn)),
  };
}

/** The detectors of `--detector`; without it all that are there, and why any is not. */
async function chosenDetectors(
  options: CommandOptions,
): Promise<{ readonly detectors: readonly Detector[]; readonly missing: readonly UncheckedBy[] }> {
  const index = textOption(options, "index");
  const load = createDetectorLoader({
    weights: textOption(options, "weights"),
    unsigned: options["unsigned"] === true,
    index,
  });
  const names = [...new Set(listOption(options, "detector"))];
  if (names.length > 0) return { detectors: await Promise.all(names.map(load)), missing: [] };
  const detectors: Detector[] = [];
  const missing: UncheckedBy[] = [];
  for (const detector of detectorNames({ index })) {
    try {
      detectors.push(await load(detector));
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      missing.push({ detector, why: error.message });
    }
  }
  return { detectors, missing };
}

/** Reads one text with every detector: as a request, and as a response with those that only read answers. */
function createJudge(
  detectors: readonly Detector[],
  origin: Origin,
): (path: string, text: string) => Promise<CheckedText> {
  const inRequest = detectors.filter(({ directions }) => directions.includes("request"));
  const passes = [
    passOf("request", inRequest),
    passOf(
      "response",
      detectors.filter((detector) => !inRequest.includes(detector)),
    ),
  ];
  return async (path, text) => {
    const findings: Finding[] = [];
    const unchecked: UncheckedBy[] = [];
    for (const { guard, direction } of passes) {
      const { verdict } = await guard.inspect([{ pointer: "", text, origin }], direction);
      findings.push(...verdict.findings);
      for (const { detector, outcome, why } of verdict.runs) {
        if (outcome !== "ran") unchecked.push({ detector, why: why ?? outcome });
      }
    }
    return { path, findings: placed(text, findings), unchecked };
  };
}

function passOf(
  direction: Direction,
  detectors: readonly Detector[],
): { readonly guard: Guard; readonly direction: Direction } {
  const settings = Object.fromEntries(detectors.map(({ id }) => [id, FLAG]));
  return { guard: createGuard({ detectors, settings }), direction };
}

function sarif({ texts, skipped, detectors, missing }: CheckReport): unknown {
  return sarifLog({
    files: texts,
    notices: [
      ...skipped.map(({ path, why, incomplete }) => ({ path, message: `not read: ${why}`, incomplete })),
      ...texts.flatMap(({ path, unchecked }) =>
        unchecked.map(({ detector, why }) => ({
          path,
          message: `not checked by ${detector}: ${why}`,
          incomplete: true,
        })),
      ),
      ...missing.map(({ detector, why }) => ({
        path: "",
        message: `nothing was checked by ${detector}: ${why}`,
        incomplete: true,
      })),
    ],
    detectors,
    cwd: process.cwd(),
  });
}

function exitOf({ texts, skipped, missing }: CheckReport, counts: (finding: Finding) => boolean): ExitCode {
  const unread = skipped.some(({ incomplete }) => incomplete) || texts.some(({ unchecked }) => unchecked.length > 0);
  if (unread || missing.length > 0) return Exit.incomplete;
  if (texts.length === 0) return Exit.nothing;
  return texts.some(({ findings }) => findings.some(counts)) ? Exit.findings : Exit.clean;
}
