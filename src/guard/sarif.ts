/**
 * Findings as SARIF 2.1.0, which code hosts, editors and issue trackers read.
 *
 * A log holds places and reasons, never the text that matched: no snippets, and fingerprints that are made of rule, file
 * and order alone, so that nobody can try guesses of a short secret against them. Columns count UTF-16 units.
 *
 * Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0; section numbers below are its.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { resolve, sep } from "node:path";

import { artifactUri, SARIF_SCHEMA, sarifLevel, sarifRule } from "../core/index.ts";
import type { PlacedFinding } from "./commands/place.ts";

/** What was found in one file. */
interface SarifFile {
  readonly path: string;
  readonly findings: readonly PlacedFinding[];
}

/** Something that was not read, or not by every detector. */
interface SarifNotice {
  /** Empty where it is about the whole run. */
  readonly path: string;
  readonly message: string;
  /** The check is not complete without it. */
  readonly incomplete: boolean;
}

export interface SarifInput {
  readonly files: readonly SarifFile[];
  readonly notices: readonly SarifNotice[];
  readonly detectors: readonly { readonly id: string; readonly version: string }[];
  /** Paths under it are written relative to it. */
  readonly cwd: string;
}

/** The log as a value: one run of the tool `holdfast`. */
export function sarifLog({ files, notices, detectors, cwd }: SarifInput): Readonly<Record<string, unknown>> {
  const rules = rulesOf(files);
  return {
    $schema: SARIF_SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "holdfast",
            rules: [...rules.values()].map(({ descriptor }) => descriptor),
          },
          extensions: detectors.map(({ id, version }) => ({ name: id, version })),
        },
        // 3.14.17: what columns count.
        columnKind: "utf16CodeUnits",
        invocations: [
          {
            executionSuccessful: !notices.some(({ incomplete }) => incomplete),
            toolExecutionNotifications: notices.map((notice) => notification(notice, cwd)),
          },
        ],
        results: files.flatMap((file) => resultsOf(file, rules, cwd)),
      },
    ],
  };
}

interface Rule {
  readonly index: number;
  readonly descriptor: Readonly<Record<string, unknown>>;
}

/** The rules that found something, as their first finding describes them (3.49). */
function rulesOf(files: readonly SarifFile[]): ReadonlyMap<string, Rule> {
  const rules = new Map<string, Rule>();
  for (const { findings } of files) {
    for (const { rule, severity, message, remedy, references } of findings) {
      if (rules.has(rule)) continue;
      const descriptor = sarifRule({ id: rule, severity, why: message, remedy, references });
      rules.set(rule, { index: rules.size, descriptor });
    }
  }
  return rules;
}

function resultsOf(
  { path, findings }: SarifFile,
  rules: ReadonlyMap<string, Rule>,
  cwd: string,
): readonly Readonly<Record<string, unknown>>[] {
  const seen = new Map<string, number>();
  const uri = uriOf(path, cwd);
  return findings.map(({ rule, severity, message, confidence, location, line, column, endLine, endColumn }) => {
    const order = seen.get(rule) ?? 0;
    seen.set(rule, order + 1);
    return {
      ruleId: rule,
      ruleIndex: rules.get(rule)?.index ?? -1,
      level: sarifLevel(severity),
      message: { text: message },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri },
            region: {
              startLine: line,
              startColumn: column,
              endLine,
              endColumn,
              charOffset: location.start,
              charLength: location.end - location.start,
            },
          },
        },
      ],
      // 3.27.17: the same finding after lines above it changed. By order, since what matched must not be told.
      partialFingerprints: { "holdfast/v1": fingerprint(rule, uri, order) },
      ...(confidence === undefined ? {} : { rank: Math.round(confidence * 1_000) / 10 }),
    };
  });
}

function notification({ path, message, incomplete }: SarifNotice, cwd: string): Readonly<Record<string, unknown>> {
  return {
    level: incomplete ? "error" : "note",
    message: { text: message },
    ...(path === "" ? {} : { locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(path, cwd) } } }] }),
  };
}

function uriOf(path: string, cwd: string): string {
  return artifactUri(resolve(cwd, path).replaceAll(sep, "/"), cwd.replaceAll(sep, "/"));
}

function fingerprint(rule: string, uri: string, order: number): string {
  return createHash("sha256").update(`${rule}\n${uri}\n${order}`).digest("hex").slice(0, 32);
}
