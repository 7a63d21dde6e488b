/**
 * The scanner, as the registry uses it: of a version every file has to be read, and all of them found clean.
 *
 * @module
 */

import type { ScanFolder } from "../examine.ts";
import { scanFiles, type ScanReport } from "../../scan/report.ts";
import { rulesVersion } from "../../scan/resume.ts";

/** Scans stored files. What was not read makes the verdict inconclusive. */
export const scanStored: ScanFolder = async (path, files, progress) => {
  const report = await scanFiles([path], { progress: (_, done, total) => progress("scanning", done, total) });
  const scanner = `holdfast model scan, rules ${rulesVersion().slice(0, 12)}`;
  if (report.verdict === "clean" && (report.files.length !== files || report.skipped.length > 0)) {
    return { verdict: "inconclusive", scanner, why: `${report.files.length} of ${files} files were read` };
  }
  const why = firstFinding(report, path);
  return { verdict: report.verdict, scanner, ...(why === undefined ? {} : { why }) };
};

/** The finding that explains the verdict best: the first of that verdict. */
function firstFinding({ verdict, files }: ScanReport, folder: string): string | undefined {
  for (const file of files) {
    const finding = file.findings.find((one) => one.verdict === verdict);
    if (finding !== undefined) return `${file.path.slice(folder.length + 1)}: ${finding.rule}, ${finding.why}`;
  }
  return undefined;
}
