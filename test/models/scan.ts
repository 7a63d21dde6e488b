/**
 * Scans bytes with named readers only, and gives what a test compares.
 *
 * @module
 */

import type { Format } from "../../src/models/scan/format.ts";
import { DEFAULT_SCAN_LIMITS, type ScanLimits } from "../../src/models/scan/limits.ts";
import { scanSource, type SourceScan } from "../../src/models/scan/scan-source.ts";
import { bytesSource } from "../../src/models/scan/source.ts";

export interface Scanned {
  readonly verdict: SourceScan["verdict"];
  /** Ids of the rules of the findings, each once, sorted. */
  readonly rules: readonly string[];
  readonly findings: SourceScan["findings"];
}

export function scanBytes(
  formats: Format | readonly Format[],
  bytes: Uint8Array,
  name = "file.bin",
  limits: ScanLimits = DEFAULT_SCAN_LIMITS,
): Scanned {
  const list = Array.isArray(formats) ? (formats as readonly Format[]) : [formats as Format];
  const { verdict, findings } = scanSource(bytesSource(bytes), name, { formats: list, limits });
  return { verdict, findings, rules: [...new Set(findings.map(({ rule }) => rule.id))].toSorted() };
}
