/**
 * Programs among model files: native executables and libraries, scripts of shells, by their magic and, since two letters
 * are no proof, by the structure behind it. A file of weights that begins with «MZ» is none.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format } from "../format.ts";
import type { Source } from "../source.ts";
import { ByteReader } from "../reader.ts";
import { RUNS_CODE } from "./references.ts";
import { judgeSecrets, SECRET_RULES } from "./secrets.ts";
import { judgeShell, SHELL_RULES } from "./shell.ts";
import { readText, TEXT_RULES } from "./text.ts";

const RULES = {
  native: {
    id: "executable.native",
    severity: "high",
    verdict: "suspicious",
    why: "it is a native program or library, which a model needs none of",
    remedy: "do not run or load it: build what you need from source, and remove it",
    references: [...RUNS_CODE],
  },
  polyglot: {
    id: "executable.llamafile",
    severity: "high",
    verdict: "suspicious",
    why: "it is a program and an archive in one (a llamafile): starting the model runs a program that nobody here checked",
    remedy: "take the weights out of it, or run it only where it can do no harm",
    references: [...RUNS_CODE],
  },
  script: {
    id: "executable.script",
    severity: "info",
    verdict: "note",
    why: "it is a script, which runs only if somebody starts it; only the plainest attacks in it were looked for",
    remedy: "read it before you run it",
    references: [...RUNS_CODE],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const executable: Format = {
  id: "executable",
  rules: [...Object.values(RULES), ...SHELL_RULES, ...SECRET_RULES, TEXT_RULES.tooLarge],
  sniff: (source, name) => kindOf(source, name) !== undefined,
  scan: (source, context) => {
    const kind = kindOf(source, context.name);
    if (kind === "script") {
      context.report(RULES.script);
      const text = readText(source, context);
      if (text === undefined) return;
      judgeShell(text, context);
      judgeSecrets(text, context);
    } else if (kind !== undefined) {
      context.report(kind === "llamafile" ? RULES.polyglot : RULES.native, { offset: 0, detail: kind });
    }
  },
};

function kindOf(source: Source, name: string): string | undefined {
  const head = Uint8Array.from(source.read(0, 64));
  const text = String.fromCharCode(...head);
  // Cosmopolitan's «actually portable executable»: what a llamafile begins with.
  if (/^(?:MZqFpD|jartsr)='/.test(text)) return "llamafile";
  if (text.startsWith("\x7fELF") && isElf(head)) return "ELF";
  if (text.startsWith("MZ") && isPe(source)) return "PE";
  if (head.length >= 32 && isMachO(head)) return "Mach-O";
  if (/^#!\s{0,3}\//.test(text) && !/python/.test(text.split("\n")[0] ?? "")) return "script";
  return /\.(?:sh|bash|bat|cmd|ps1|vbs)$/i.test(name) ? "script" : undefined;
}

/** Class, byte order and version of the identification, each of which has two or one values. */
function isElf(head: Uint8Array): boolean {
  return (head[4] === 1 || head[4] === 2) && (head[5] === 1 || head[5] === 2) && head[6] === 1;
}

function isPe(source: Source): boolean {
  if (source.size < 64) return false;
  const at = new ByteReader(source, 0x3c).u32();
  return String.fromCharCode(...source.read(at, 4)) === "PE\0\0";
}

/** One of the four magics and a known type of file; or a fat binary of few architectures, which Java's classes are not. */
function isMachO(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (const little of [false, true]) {
    const magic = view.getUint32(0, little);
    const type = view.getUint32(12, little);
    if ((magic === 0xfeedface || magic === 0xfeedfacf) && type >= 1 && type <= 12) return true;
    if (magic === 0xcafebabe && !little) {
      const count = view.getUint32(4);
      return count >= 1 && count < 20 && [7, 12, 0x01000007, 0x0100000c].includes(view.getUint32(8));
    }
  }
  return false;
}
