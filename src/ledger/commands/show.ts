/**
 * `holdfast ledger show`: entries decoded. An entry is foreign data: what is not an in-toto Statement is shown by its
 * length and digest, and control characters never reach the terminal.
 *
 * @module
 */

import { hash } from "node:crypto";
import {
  decodeStatement,
  Exit,
  type CommandResult,
  type CommandRun,
  type Statement,
  textOption,
} from "../../core/index.ts";
import { ledgerError } from "../errors.ts";
import type { LedgerServices } from "../module.ts";
import { openLedgerReader, type LedgerReader } from "../reader.ts";
import { folderOf, wholeNumber } from "./input.ts";

export const run: CommandRun<LedgerServices> = async (input) => {
  const reader = openLedgerReader(folderOf(input));
  const checkpoint = await reader.checkpoint();
  if (checkpoint === undefined) throw ledgerError("ledger.empty-folder", { detail: folderOf(input) });
  const { index } = input.args;
  if (index !== undefined) return showOne(reader, wholeNumber(index, "index"));

  const limit = wholeNumber(textOption(input.options, "limit") ?? "20", "--limit");
  const given = textOption(input.options, "from");
  const from = given === undefined ? Math.max(0, checkpoint.size - limit) : wholeNumber(given, "--from");
  return list(reader, from, Math.max(from, Math.min(checkpoint.size, from + limit)), checkpoint.size);
};

async function showOne(reader: LedgerReader, index: number): Promise<CommandResult> {
  const bytes = await reader.entry(index);
  const decoded = decode(bytes);
  return {
    data: { index, bytes: bytes.length, sha256: digest(bytes), entry: decoded ?? null, base64: base64(bytes) },
    text: (style) => {
      const head = `entry ${style.bold(String(index))}  ${bytes.length} bytes  sha256:${digest(bytes)}`;
      return `${head}\n${decoded === undefined ? `not a statement: ${base64(bytes)}` : pretty(decoded)}`;
    },
  };
}

async function list(reader: LedgerReader, from: number, to: number, size: number): Promise<CommandResult> {
  const rows: { index: number; type: string; subject: string }[] = [];
  for await (const { index, bytes } of reader.entries(from, to)) {
    const decoded = decode(bytes);
    rows.push(
      decoded === undefined
        ? { index, type: "not a statement", subject: `${bytes.length} bytes, sha256:${digest(bytes)}` }
        : { index, type: decoded.predicateType, subject: decoded.subject.map(nameOf).join(", ") },
    );
  }
  const width = String(to).length;
  return {
    data: { size, from, entries: rows },
    text: (style) =>
      [
        ...rows.map(
          ({ index, type, subject }) =>
            `${style.bold(String(index).padStart(width))}  ${line(type)}  ${style.dim(line(subject))}`,
        ),
        style.dim(`${rows.length} of ${size} entries`),
      ].join("\n"),
    exit: size === 0 ? Exit.nothing : Exit.clean,
  };
}

function decode(bytes: Uint8Array): Statement | undefined {
  try {
    return decodeStatement(bytes);
  } catch {
    return undefined;
  }
}

function nameOf(subject: Statement["subject"][number]): string {
  const known = [subject.name, subject.uri, Object.entries(subject.digest ?? {})[0]?.join(":")];
  return known.find((text) => typeof text === "string") ?? "unnamed";
}

/** `https://holdfast.dev/receipt/v1` reads as `receipt/v1`, and nothing breaks the line. */
function line(text: string): string {
  return printable(text.replace("https://holdfast.dev/", "").replaceAll("\n", " ")).padEnd(14);
}

function pretty(statement: Statement): string {
  return printable(JSON.stringify(statement, undefined, 2));
}

/** What could steer the terminal or reorder the line (control and format characters) is shown as its escape. */
function printable(text: string): string {
  return text.replaceAll(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escape);
}

function escape(char: string): string {
  return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
}

function digest(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
