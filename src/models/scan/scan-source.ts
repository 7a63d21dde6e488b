/**
 * Scans one source: every format that claims the bytes reads them, members are scanned the same way, one level deeper,
 * and whatever is given up becomes a finding that makes the file inconclusive.
 *
 * @module
 */

import type { ArtifactVerdict } from "../../core/index.ts";
import { verdictOf, type ScanFinding, type ScanRule } from "./finding.ts";
import type { Budget, Format, ScanContext } from "./format.ts";
import { FORMATS } from "./formats/index.ts";
import { DEFAULT_SCAN_LIMITS, LIMIT_RULES, type ScanLimits } from "./limits.ts";
import { printable } from "./printable.ts";
import type { Source } from "./source.ts";

export interface SourceScan {
  readonly verdict: ArtifactVerdict;
  /** In the order in which they were made; of findings that say the same of the same member, the first. */
  readonly findings: readonly ScanFinding[];
  /** Ids of the formats that the file itself, or a member, is in. */
  readonly formats: readonly string[];
}

export interface ScanOptions {
  readonly formats?: readonly Format[];
  readonly limits?: ScanLimits;
}

/**
 * Scans `source` as the file `name`. Never throws for what the bytes say.
 *
 * @example
 * ```ts
 * scanSource(bytesSource(Buffer.from("cos\nsystem\n(S'id'\ntR.")), "model.bin").verdict; // "malicious"
 * ```
 */
export function scanSource(
  source: Source,
  name: string,
  { formats = FORMATS, limits = DEFAULT_SCAN_LIMITS }: ScanOptions = {},
): SourceScan {
  const findings: ScanFinding[] = [];
  const said = new Set<string>();
  const known = new Set<string>();
  const left: Record<Budget, number> = { bytes: limits.bytes, members: limits.members, steps: limits.steps };

  const report = (finding: ScanFinding): void => {
    const key = JSON.stringify([finding.rule.id, finding.members, finding.detail]);
    if (said.has(key)) return;
    if (findings.length >= limits.findings) {
      // The worst must not be lost behind a thousand mild ones.
      const limit = { rule: LIMIT_RULES.findings, members: [], detail: `limit ${limits.findings}` };
      if (findings.length === limits.findings) findings.push(limit);
      if (finding.rule.verdict !== "malicious" || said.has("malicious")) return;
      said.add("malicious");
    }
    said.add(key);
    findings.push(finding);
  };

  const spend = (what: Budget, amount: number, members: readonly string[]): boolean => {
    left[what] -= amount;
    if (left[what] >= 0) return true;
    report({ rule: LIMIT_RULES[what], members, detail: `limit ${limits[what]}` });
    return false;
  };

  const scan = (bytes: Source, members: readonly string[], own: string): void => {
    for (const format of formats) {
      const give = (rule: ScanRule, at: { readonly offset?: number; readonly detail?: string } = {}): void => {
        const detail = at.detail === undefined ? {} : { detail: printable(at.detail) };
        report({ rule, members, ...(at.offset === undefined ? {} : { offset: at.offset }), ...detail });
      };
      const context: ScanContext = {
        name: own,
        report: give,
        spend: (what, amount) => spend(what, amount, members),
        member: (member, inner) => {
          const path = [...members, printable(member)];
          if (path.length > limits.depth) {
            report({ rule: LIMIT_RULES.depth, members: path, detail: `limit ${limits.depth}` });
          } else if (spend("members", 1, members)) {
            scan(inner, path, lastName(member));
          }
        },
      };
      try {
        if (!format.sniff(bytes, own)) continue;
        known.add(format.id);
        format.scan(bytes, context);
      } catch (error) {
        known.add(format.id);
        give(LIMIT_RULES.error, {
          detail: `${format.id}: ${error instanceof Error ? error.message : "unknown error"}`,
        });
      }
    }
  };

  scan(source, [], lastName(name));
  return { verdict: verdictOf(findings, known.size > 0), findings, formats: [...known] };
}

function lastName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}
