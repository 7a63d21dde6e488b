/**
 * Commands in scripts, notebooks and Python code that fetch code and run it, or hand a shell to somebody else. Judged line
 * by line, in linear time. Commands as such are no finding: training scripts are full of them.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";

const REMEDY = "do not run it: read what it fetches, and from where";
const REFERENCES = ["AML.T0011.000", "AML.T0050", "OWASP-LLM03:2025"] as const;

const RULES = {
  fetches: {
    id: "shell.fetch-and-run",
    severity: "high",
    verdict: "suspicious",
    why: "it has a command that fetches code from elsewhere and runs it at once",
    remedy: REMEDY,
    references: [...REFERENCES],
  },
  remote: {
    id: "shell.remote-shell",
    severity: "critical",
    verdict: "malicious",
    why: "it has a command that hands a shell of the machine to another one",
    remedy: "do not run it, and treat a machine that did as taken over",
    references: [...REFERENCES],
  },
  encoded: {
    id: "shell.encoded-command",
    severity: "high",
    verdict: "suspicious",
    why: "it has a command that decodes what it runs, so that nobody who reads it sees what that is",
    remedy: REMEDY,
    references: [...REFERENCES],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const SHELL_RULES: readonly ScanRule[] = Object.values(RULES);

const FETCH = /\b(?:curl|wget|fetch|iwr|Invoke-WebRequest|DownloadString|certutil|bitsadmin)\b/i;
const TO_SHELL =
  /\|\s{0,9}(?:sudo\s{1,9})?(?:env\s{1,9})?(?:\/(?:usr\/)?bin\/)?(?:ba|z|da|k|c)?sh\b|\|\s{0,9}(?:sudo\s{1,9})?(?:python3?|perl|ruby|node|iex)\b|\b(?:bash|sh|zsh|python3?)\s{1,9}(?:-c\s{1,9})?(?:"?\$\(|<\(|`)\s{0,9}(?:curl|wget)|\b(?:iex|Invoke-Expression)\b/i;
const REMOTE =
  /\/dev\/(?:tcp|udp)\/[^\s/]{1,255}\/[0-9$]|\bn(?:c|cat|etcat)(?:\.\w{1,16})?\s(?:[^|;&\n]{0,200}\s)?-(?:e|c)\s{0,9}\S{0,20}(?:sh|cmd)\b|\b(?:ba|z)?sh\s{1,9}-i\s{0,9}[>&<]/;
const ENCODED =
  /\bbase64\s{1,9}(?:-d|-D|--decode)\b[^\n]{0,500}\|\s{0,9}(?:sudo\s{1,9})?(?:ba|z|da)?sh\b|\bpowershell(?:\.exe)?\s[^\n]{0,200}-e(?:nc|ncodedcommand)?\s/i;

/** Longest line that is judged whole; of a longer one every stretch of this length is. */
const LINE = 4096;

/** Reports the commands in `text`. */
export function judgeShell(text: string, context: ScanContext): void {
  if (
    !/curl|wget|fetch|iwr|WebRequest|DownloadString|certutil|bitsadmin|\/dev\/|\bnc|ncat|netcat|sh\s+-i|base64|powershell/i.test(
      text,
    )
  ) {
    return;
  }
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    for (let at = 0; at < line.length; at += LINE / 2) {
      const piece = line.slice(at, at + LINE);
      const detail = `line ${number}`;
      if (REMOTE.test(piece)) context.report(RULES.remote, { detail });
      if (ENCODED.test(piece)) context.report(RULES.encoded, { detail });
      if (FETCH.test(piece) && TO_SHELL.test(piece)) context.report(RULES.fetches, { detail });
    }
  }
}
