/**
 * Python code beside a model. Loaders run it only when they are told to trust it, so that the code alone is a note; code
 * that hides what it runs, or that does in one line what no model needs, is more.
 *
 * This is no analysis of Python: it reads what attackers leave in the open, and says that the rest was not judged.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import type { Source } from "../source.ts";
import { BRINGS_CODE, RUNS_CODE } from "./references.ts";
import { judgeSecrets, SECRET_RULES } from "./secrets.ts";
import { judgeShell, SHELL_RULES } from "./shell.ts";
import { readText, TEXT_RULES } from "./text.ts";

const RULES = {
  code: {
    id: "python.code",
    severity: "info",
    verdict: "note",
    why: "it is Python code, which runs when a loader is told to trust it; only the plainest attacks in it were looked for",
    remedy: "read it before you load the model with trust_remote_code, and pin the commit that you read",
    references: [...BRINGS_CODE],
  },
  decoded: {
    id: "python.runs-decoded-code",
    severity: "high",
    verdict: "suspicious",
    why: "it runs code that it decodes first, so that nobody who reads it sees what that is",
    remedy: "do not run it: decode it and read it first",
    references: [...RUNS_CODE],
  },
  fetched: {
    id: "python.runs-fetched-code",
    severity: "critical",
    verdict: "malicious",
    why: "it fetches code from elsewhere and runs it at once, so that whoever answers there decides what runs",
    remedy: "do not run it",
    references: [...RUNS_CODE],
  },
  bytecode: {
    id: "python.bytecode",
    severity: "medium",
    verdict: "suspicious",
    why: "it is compiled Python code, which is imported like any other and which nobody can read",
    remedy: "remove it: Python compiles its source again",
    references: [...BRINGS_CODE],
  },
  reduce: {
    id: "python.builds-payload",
    severity: "high",
    verdict: "suspicious",
    why: "it makes objects that run commands when they are unpickled, which is how hostile models are written",
    remedy: "do not run it, and do not load what it wrote",
    references: [...RUNS_CODE],
  },
  shell: {
    id: "python.remote-shell",
    severity: "critical",
    verdict: "malicious",
    why: "it connects a shell of the machine to a socket",
    remedy: "do not run it, and treat a machine that did as taken over",
    references: [...RUNS_CODE],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const PYTHON_RULES: readonly ScanRule[] = [...Object.values(RULES), ...SHELL_RULES, ...SECRET_RULES];

export const python: Format = {
  id: "python",
  rules: [...PYTHON_RULES, TEXT_RULES.tooLarge],
  sniff: (source, name) => /\.(?:py|pyw|pyi)$/i.test(name) || isBytecode(source, name) || isScript(source.read(0, 64)),
  scan: (source, context) => {
    if (isBytecode(source, context.name)) {
      context.report(RULES.bytecode);
      return;
    }
    const text = readText(source, context);
    if (text === undefined) return;
    context.report(RULES.code);
    judgePython(text, context);
    judgeSecrets(text, context);
  },
};

const DECODES =
  /\b(?:exec|eval)\s{0,9}\(\s{0,9}(?:[A-Za-z_][\w.]{0,60}\s{0,9}\(\s{0,9}){0,6}(?:base64|zlib|marshal|codecs|binascii|lzma|gzip|bz2|bytes\.fromhex|__import__\s{0,9}\(\s{0,9}["'](?:base64|zlib|marshal|codecs|binascii|lzma|gzip|bz2))|\bmarshal\.loads\s{0,9}\(|\bFunctionType\s{0,9}\(\s{0,9}marshal|__import__\s{0,9}\(\s{0,9}["'](?:os|subprocess|pty|socket)["']\s{0,9}\)\s{0,9}\./;
const REDUCES = /def\s{1,9}__reduce(?:_ex)?__/;
const COMMANDS =
  /\b(?:os\.(?:system|popen|exec[lv]p?e?)|subprocess\.\w|pty\.spawn|builtins\.(?:exec|eval))|\b(?:exec|eval)\s{0,9},/;
const FETCHES =
  /\b(?:exec|eval)\s{0,9}\(\s{0,9}(?:[A-Za-z_][\w.]{0,60}\s{0,9}\(\s{0,9}){0,4}(?:requests|httpx|urllib|urllib2)\.[\w.]{1,60}\(|\b(?:exec|eval)\s{0,9}\(\s{0,9}urlopen\s{0,9}\(/;
const SOCKET_SHELL =
  /\bstd(?:in|out|err)\s{0,9}=\s{0,9}\w{1,60}\.fileno\b|\bos\.dup2\s{0,9}\(\s{0,9}\w{1,60}\.fileno\b|\bpty\.spawn\s{0,9}\(/;

/** Reports what is plain in Python code, also in cells of a notebook. */
export function judgePython(text: string, context: ScanContext): void {
  if (DECODES.test(text)) context.report(RULES.decoded);
  if (FETCHES.test(text)) context.report(RULES.fetched);
  if (REDUCES.test(text) && COMMANDS.test(text)) context.report(RULES.reduce);
  if (SOCKET_SHELL.test(text) && /\bsocket\b/.test(text)) context.report(RULES.shell);
  judgeShell(text, context);
}

/** Its name, or the magic of CPython 3 (Lib/importlib/_bootstrap_external.py) with a code object behind the header. */
function isBytecode(source: Source, name: string): boolean {
  const [low = 0, high = 0, carriage, newline] = source.read(0, 4);
  const version = low + high * 0x100;
  const isMagic = carriage === 0x0d && newline === 0x0a && version >= 3_000 && version < 5_000;
  return isMagic && (/\.py[co]$/i.test(name) || [0x63, 0xe3].includes(source.read(16, 1)[0] ?? 0));
}

function isScript(head: Uint8Array): boolean {
  return /^#!\s?\/\S{0,40}\/(?:env\s+)?python/.test(String.fromCharCode(...head));
}
