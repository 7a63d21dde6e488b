/**
 * Configurations in plain text, and lists of Python packages: secrets in the first, and in the second packages that come
 * from elsewhere than a registry.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import { judgeSecrets, SECRET_RULES } from "./secrets.ts";
import { readText, TEXT_RULES } from "./text.ts";

const REFERENCES = ["AML.T0011.001", "AML.T0010.001", "OWASP-LLM03:2025"] as const;

const RULES = {
  plain: {
    id: "requirements.plain-http",
    severity: "high",
    verdict: "suspicious",
    why: "it installs packages over a connection that anybody on the way can change",
    remedy: "use https, and pin packages by version and digest",
    references: [...REFERENCES],
  },
  direct: {
    id: "requirements.direct-source",
    severity: "low",
    verdict: "note",
    why: "it installs packages from a repository, an address or another index instead of the usual registry",
    remedy: "pin them by commit or digest",
    references: [...REFERENCES],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const configText: Format = {
  id: "config-text",
  rules: [...Object.values(RULES), ...SECRET_RULES, TEXT_RULES.tooLarge],
  sniff: (_source, name) =>
    isRequirements(name) || /(?:^|\.)env(?:\.[\w-]+)?$|\.(?:toml|ini|cfg|conf|properties)$/i.test(name),
  scan: (source, context) => {
    const text = readText(source, context);
    if (text === undefined) return;
    judgeSecrets(text, context);
    if (isRequirements(context.name)) judgeRequirements(text, context);
  },
};

function isRequirements(name: string): boolean {
  return /^(?:[\w-]{0,60}[-_])?requirements?(?:[-_.][\w-]{0,60})?\.(?:txt|in)$/i.test(name);
}

function judgeRequirements(text: string, context: ScanContext): void {
  text.split("\n").forEach((line, index) => {
    const entry = line.trim();
    if (entry.startsWith("#")) return;
    const detail = `line ${index + 1}`;
    if (/(?:^|[\s=@+])http:\/\//.test(entry) || /^--trusted-host\b/.test(entry))
      context.report(RULES.plain, { detail });
    else if (/^(?:--extra-index-url|--index-url|-i\s|--find-links|-f\s)|(?:^|[\s@])(?:git\+|https:\/\/)/.test(entry)) {
      context.report(RULES.direct, { detail });
    }
  });
}
