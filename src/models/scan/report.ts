/**
 * The report of a scan of files and folders, and the scan itself: walk, threads, and what was scanned before.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { dirname } from "node:path";

import type { ArtifactVerdict, Severity } from "../../core/index.ts";
import { verdictOf, type ScanFinding } from "./finding.ts";
import { LINK_RULES } from "./links.ts";
import { createScanPool, type PoolOptions, type ScanPool } from "./pool.ts";
import type { Resume } from "./resume.ts";
import type { SourceScan } from "./scan-source.ts";
import { walk, type Skipped, type Walk } from "./walk.ts";

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
  const walked = await walk(paths);
  const { files, skipped } = walked;
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
  const scanned = withLinks(walked, results);
  return { verdict: worst(scanned, skipped), files: scanned, skipped, resumed };
}

/**
 * Adds what the walk says of links. It is not kept for the next scan, which walks anew: a link may come to lead elsewhere
 * while the file stays as it was.
 */
function withLinks({ files, links }: Walk, results: ReadonlyMap<string, ScannedFile>): readonly ScannedFile[] {
  const scanned = files.flatMap(({ path }) => results.get(path) ?? []);
  const reading = new Set(
    scanned.flatMap(({ path, findings }) => (findings.some(({ rule }) => rule === EXTERNAL) ? [dirname(path)] : [])),
  );
  const readsBeside = (path: string): boolean => {
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      if (reading.has(folder)) return true;
      if (folder === dirname(folder)) return false;
    }
  };
  const all = files.flatMap(({ path, findings, otherNames }): readonly ScannedFile[] => {
    const file = results.get(path);
    if (file === undefined) return [];
    const isShared = reading.size > 0 && otherNames > 0 && readsBeside(path);
    const more = isShared ? [...findings, { rule: LINK_RULES.hard, members: [] }] : findings;
    if (more.length === 0) return [file];
    const own = verdictOf(more, false);
    const verdict = own === "not-a-model" ? file.verdict : worstOf(new Set([own, file.verdict]));
    return [{ ...file, verdict, findings: [...file.findings, ...more.map(reported)] }];
  });
  const unread = links.map(({ path, findings }): ScannedFile => {
    return { path, size: 0, verdict: verdictOf(findings, false), formats: [], findings: findings.map(reported) };
  });
  return [...all, ...unread];
}

/** The rule of ONNX files whose data lies in other files. */
const EXTERNAL = "onnx.external-data";

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
  return worstOf(verdicts);
}

function worstOf(verdicts: ReadonlySet<ArtifactVerdict>): ArtifactVerdict {
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
