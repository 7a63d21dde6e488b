/**
 * A thread that scans: one file after another, each from its path to its findings. What it may cost is limited from
 * outside, by whoever may end it.
 *
 * @module
 */

import { parentPort } from "node:worker_threads";

import { openFileSource } from "./file-source.ts";
import { LIMIT_RULES } from "./limits.ts";
import { scanSource, type SourceScan } from "./scan-source.ts";

parentPort?.on("message", (path: string) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
  parentPort?.postMessage(scanPath(path));
});

function scanPath(path: string): SourceScan {
  let source: ReturnType<typeof openFileSource>;
  try {
    source = openFileSource(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const finding = { rule: LIMIT_RULES.error, members: [], detail: `it cannot be opened (${code ?? "not a file"})` };
    return { verdict: "inconclusive", findings: [finding], formats: [] };
  }
  try {
    return scanSource(source, path);
  } finally {
    source.close();
  }
}
