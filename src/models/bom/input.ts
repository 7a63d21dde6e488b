/**
 * What the commands of the bill of materials take from the command line, and how they write a file.
 *
 * @module
 */

import { hash } from "node:crypto";
import { lstat, readFile } from "node:fs/promises";

import {
  Exit,
  isAtLeast,
  SEVERITIES,
  type CommandInput,
  type ExitCode,
  type Severity,
  listOption,
  textOption,
  type CommandOptions,
} from "../../core/index.ts";
import { replaceFile } from "../../storage/index.ts";
import { MAX_BUNDLE_BYTES } from "../sign/bundle.ts";
import { ignoredNames, pathOf, signaturePath } from "../sign/input.ts";
import { nameInModel } from "../sign/walk.ts";
import { readDataset, type Dataset } from "./croissant.ts";
import type { BomOptions } from "./document.ts";
import { bomError } from "./errors.ts";
import { inspectModel, type Inspection } from "./inspect.ts";

/** What a document is made of. */
export interface Subject {
  readonly path: string;
  readonly inspection: Inspection;
  readonly options: BomOptions;
}

/**
 * Reads the model that the command names, the data sets, and the signature that lies in its place.
 *
 * @throws `models.bom-option-invalid`, and the errors of `inspectModel` and `readDataset`
 */
export async function readSubject(input: CommandInput<unknown>): Promise<Subject> {
  const path = pathOf(input);
  const out = textOption(input.options, "out");
  if (out !== undefined && nameInModel(path, out) !== undefined) {
    const hint = "write it elsewhere: inside of the model it would change the root digest that it names";
    throw bomError("models.bom-option-invalid", { detail: `--out ${out}`, hint });
  }
  const given = givenOptions(input.options);
  const inspection = await inspect(path, input);
  const datasets: Dataset[] = [];
  for (const dataset of listOption(input.options, "dataset")) {
    input.progress(`reading ${dataset}`);
    datasets.push(await readDataset(dataset));
  }
  const signature = await readSignature(path, input.options);
  return { path, inspection, options: { ...given, datasets, ...(signature === undefined ? {} : { signature }) } };
}

/** Inspects the model at `path`, its signature left out. */
export async function inspect(path: string, { options, progress }: CommandInput<unknown>): Promise<Inspection> {
  const name = textOption(options, "name");
  return inspectModel(path, {
    ignorePaths: ignoredNames(path, await signaturePath(path, options), options),
    ...(name === undefined ? {} : { name }),
    progress,
  });
}

/** Whether a document is clean: findings, then gaps. */
export function exitOf({ licences, unread }: Inspection, options: CommandOptions): ExitCode {
  const threshold = failOn(options);
  if (licences.findings.some(({ severity }) => isAtLeast(severity, threshold))) return Exit.findings;
  return unread.length > 0 ? Exit.incomplete : Exit.clean;
}

/** @throws `models.bom-unwritable` */
export async function write(path: string, text: string): Promise<void> {
  try {
    await replaceFile(path, 0o644, text);
  } catch (cause) {
    const detail = `${path}: ${(cause as NodeJS.ErrnoException).code ?? "unknown"}`;
    throw bomError("models.bom-unwritable", { detail, cause });
  }
}

function givenOptions(options: CommandOptions): Omit<BomOptions, "datasets"> {
  const version = textOption(options, "modelVersion");
  const supplier = textOption(options, "supplier");
  const downloadLocation = textOption(options, "downloadLocation");
  const released = textOption(options, "released");
  if (downloadLocation !== undefined && !URL.canParse(downloadLocation)) {
    throw bomError("models.bom-option-invalid", { detail: `--download-location ${downloadLocation} is no address` });
  }
  return {
    time: timeOf(),
    ...(version === undefined ? {} : { version }),
    ...(supplier === undefined ? {} : { supplier }),
    ...(downloadLocation === undefined ? {} : { downloadLocation }),
    ...(released === undefined ? {} : { released: releasedOf(released) }),
  };
}

/** A day, or a time in UTC, as SPDX writes it. */
function releasedOf(text: string): string {
  const time = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}Z)?$/.test(text) ? new Date(text) : new Date(Number.NaN);
  if (Number.isNaN(time.getTime())) {
    throw bomError("models.bom-option-invalid", {
      detail: `--released ${text} is neither 2026-01-31 nor 2026-01-31T12:00:00Z`,
    });
  }
  return time.toISOString().replace(".000Z", "Z");
}

/** Now, or SOURCE_DATE_EPOCH, by which builds are repeated (reproducible-builds.org/specs/source-date-epoch). */
function timeOf(): number {
  const epoch = process.env["SOURCE_DATE_EPOCH"];
  if (epoch === undefined || epoch === "") return Math.floor(Date.now() / 1_000);
  // The last second that has four digits of a year.
  if (/^\d{1,12}$/.test(epoch) && Number(epoch) <= 253_402_300_799) return Number(epoch);
  throw bomError("models.bom-option-invalid", { detail: `SOURCE_DATE_EPOCH ${epoch} is no count of seconds` });
}

async function readSignature(path: string, options: CommandOptions): Promise<BomOptions["signature"]> {
  const file = await signaturePath(path, options);
  try {
    const stats = await lstat(file);
    if (!stats.isFile() || stats.size > MAX_BUNDLE_BYTES) return undefined;
    return { path: nameInModel(path, file) ?? file, sha256: hash("sha256", await readFile(file), "hex") };
  } catch (cause) {
    if (textOption(options, "signature") === undefined) return undefined;
    throw bomError("models.bom-unreadable", { detail: file, cause });
  }
}

function failOn(options: CommandOptions): Severity {
  const wanted = textOption(options, "failOn") ?? "high";
  const severity = SEVERITIES.find((one) => one === wanted);
  if (severity !== undefined) return severity;
  throw bomError("models.bom-option-invalid", {
    detail: `--fail-on ${wanted}`,
    hint: `choose ${SEVERITIES.join(", ")}`,
  });
}
