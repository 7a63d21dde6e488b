/**
 * Lists of Python packages: what comes from elsewhere than a registry. pip's own files, and the entries of pip in an
 * environment of conda, which are the same words in a list of YAML.
 *
 * Sources: pip's «Requirements File Format»; conda's «Managing environments», `environment.yml`.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";

const FROM_ELSEWHERE = ["AML.T0011.001", "AML.T0010.001", "OWASP-LLM03:2025"] as const;

const RULES = {
  plain: {
    id: "requirements.plain-http",
    severity: "high",
    verdict: "suspicious",
    why: "it installs packages over a connection that anybody on the way can change",
    remedy: "use https, and pin packages by version and digest",
    references: [...FROM_ELSEWHERE],
  },
  direct: {
    id: "requirements.direct-source",
    severity: "low",
    verdict: "note",
    why: "it installs packages from a repository, an address or another index instead of the usual registry",
    remedy: "pin them by commit or digest",
    references: [...FROM_ELSEWHERE],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const REQUIREMENT_RULES: readonly ScanRule[] = Object.values(RULES);

/** Judges each line. */
export function judgeRequirements(text: string, context: ScanContext): void {
  text.split("\n").forEach((line, index) => {
    const entry = line.trim().replace(/^-\s+/, "").replace(/^["']/, "");
    if (entry.startsWith("#")) return;
    const detail = `line ${index + 1}`;
    if (/(?:^|[\s=@+])http:\/\//.test(entry) || /^--trusted-host\b/.test(entry))
      context.report(RULES.plain, { detail });
    else if (/^(?:--extra-index-url|--index-url|-i\s|--find-links|-f\s)|(?:^|[\s@])(?:git\+|https:\/\/)/.test(entry)) {
      context.report(RULES.direct, { detail });
    }
  });
}
