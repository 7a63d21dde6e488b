/**
 * `holdfast guard check`: reads a text with all detectors and prints what they found, by line and column.
 *
 * Never prints any of the text: what was found may be a secret.
 *
 * @module
 */

import { createReadStream } from "node:fs";

import { decodeUtf8, Exit, type CommandRun, type Finding } from "../../core/index.ts";
import { secretsDetector } from "../detectors/secrets/secrets.ts";
import { unicodeDetector } from "../detectors/unicode/unicode.ts";
import { guardError } from "../errors.ts";
import { createGuard } from "../guard.ts";
import type { DetectorSettings } from "../policy.ts";

/** Most bytes of a text: it is held in memory whole. */
const MAX_BYTES = 64 * 1024 * 1024;

const FLAG: DetectorSettings = { request: "flag", response: "flag", onError: "block" };

/** A finding with its place for people: lines and columns count from 1, columns in UTF-16 units. */
interface PlacedFinding extends Finding {
  readonly line: number;
  readonly column: number;
}

/** Exits 0 when nothing was found, 1 when something was, 2 when a detector failed. */
export const run: CommandRun<unknown> = async ({ args }) => {
  const path = args["path"];
  const text = await readText(path);
  const guard = createGuard({
    detectors: [unicodeDetector, secretsDetector],
    settings: { unicode: FLAG, secrets: FLAG },
  });
  const { verdict } = await guard.inspect([{ pointer: "", text, origin: "document" }], "request");
  const findings = placed(text, verdict.findings);
  const failed = verdict.runs.filter(({ outcome }) => outcome === "error");
  const name = path ?? "stdin";
  return {
    data: { subject: name, findings, runs: verdict.runs },
    text: (style) =>
      [
        ...findings.map(
          ({ line, column, severity, rule, message }) =>
            `${name}:${line}:${column}: ${style.bold(severity)} ${rule}: ${message}`,
        ),
        ...failed.map(({ detector, why }) => style.red(`${detector}: not checked: ${why ?? "it failed"}`)),
        findings.length === 0 && failed.length === 0
          ? `${name}: nothing found by ${verdict.runs.map(({ detector }) => detector).join(", ")}`
          : `${name}: ${findings.length} ${findings.length === 1 ? "finding" : "findings"}`,
      ].join("\n"),
    exit: failed.length > 0 ? Exit.incomplete : findings.length > 0 ? Exit.findings : Exit.clean,
  };
};

/** @throws `guard.input-unreadable`, `guard.input-too-large`, `core.utf8-invalid` */
async function readText(path: string | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of path === undefined ? process.stdin : createReadStream(path)) {
      const piece = Buffer.from(chunk as Uint8Array);
      bytes += piece.length;
      if (bytes > MAX_BYTES) break;
      chunks.push(piece);
    }
  } catch (cause) {
    throw guardError("guard.input-unreadable", { detail: path ?? "standard input", cause });
  }
  if (bytes > MAX_BYTES) throw guardError("guard.input-too-large", { detail: `more than ${MAX_BYTES} bytes` });
  return decodeUtf8(Buffer.concat(chunks));
}

function placed(text: string, findings: readonly Finding[]): readonly PlacedFinding[] {
  let line = 1;
  let lineStart = 0;
  return findings
    .toSorted((one, other) => one.location.start - other.location.start)
    .map((finding) => {
      const { start } = finding.location;
      for (
        let next = text.indexOf("\n", lineStart);
        next !== -1 && next < start;
        next = text.indexOf("\n", lineStart)
      ) {
        line += 1;
        lineStart = next + 1;
      }
      return { ...finding, line, column: start - lineStart + 1 };
    });
}
