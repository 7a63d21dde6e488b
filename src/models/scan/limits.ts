/**
 * What scanning one file may cost, and the rules that report what was given up. A limit makes a file inconclusive: it
 * never makes it clean.
 *
 * @module
 */

import type { ScanRule } from "./finding.ts";

export interface ScanLimits {
  /** Bytes that are decompressed or copied, of all members together. Stored members are read in place and cost none. */
  readonly bytes: number;
  /** Members of archives, of all levels together. */
  readonly members: number;
  /** Steps of machines and parsers. */
  readonly steps: number;
  /** Archives in archives. */
  readonly depth: number;
  /** Findings that are kept. */
  readonly findings: number;
}

/**
 * Room for the largest checkpoints that are shared today, and an end within the time limit of a file: a machine of two
 * cores takes some 10 million steps and decompresses some 200 MB in a second.
 */
export const DEFAULT_SCAN_LIMITS: ScanLimits = {
  bytes: 4 * 1024 ** 3,
  members: 100_000,
  steps: 500_000_000,
  depth: 8,
  findings: 1_000,
};

const SPLIT = "scan the parts of the file one by one, or ask its author for a safetensors file";

/** One for each limit, and one for readers that fail. */
export const LIMIT_RULES = {
  bytes: limitRule("bytes", "it holds more bytes to decompress than the limit, which is how a bomb looks"),
  members: limitRule("members", "it holds more members than the limit"),
  steps: limitRule("steps", "it takes more steps to read than the limit"),
  depth: limitRule("depth", "it holds archives in archives deeper than the limit"),
  findings: limitRule("findings", "it holds more findings than are kept"),
  time: limitRule("time", "it took longer to scan than the limit, and was given up"),
  memory: limitRule("memory", "it took more memory to scan than the limit, and was given up"),
  error: {
    id: "scan.unreadable",
    severity: "medium",
    verdict: "inconclusive",
    why: "a reader gave up on it, so that nothing is known of the rest",
    remedy: "do not load it: get it again from its source, or ask for another format",
    references: ["AML.T0010.003"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

function limitRule(name: string, why: string): ScanRule {
  return {
    id: `scan.limit-${name}`,
    severity: "medium",
    verdict: "inconclusive",
    why,
    remedy: SPLIT,
    references: ["AML.T0010.003"],
  };
}
