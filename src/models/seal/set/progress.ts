/**
 * The progress of many files, one after another, as that of the whole.
 *
 * @module
 */

import type { PassageOptions } from "../passage.ts";

/** Options for one file after another: its progress is told as that of all. */
export function progressOver(files: readonly { readonly size: number }[], options: PassageOptions): PassageOptions {
  const { progress, threads, signal } = options;
  const kept = { ...(threads !== undefined && { threads }), ...(signal !== undefined && { signal }) };
  if (progress === undefined) return kept;
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  return {
    ...kept,
    progress: (done, size) => {
      progress(Math.min(before + done, total), total);
      if (done === size) before += size;
    },
  };
}
