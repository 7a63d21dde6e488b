/**
 * Archives of tar: NeMo's models, and torch's oldest files. Every member is scanned, and what leads out of the folder
 * that it is unpacked into is reported.
 *
 * Source: POSIX.1-2024, pax, "ustar Interchange Format"; GNU tar's long names and numbers in base 256.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import { leadingZeros, sliceSource, type Source } from "../source.ts";
import { leadsOut } from "./zip/archive.ts";

const TAR_RULES = {
  escape: {
    id: "tar.path-escape",
    severity: "critical",
    verdict: "malicious",
    why: "a member's name leads out of the folder that it is unpacked into",
    remedy: "do not unpack it, and find out who made it",
    references: ["AML.T0010.003", "AML.T0011.000"],
  },
  linkEscape: {
    id: "tar.link-escape",
    severity: "critical",
    verdict: "malicious",
    why: "a link leads out of the folder that it is unpacked into, and later members may be written through it",
    remedy: "do not unpack it, and find out who made it",
    references: ["AML.T0010.003", "AML.T0011.000"],
  },
  special: {
    id: "tar.special-file",
    severity: "high",
    verdict: "suspicious",
    why: "a member is a device or a pipe, which no model needs",
    remedy: "do not unpack it",
    references: ["AML.T0010.003"],
  },
  outside: {
    id: "tar.bytes-outside",
    severity: "medium",
    verdict: "suspicious",
    why: "bytes stand in the padding behind a member, where zeros belong",
    remedy: "get it again from its source; where it stays so, unpack it and pack it anew before it is scanned",
    references: ["AML.T0010.003"],
  },
  broken: {
    id: "tar.broken",
    severity: "medium",
    verdict: "inconclusive",
    why: "the archive is cut short or damaged, so that parts of it could not be read",
    remedy: "get it again from its source",
    references: ["AML.T0010.003"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

const BLOCK = 512;
const MAX_NAME_BLOCKS = 1024 * 1024;

export const tarFormat: Format = {
  id: "tar",
  rules: Object.values(TAR_RULES),
  sniff: (source) => readHeader(source, 0) !== undefined,
  scan,
};

function scan(source: Source, context: ScanContext): void {
  let at = 0;
  let longName: string | undefined;
  let longLink: string | undefined;
  let extended: ReadonlyMap<string, string> = new Map();
  while (at + BLOCK <= source.size) {
    if (!context.spend("steps", 1)) return;
    const header = readHeader(source, at);
    if (header === undefined) {
      const begin = at + leadingZeros(sliceSource(source, at, source.size));
      if (begin === source.size) return;
      context.report(TAR_RULES.broken, { offset: at, detail: "no header where one must be" });
      context.member(`bytes at ${begin}`, sliceSource(source, begin, source.size));
      return;
    }
    const size = extended.has("size") ? Number(extended.get("size")) : header.size;
    const data = at + BLOCK;
    if (!Number.isSafeInteger(size) || size < 0 || data + size > source.size) {
      context.report(TAR_RULES.broken, { offset: at, detail: `${header.name}: it reaches past the end` });
    }
    const content = sliceSource(source, data, Number.isSafeInteger(size) ? Math.max(0, size) : source.size);
    at = data + Math.ceil(content.size / BLOCK) * BLOCK;
    const padding = sliceSource(source, data + content.size, at - data - content.size);
    if (leadingZeros(padding) < padding.size) {
      context.report(TAR_RULES.outside, { offset: data + content.size, detail: header.name });
      context.member(`bytes at ${data + content.size}`, padding);
    }
    if (header.type === "L" || header.type === "K") {
      const text = cString(new Uint8Array(content.read(0, MAX_NAME_BLOCKS)));
      if (header.type === "L") longName = text;
      else longLink = text;
      continue;
    }
    if (header.type === "x" || header.type === "g") {
      extended = paxRecords(new Uint8Array(content.read(0, MAX_NAME_BLOCKS)));
      continue;
    }
    const name = extended.get("path") ?? longName ?? header.name;
    const link = extended.get("linkpath") ?? longLink ?? header.link;
    member({ name, link, type: header.type, offset: data - BLOCK }, content, context);
    [longName, longLink, extended] = [undefined, undefined, new Map()];
  }
}

function member(
  { name, link, type, offset }: { name: string; link: string; type: string; offset: number },
  content: Source,
  context: ScanContext,
): void {
  if (leadsOut(name)) context.report(TAR_RULES.escape, { offset, detail: name });
  if (type === "1" || type === "2") {
    const from = type === "2" ? name.split("/").slice(0, -1) : [];
    if (leavesFrom(from, link)) context.report(TAR_RULES.linkEscape, { offset, detail: `${name} -> ${link}` });
  } else if (type === "3" || type === "4" || type === "6") {
    context.report(TAR_RULES.special, { offset, detail: name });
  }
  // Whatever the type says, bytes that are there are read.
  if (content.size > 0) context.member(name, content);
}

/** Whether a link's target, seen from the folder it lies in, is above the top. */
function leavesFrom(folder: readonly string[], link: string): boolean {
  if (/^[/\\]|^[A-Za-z]:/.test(link)) return true;
  let depth = folder.filter((part) => part !== "" && part !== ".").length;
  for (const part of link.split(/[/\\]/)) {
    if (part === "..") depth--;
    else if (part !== "" && part !== ".") depth++;
    if (depth < 0) return true;
  }
  return false;
}

interface TarHeader {
  readonly name: string;
  readonly size: number;
  readonly type: string;
  readonly link: string;
}

/** The header at `at`, if its checksum is right. */
function readHeader(source: Source, at: number): TarHeader | undefined {
  const block = new Uint8Array(source.read(at, BLOCK));
  if (block.length < BLOCK) return undefined;
  const stated = number(block.subarray(148, 156));
  let unsigned = 0;
  let signed = 0;
  for (const [index, byte] of block.entries()) {
    const value = index >= 148 && index < 156 ? 0x20 : byte;
    unsigned += value;
    signed += value > 127 ? value - 256 : value;
  }
  if (stated === undefined || (stated !== unsigned && stated !== signed) || unsigned === 8 * 0x20) return undefined;
  const size = number(block.subarray(124, 136));
  if (size === undefined) return undefined;
  const ustar = Buffer.from(block.subarray(257, 262)).toString("latin1") === "ustar" && block[262] === 0;
  const prefix = ustar ? cString(block.subarray(345, 500)) : "";
  const name = cString(block.subarray(0, 100));
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    size,
    type: String.fromCharCode(block[156] as number),
    link: cString(block.subarray(157, 257)),
  };
}

/** Octal digits, or, where the highest bit is set, base 256. */
function number(field: Uint8Array): number | undefined {
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = first & 0x7f;
    for (const byte of field.subarray(1)) value = value * 0x100 + byte;
    return value;
  }
  const text = cString(field).trim();
  if (text === "") return 0;
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const own = end < 0 ? bytes : bytes.subarray(0, end);
  return Buffer.from(own.buffer, own.byteOffset, own.length).toString("utf8");
}

/** `length key=value\n`, one after another. */
function paxRecords(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    if (space < 0) break;
    const length = Number(Buffer.from(bytes.subarray(at, space)).toString("latin1"));
    if (!Number.isSafeInteger(length) || length <= space - at) break;
    const record = Buffer.from(bytes.subarray(space + 1, at + length - 1)).toString("utf8");
    const equals = record.indexOf("=");
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}
