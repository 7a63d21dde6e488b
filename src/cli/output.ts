/**
 * Results on standard output: one line of JSON for machines, text for people, with colours only where they show.
 *
 * @module
 */

import type { Writable } from "node:stream";

import type { CommandResult, Style } from "../core/index.ts";
import { printable } from "../server/index.ts";
import { cliError } from "./errors.ts";
import type { Format } from "./parse.ts";

export interface Output {
  readonly write: (text: string) => void;
  readonly format: Format;
  readonly style: Style;
}

/** A stream as far as printing needs it. */
interface Stream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Output to `stream`. FORCE_COLOR wins over NO_COLOR, as in Node itself; both count only when not empty. */
export function createOutput(
  stream: Stream,
  format: Format,
  env: Readonly<Record<string, string | undefined>>,
): Output {
  return { write: (text) => stream.write(text), format, style: hasColours(stream, env) ? ANSI : PLAIN };
}

/** Prints one result. */
export function writeResult({ write, format, style }: Output, result: CommandResult): void {
  if (format !== "text") {
    const data = format === "json" ? result.data : result.formats?.[format]?.();
    write(`${escapeControls(JSON.stringify(data, bigintAsText))}\n`);
    return;
  }
  const text = visible(result.text(style), style === ANSI);
  if (text !== "") write(`${text}\n`);
}

/**
 * Puts bytes on standard output, each piece once the one before is taken.
 *
 * @throws `cli.output-closed` where the reader goes away before the end, and what `bytes` throws
 */
export async function writeBytes(stream: Writable, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const part of bytes) {
    await new Promise<void>((resolve, reject) => {
      stream.write(part, (cause) => {
        if (cause instanceof Error) reject(isGone(cause) ? cliError("cli.output-closed", { cause }) : cause);
        else resolve();
      });
    });
  }
}

/** Whether an error of a stream says that nobody reads it any more. */
export function isGone({ code }: NodeJS.ErrnoException): boolean {
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED";
}

const PLAIN: Style = { bold: same, dim: same, red: same, green: same, yellow: same };
const ANSI: Style = {
  bold: ansi(1, 22),
  dim: ansi(2, 22),
  red: ansi(31, 39),
  green: ansi(32, 39),
  yellow: ansi(33, 39),
};

function same(text: string): string {
  return text;
}

function ansi(on: number, off: number): (text: string) => string {
  return (text) => `\u001b[${on}m${text}\u001b[${off}m`;
}

function hasColours(stream: Stream, env: Readonly<Record<string, string | undefined>>): boolean {
  const force = env["FORCE_COLOR"];
  if (force !== undefined && force !== "") return force !== "0" && force !== "false";
  if (env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "") return false;
  return stream.isTTY === true && env["TERM"] !== "dumb";
}

/**
 * Text with its lines and our own colours, and with every other control character escaped: names and messages in it may
 * be foreign, and a terminal obeys whatever it is sent.
 */
function visible(text: string, coloured: boolean): string {
  return text
    .split("\n")
    .map((line) => (coloured ? line.split(OWN_COLOURS).map(keepColours).join("") : printable(line)))
    .join("\n");
}

// oxlint-disable-next-line no-control-regex
const OWN_COLOURS = /(\u001b\[(?:1|2|22|31|32|33|39)m)/;

/** `split` with a group puts the separators at the odd places. */
function keepColours(part: string, index: number): string {
  return index % 2 === 1 ? part : printable(part);
}

/** JSON escapes C0 itself; the rest could still drive a terminal, and means the same escaped. */
function escapeControls(json: string): string {
  return printable(json);
}

function bigintAsText(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
