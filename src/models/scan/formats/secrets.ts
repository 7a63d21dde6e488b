/**
 * Secrets in the files beside a model: keys and passwords that its author left in a configuration, a notebook or a
 * script. They are found by the guard's detector; what was found is never repeated.
 *
 * @module
 */

import { isAtLeast } from "../../../core/index.ts";
import { secretsDetector } from "../../../guard/index.ts";
import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import { CREDENTIALS } from "./references.ts";

const RULES = {
  secret: {
    id: "secrets.in-file",
    severity: "high",
    verdict: "suspicious",
    why: "it holds a secret, which everybody who gets the model gets with it",
    remedy: "revoke the secret where it was issued, and remove it from the file and from the history of its repository",
    references: [...CREDENTIALS],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const SECRET_RULES: readonly ScanRule[] = Object.values(RULES);

/** Reports the secrets in `text` by their kind and place. */
export function judgeSecrets(text: string, context: ScanContext): void {
  const found = secretsDetector.detect(text, { direction: "response", origin: "document", pointer: "" });
  for (const { rule, severity, location } of found) {
    // A wrong checksum makes it an example.
    if (isAtLeast(severity, "high")) {
      context.report(RULES.secret, { detail: `${rule} at character ${location.start}` });
    }
  }
}
