/**
 * The log: one line for each event on standard error. For machines JSON, for a person on a terminal short text.
 *
 * Never in it: keys, prompts, answers, and the words of errors that are not ours (they may carry any of these). Foreign
 * text cannot start a new line or move the cursor: control characters are written as escapes.
 *
 * @module
 */

import { isHoldfastError, type Clock } from "../core/index.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Readonly<Record<string, unknown>>;

export type Logger = Readonly<Record<LogLevel, (message: string, fields?: LogFields) => void>>;

export interface LogOptions {
  readonly write: (line: string) => void;
  readonly clock: Clock;
  /** The least that is written. */
  readonly level: LogLevel;
  readonly format: "json" | "text";
}

/** Makes a logger. Messages are fixed sentences; what varies goes into the fields. */
export function createLogger({ write, clock, level, format }: LogOptions): Logger {
  const least = LOG_LEVELS.indexOf(level);
  const at =
    (own: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (LOG_LEVELS.indexOf(own) < least) return;
      const time = new Date(clock.now()).toISOString();
      const line =
        format === "json"
          ? JSON.stringify({ time, level: own, message, ...fields }, plain)
          : `${time.slice(11, 19)} ${own.padEnd(5)} ${message}${textFields(fields)}`;
      write(`${printable(line)}\n`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** What may be logged of a thrown value: code and words of our own errors, else only its class and system code. */
export function errorFields(error: unknown): LogFields {
  if (isHoldfastError(error)) return { code: error.code, error: error.message };
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return {
    error: typeof name === "string" ? name : typeof error,
    ...(typeof code === "string" ? { system: code } : {}),
  };
}

/**
 * `text` with every control character, line and paragraph separator and bidirectional control written as an escape, so
 * that foreign text can neither forge a line nor drive a terminal.
 */
export function printable(text: string): string {
  return text.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// C0, DEL, C1, the bidirectional controls and isolates, line and paragraph separators.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function textFields(fields: LogFields): string {
  return Object.entries(fields)
    .map(([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value, plain)}`)
    .join("");
}

/** Big integers have no JSON form, and an Error would print as an empty object. */
function plain(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Error ? errorFields(value) : value;
}
