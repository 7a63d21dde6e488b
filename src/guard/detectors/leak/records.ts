/**
 * Reads the documents of a corpus from a file, in pieces: a plain text is one; of JSON Lines each line is one, of a
 * table (RFC 4180) each row, by the field that holds the text.
 *
 * @module
 */

import { createReadStream } from "node:fs";
import { extname } from "node:path";

import { coreError, isHoldfastError, parseJson } from "../../../core/index.ts";
import { leakError } from "./errors.ts";

/** Takes the documents of a corpus, each in pieces. */
export interface DocumentSink {
  text(piece: string): void;
  end(): void;
}

type Kind = "text" | "lines" | "table";

const KINDS: Readonly<Record<string, Kind>> = {
  __proto__: null as never,
  ".txt": "text",
  ".md": "text",
  ".jsonl": "lines",
  ".ndjson": "lines",
  ".csv": "table",
  ".tsv": "table",
};
/** Most bytes of one line of JSON, and levels in it. */
const LINE_LIMITS = { maxBytes: 16 * 1024 * 1024, maxDepth: 64 };

/** Whether a file of a folder is read. One that is named is read whatever its name, as plain text. */
export function isCorpusFile(path: string): boolean {
  return KINDS[extname(path).toLowerCase()] !== undefined;
}

/**
 * Reads all documents of a file into `sink`; returns how many.
 *
 * @throws `guard.corpus-unreadable`, `guard.corpus-record`, `core.utf8-invalid`
 */
export async function readFile(
  path: string,
  field: string,
  sink: DocumentSink,
  progress: (bytes: number) => void,
): Promise<number> {
  const extension = extname(path).toLowerCase();
  const reader = openReader(KINDS[extension] ?? "text", extension === ".tsv" ? "\t" : ",", path, field, sink);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const chunk of createReadStream(path)) {
      const bytes = chunk as Uint8Array;
      reader.push(decode(decoder, bytes));
      progress(bytes.length);
    }
    reader.push(decode(decoder, undefined));
  } catch (cause) {
    if (isHoldfastError(cause)) throw cause;
    throw leakError("guard.corpus-unreadable", { detail: path, cause });
  }
  return reader.end();
}

function decode(decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array | undefined): string {
  try {
    return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
  } catch {
    throw coreError("core.utf8-invalid");
  }
}

interface Reader {
  push(text: string): void;
  /** Documents in all. */
  end(): number;
}

function openReader(kind: Kind, separator: string, path: string, field: string, sink: DocumentSink): Reader {
  switch (kind) {
    case "lines":
      return lineReader(path, field, sink);
    case "table":
      return tableReader(separator, path, field, sink);
    default:
      return textReader(sink);
  }
}

function textReader(sink: DocumentSink): Reader {
  return {
    push: (text) => {
      sink.text(text);
    },
    end: () => {
      sink.end();
      return 1;
    },
  };
}

function lineReader(path: string, field: string, sink: DocumentSink): Reader {
  let rest = "";
  let line = 0;
  let documents = 0;
  const read = (text: string): void => {
    line += 1;
    if (text.trim() === "") return;
    const value = parse(text, `${path}:${line}`);
    const own = typeof value === "object" && value !== null && Object.hasOwn(value, field);
    const content = own ? (value as Readonly<Record<string, unknown>>)[field] : undefined;
    if (typeof content !== "string") throw leakError("guard.corpus-record", { detail: `${path}:${line}` });
    sink.text(content);
    sink.end();
    documents += 1;
  };
  return {
    push: (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > LINE_LIMITS.maxBytes) parse(rest, `${path}:${line + 1}`);
      for (const next of lines) read(next);
    },
    end: () => {
      if (rest !== "") read(rest);
      return documents;
    },
  };
}

function parse(text: string, place: string): unknown {
  try {
    return parseJson(text, LINE_LIMITS);
  } catch (cause) {
    throw leakError("guard.corpus-unreadable", { detail: place, cause });
  }
}

/** `quote`: a quotation mark was the last character of a quoted field, which ends it or is the first of two. */
type FieldState = "start" | "plain" | "quoted" | "quote";

function tableReader(separator: string, path: string, field: string, sink: DocumentSink): Reader {
  /** Index of the column with the text; -1 in the first row, which names them. */
  let wanted = -1;
  const names: string[] = [];
  let name = "";
  let column = 0;
  let row = 1;
  let documents = 0;
  let state: FieldState = "start";
  let empty = true;

  const add = (text: string): void => {
    if (text === "") return;
    empty = false;
    if (wanted === -1) name += text;
    else if (column === wanted) sink.text(text);
  };
  const endField = (): void => {
    if (wanted === -1) names.push(name);
    name = "";
    column += 1;
    state = "start";
  };
  const endRow = (): void => {
    const blank = empty && column === 0;
    endField();
    if (wanted === -1) {
      wanted = names.map((one) => one.replace(/^\uFEFF/, "").trim()).indexOf(field);
      if (wanted === -1) throw leakError("guard.corpus-record", { detail: `${path}: no column ${field}` });
    } else if (!blank) {
      if (column <= wanted) throw leakError("guard.corpus-record", { detail: `${path}: row ${row}` });
      sink.end();
      documents += 1;
    }
    column = 0;
    row += 1;
    empty = true;
  };

  return {
    push: (text) => {
      let from = 0;
      for (let at = 0; at < text.length; at++) {
        const unit = text.charAt(at);
        if (state === "quoted") {
          if (unit !== '"') continue;
          add(text.slice(from, at));
          from = at + 1;
          state = "quote";
          continue;
        }
        if (unit === '"' && state !== "plain") {
          // The second of two is one that the field holds; the first of a field opens it.
          if (state === "quote") add('"');
          from = at + 1;
          state = "quoted";
          continue;
        }
        state = "plain";
        if (unit !== separator && unit !== "\n" && unit !== "\r") continue;
        add(text.slice(from, at));
        from = at + 1;
        if (unit === separator) endField();
        else if (unit === "\n") endRow();
      }
      add(text.slice(from));
    },
    end: () => {
      if (!empty || column > 0) endRow();
      return documents;
    },
  };
}
