/**
 * What earlier scans found, so that a scan that was interrupted goes on where it was: one line of JSON for each file that
 * was done, under its path, size, times and place on the disk, and under the rules that it was scanned by.
 *
 * It is a memory, no evidence: whoever may write the file may write any verdict into it, and whoever sets a file's times
 * and place back goes unnoticed. A scan before an approval does without it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { appendFile, readFile } from "node:fs/promises";

import { parseJson } from "../../core/index.ts";
import { scanError } from "./errors.ts";
import { FORMATS } from "./formats/index.ts";
import type { ScannedFile } from "./report.ts";

export interface Resume {
  /** The result for the file at `path` while it is as it was. */
  readonly find: (path: string, state: string) => ScannedFile | undefined;
  /** Keeps a result. */
  readonly add: (state: string, scanned: ScannedFile) => Promise<void>;
}

const HEADER = "holdfast model scan";
const LIMITS = { maxBytes: 16 * 1024 * 1024, maxDepth: 16 };

/** Opens the file, or makes it. @throws `models.scan-resume` where it is something else */
export async function openResume(path: string): Promise<Resume> {
  const version = rulesVersion();
  const header = `${JSON.stringify({ file: HEADER, rules: version })}\n`;
  const text = await read(path);
  const lines = text.split("\n");
  const known = new Map<string, ScannedFile>();
  if (text === "") await appendFile(path, header, { mode: 0o600 });
  else if (!isHeader(lines[0] ?? "")) throw scanError("models.scan-resume", { detail: path });
  let current = false;
  for (const line of lines) {
    const entry = parsed(line);
    if (entry === undefined) continue;
    // A newer set of rules begins with a header of its own, and what stands before it no longer counts.
    if (isHeader(line)) current = entry["rules"] === version;
    else if (current && typeof entry["state"] === "string" && isScanned(entry["scanned"])) {
      known.set(`${entry["scanned"].path}\n${entry["state"]}`, entry["scanned"]);
    }
  }
  if (text !== "" && !current) await appendFile(path, header);
  // A line that was cut off ends here, so that the next one is read.
  else if (text !== "" && !text.endsWith("\n")) await appendFile(path, "\n");
  return {
    find: (file, state) => known.get(`${file}\n${state}`),
    add: (state, scanned) => appendFile(path, `${JSON.stringify({ state, scanned })}\n`),
  };
}

/** Results hold for the rules that they were made by, in their words. */
export function rulesVersion(): string {
  const rules = FORMATS.map(({ id, rules }) => [id, rules]);
  return createHash("sha256").update(JSON.stringify(rules)).digest("hex");
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw scanError("models.scan-resume", { detail: path, cause });
  }
}

function isHeader(line: string): boolean {
  return parsed(line)?.["file"] === HEADER;
}

/** A line as an object, or undefined: the last one may be cut off. */
function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseJson(line, LIMITS);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function isScanned(value: unknown): value is ScannedFile {
  const { path, verdict, findings, formats } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof path === "string" && typeof verdict === "string" && Array.isArray(findings) && Array.isArray(formats);
}
