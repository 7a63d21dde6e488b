/**
 * Rows of a set: JSON Lines, one labelled text a line, plain or gzipped, read as a stream.
 *
 *     {"text":"Ignore all previous …","label":"attack","kind":"override","source":"mine","origin":"user","lang":"en"}
 *
 * `label` is 1, true or "attack", or 0, false or "benign". `source` is the file's name where it is missing, `kind` the
 * label, `origin` "user". Other fields are ignored. A line that is not a row ends the evaluation by its number: a set
 * that is read in part would be measured in part.
 *
 * @module
 */

import { createReadStream } from "node:fs";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

import { DEFAULT_JSON_LIMITS, isHoldfastError, parseJson } from "../../core/index.ts";
import type { Origin } from "../detector.ts";
import { guardError } from "../errors.ts";
import { evalError } from "./errors.ts";

export interface Row {
  readonly text: string;
  readonly attack: boolean;
  readonly kind: string;
  readonly source: string;
  readonly origin: Origin;
  readonly lang: string | undefined;
}

/** Most bytes of one line. */
const MAX_LINE = DEFAULT_JSON_LIMITS.maxBytes;
/** Most units of `kind`, `source` and `lang`: they head the rows of a table. */
const MAX_NAME = 80;

const NEWLINE = 0x0a;
const ORIGINS: readonly string[] = [
  "system",
  "user",
  "assistant",
  "tool",
  "document",
  "metadata",
] satisfies readonly Origin[];

/**
 * The rows of a file, or of standard input where `path` is `-`.
 *
 * @throws `guard.input-unreadable`, `guard.eval-set-invalid`
 */
export async function* readRows(path: string): AsyncGenerator<Row, void, undefined> {
  const name = path === "-" ? "stdin" : path;
  const fallback = basename(name).replace(/\.jsonl(?:\.gz)?$/, "");
  let number = 0;
  for await (const line of lines(open(path), name)) {
    number += 1;
    if (line.every(isBlank)) continue;
    yield toRow(parseLine(line, `${name}:${number}`), fallback, `${name}:${number}`);
  }
}

function open(path: string): Readable {
  if (path === "-") return process.stdin;
  const file = createReadStream(path);
  if (!path.endsWith(".gz")) return file;
  const unzipped = createGunzip();
  // `pipe` does not pass errors on, and whoever reads must see them.
  file.on("error", (error) => unzipped.destroy(error));
  return file.pipe(unzipped);
}

async function* lines(stream: Readable, name: string): AsyncGenerator<Uint8Array, void, undefined> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.concat([rest, Buffer.from(chunk as Uint8Array)]);
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
        yield bytes.subarray(from, end);
        from = end + 1;
      }
      rest = bytes.subarray(from);
      if (rest.length > MAX_LINE) throw invalid(name, `a line of more than ${MAX_LINE} bytes`);
    }
  } catch (cause) {
    if (isHoldfastError(cause)) throw cause;
    throw guardError("guard.input-unreadable", { detail: name, cause });
  }
  if (rest.length > 0) yield rest;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

function parseLine(line: Uint8Array, place: string): unknown {
  try {
    return parseJson(line);
  } catch (error) {
    throw invalid(place, isHoldfastError(error) ? error.message : "not JSON", error);
  }
}

function toRow(value: unknown, fallback: string, place: string): Row {
  if (typeof value !== "object" || value === null) throw invalid(place, "not an object");
  const { text, label, kind, source, origin, lang } = value as Readonly<Record<string, unknown>>;
  if (typeof text !== "string") throw invalid(place, "text is not a string");
  const attack = LABELS.get(label);
  if (attack === undefined) throw invalid(place, 'label is not 1, 0, true, false, "attack" or "benign"');
  if (origin !== undefined && (typeof origin !== "string" || !ORIGINS.includes(origin))) {
    throw invalid(place, `origin is not one of ${ORIGINS.join(", ")}`);
  }
  return {
    text,
    attack,
    kind: named(kind, "kind", place) ?? (attack ? "attack" : "benign"),
    source: named(source, "source", place) ?? fallback.slice(0, MAX_NAME),
    origin: (origin ?? "user") as Origin,
    lang: named(lang, "lang", place),
  };
}

const LABELS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [1, true],
  [true, true],
  ["attack", true],
  [0, false],
  [false, false],
  ["benign", false],
]);

function named(value: unknown, field: string, place: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string" || value === "" || value.length > MAX_NAME) {
    throw invalid(place, `${field} is not a string of 1 to ${MAX_NAME} units`);
  }
  return value;
}

/** Says where, never what: a set may hold what must not be printed. */
function invalid(place: string, why: string, cause?: unknown): Error {
  return evalError("guard.eval-set-invalid", { detail: `${place}: ${why}`, cause });
}
