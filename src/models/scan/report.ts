/**
 * The report of a scan of files and folders, and the scan itself: walk, threads, and what was scanned before.
 *
 * @module
 */

import { availableParallelism } from "node:os";

import type { ArtifactVerdict, Severity } from "../../core/index.ts";
import type { ScanFinding } from "./finding.ts";
import { createScanPool, type PoolOptions, type ScanPool } from "./pool.ts";
import type { Resume } from "./resume.ts";
import type { SourceScan } from "./scan-source.ts";
import { walk, type Skipped } from "./walk.ts";

/** A finding as it is printed and kept: the rule's words stand in it. */
export interface ReportedFinding {
  readonly rule: string;
  readonly severity: Severity;
  readonly verdict: "malicious" | "suspicious" | "inconclusive" | "note";
  /** Members of archives that lead to the place. */
  readonly members: readonly string[];
  readonly offset?: number;
  readonly detail?: string;
  readonly why: string;
  readonly remedy: string;
  readonly references: readonly string[];
}

export interface ScannedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly verdict: ArtifactVerdict;
  readonly formats: readonly string[];
  readonly findings: readonly ReportedFinding[];
}

export interface ScanReport {
  /** The worst of all files; `inconclusive` also where something was not read. */
  readonly verdict: ArtifactVerdict;
  readonly files: readonly ScannedFile[];
  readonly skipped: readonly Skipped[];
  /** Files whose result is that of an earlier scan. */
  readonly resumed: number;
}

export interface ScanFilesOptions extends PoolOptions {
  readonly progress?: (what: string, done: number, total: number) => void;
  readonly resume?: Resume;
}

/**
 * Scans files and folders without loading anything.
 *
 * @throws `models.scan-missing` for a path that is not there, `models.scan-too-many`
 *
 * @example
 * ```ts
 * const { verdict } = await scanFiles(["./llama"]);
 * if (verdict !== "clean") throw new Error(`not loaded: ${verdict}`);
 * ```
 */
export async function scanFiles(paths: readonly string[], options: ScanFilesOptions = {}): Promise<ScanReport> {
  const { files, skipped } = await walk(paths);
  const { progress = () => undefined, resume } = options;
  const total = files.reduce((sum, { size }) => sum + size + FILE_COST, 0);
  const results = new Map<string, ScannedFile>();
  let done = 0;
  let resumed = 0;
  let pool: ScanPool | undefined;
  try {
    const jobs = files.map(async ({ path, size, state }) => {
      const before = resume?.find(path, state);
      if (before === undefined) {
        pool ??= createScanPool({ threads: threadsFor(files.length, total), ...options });
        const scanned = { path, size, ...asReported(await pool.scan(path, size)) };
        results.set(path, scanned);
        await resume?.add(state, scanned);
      } else {
        results.set(path, before);
        resumed++;
      }
      done += size + FILE_COST;
      progress(`scanning ${path}`, done, total);
    });
    await Promise.all(jobs);
  } finally {
    await pool?.close();
  }
  const scanned = files.flatMap(({ path }) => results.get(path) ?? []);
  return { verdict: worst(scanned, skipped), files: scanned, skipped, resumed };
}

/** What a file costs besides its bytes, so that progress over many small ones moves. */
const FILE_COST = 4_096;

/** A thread takes a second to start: few files are done sooner in one. */
function threadsFor(files: number, bytes: number): number {
  return Math.min(availableParallelism(), Math.max(Math.ceil(files / 32), Math.ceil(bytes / 256e6)));
}

/** From worst to best. */
const ORDER = ["malicious", "suspicious", "inconclusive", "clean", "not-a-model"] as const;

function worst(files: readonly ScannedFile[], skipped: readonly Skipped[]): ArtifactVerdict {
  const verdicts = new Set<ArtifactVerdict>(files.map(({ verdict }) => verdict));
  if (skipped.some(({ incomplete }) => incomplete)) verdicts.add("inconclusive");
  return ORDER.find((verdict) => verdicts.has(verdict)) ?? "not-a-model";
}

function asReported({ verdict, findings, formats }: SourceScan): Omit<ScannedFile, "path" | "size"> {
  return { verdict, formats, findings: findings.map(reported) };
}

function reported({ rule, members, offset, detail }: ScanFinding): ReportedFinding {
  return {
    rule: rule.id,
    severity: rule.severity,
    verdict: rule.verdict,
    members,
    ...(offset === undefined ? {} : { offset }),
    ...(detail === undefined ? {} : { detail }),
    why: rule.why,
    remedy: rule.remedy,
    references: rule.references,
  };
}
