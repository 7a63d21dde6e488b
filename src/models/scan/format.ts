/**
 * The port of the scan: one reader for each format of files, behind one interface.
 *
 *     source -> the formats whose `sniff` says yes -> scan -> findings
 *                                                      \-> members, each a source again
 *
 * A format is chosen by content. More than one may claim the same bytes (a polyglot), and then all of them read it. A
 * reader never trusts a length, a count or a name of the file; it reads to the end; and what it gives up on it reports
 * by a rule whose verdict is `inconclusive`.
 *
 * @module
 */

import type { ScanRule } from "./finding.ts";
import type { Source } from "./source.ts";

export interface Format {
  /** Its word in the field: `pickle`, `safetensors`. */
  readonly id: string;
  /** All rules that this reader may report. */
  readonly rules: readonly ScanRule[];
  /**
   * Whether the bytes look like this format: by magic numbers and structure; the name decides only between formats that
   * share their bytes, and for those that have no mark of their own. Reads little.
   */
  readonly sniff: (source: Source, name: string) => boolean;
  /** Reads the whole and reports. An error that it throws makes the file inconclusive. */
  readonly scan: (source: Source, context: ScanContext) => void;
}

/** What a reader gets besides the bytes. */
export interface ScanContext {
  /** The file's or member's own name: the last of its path. */
  readonly name: string;
  /** Reports a finding at `offset` of this source. */
  readonly report: (rule: ScanRule, at?: { readonly offset?: number; readonly detail?: string }) => void;
  /** Scans a member: any format, one level deeper. Depth, count and bytes of members are limited for the whole file. */
  readonly member: (name: string, source: Source) => void;
  /**
   * Takes `amount` from a budget of the whole file, and says whether it was there. Where not, the limit is reported, and
   * the reader ends: the file is inconclusive.
   */
  readonly spend: (what: Budget, amount: number) => boolean;
}

/** What a file may cost: bytes that are decompressed or copied, members of archives, steps of a machine or parser. */
export type Budget = "bytes" | "members" | "steps";
