/**
 * `holdfast ledger verify`.
 *
 * @module
 */

import { Exit, type CommandRun, type Style } from "../../core/index.ts";
import type { LedgerServices } from "../module.ts";
import { verifyLedger, type LedgerReport } from "../verify.ts";
import { folderOf, vkeyOf } from "./input.ts";

export const run: CommandRun<LedgerServices> = async (input) => {
  const folder = folderOf(input);
  const vkey = await vkeyOf(input);
  const report = await verifyLedger({
    folder,
    vkey,
    progress: (done, total) => input.progress("verifying the ledger", done, total),
  });
  const { checkpoint, ...rest } = report;
  const empty = report.size === 0 && report.uncheckpointed === 0;
  return {
    data: { folder, vkey, checkpoint: checkpoint?.note ?? null, ...rest },
    text: (style) => (report.ok ? good(style, folder, report, empty) : bad(style, folder, report)).join("\n"),
    exit: report.ok ? (empty ? Exit.nothing : Exit.clean) : Exit.findings,
  };
};

function good(style: Style, folder: string, report: LedgerReport, empty: boolean): string[] {
  const { size, root, checkpoint, uncheckpointed } = report;
  const lines = [
    `${style.green("verified")}  ${folder}`,
    `origin    ${checkpoint?.origin ?? ""}`,
    `entries   ${size}${empty ? ": nothing is recorded yet" : ""}`,
    `root      ${root}`,
    "checked   the checkpoint's signature, every entry, every tile, the journal, and that nothing else is there",
  ];
  if (uncheckpointed > 0) {
    lines.push(`waiting   ${uncheckpointed} durable entries in the journal, not covered by a signature yet`);
  }
  return lines;
}

function bad(style: Style, folder: string, report: LedgerReport): string[] {
  const { problems, problemCount, firstBadIndex } = report;
  const lines = [
    `${style.red("not verified")}  ${folder}: ${problemCount} ${problemCount === 1 ? "problem" : "problems"}`,
    ...problems.map(({ index, file, what }) => `  ${index === null ? "" : `entry ${index}: `}${file}: ${what}`),
  ];
  if (problemCount > problems.length) lines.push(`  and ${problemCount - problems.length} more`);
  if (firstBadIndex !== null) lines.push(`the first bad entry is ${style.bold(String(firstBadIndex))}`);
  return lines;
}
