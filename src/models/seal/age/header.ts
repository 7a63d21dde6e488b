/**
 * The header of an age file, read strictly and within limits: who the file is sealed to, and where its payload begins.
 *
 *     age-encryption.org/v1
 *     -> X25519 XEl0dJ6y3C7KZkgmgWUicg63EyXJiwBJW8PdYJ/cYBE
 *     qRS0AMjdjPvZ/WT08U2KL4G+PIooA3hy38SvLpvaC1E
 *     --- HK2NmOBN9Dpq0Gw6xMCuhFcQlQLvZ/wQUi/2scLG75s
 *
 * This reader only says what is there. Whether the header is authentic is known when a key has opened it (`keys.ts`).
 *
 * Source: C2SP age.md v1, «Header» and its ABNF.
 *
 * @module
 */

import { sealError } from "../errors.ts";

/** One way to the file key: its kind and parameters, and the wrapped key. */
export interface HeaderStanza {
  /** The kind first, such as `X25519`. Printable ASCII without spaces. */
  readonly args: readonly string[];
  readonly body: Uint8Array;
}

export interface Header {
  readonly stanzas: readonly HeaderStanza[];
  /** The header from the version line to the line feed after the authentication code. */
  readonly bytes: Uint8Array;
}

/** Bytes of a header. Enough for a thousand recipients, or a hundred post-quantum ones. */
export const MAX_HEADER_BYTES = 256 * 1024;
/** Stanzas of a header: each may cost a key agreement. */
export const MAX_STANZAS = 1024;

const MAGIC = "age-encryption.org/";
const VERSION = `${MAGIC}v1`;
/** How an age file of this version begins. */
export const FIRST_LINE = `${VERSION}\n`;
const LINE_FEED = 0x0a;
/** 64 characters of base64: what a full line of a body holds. */
const COLUMNS = 64;
/** 43 characters: 32 bytes. */
const MAC_LENGTH = 43;

/**
 * Reads the header at the start of `bytes`.
 *
 * @returns undefined when the bytes end before the header does, and it may still become one
 * @throws `seal.header-invalid` with the line and the reason, `seal.header-limit`
 */
export function parseHeader(bytes: Uint8Array): Header | undefined {
  const lines = createLines(bytes);
  const version = lines.next();
  if (version === undefined) return refuseForeign(bytes);
  if (version !== VERSION) {
    throw invalid(1, version.startsWith(MAGIC) ? "a version other than v1" : "not an age file");
  }
  const stanzas: HeaderStanza[] = [];
  for (;;) {
    const line = lines.next();
    if (line === undefined) return undefined;
    if (line.startsWith("-> ")) {
      if (stanzas.length >= MAX_STANZAS) {
        throw sealError("seal.header-limit", { detail: `more than ${MAX_STANZAS} stanzas` });
      }
      const args = line.slice(3).split(" ");
      if (args.includes("")) throw invalid(lines.number(), "an empty argument");
      const body = readBody(lines);
      if (body === undefined) return undefined;
      stanzas.push({ args, body });
    } else if (line.startsWith("--- ")) {
      const mac = line.slice(4);
      if (mac.length !== MAC_LENGTH) throw invalid(lines.number(), "an authentication code of another length");
      decodeBase64(mac, lines.number());
      if (stanzas.length === 0) throw invalid(lines.number(), "no stanza");
      return { stanzas, bytes: bytes.subarray(0, lines.offset()) };
    } else {
      throw invalid(lines.number(), "neither a stanza nor the end of the header");
    }
  }
}

/** @throws `seal.header-invalid` once the bytes cannot become an age file any more */
function refuseForeign(bytes: Uint8Array): undefined {
  const start = Buffer.from(bytes.subarray(0, MAGIC.length)).toString("latin1");
  if (start !== MAGIC.slice(0, start.length)) throw invalid(1, "not an age file");
  return undefined;
}

interface Lines {
  /** The next line without its line feed, or undefined where none ends within the bytes. */
  next(): string | undefined;
  /** Number of the line that came last, from 1. */
  number(): number;
  /** Bytes read so far. */
  offset(): number;
}

function createLines(bytes: Uint8Array): Lines {
  let offset = 0;
  let number = 0;
  return {
    next: () => {
      const end = bytes.indexOf(LINE_FEED, offset);
      if (end === -1 || end >= MAX_HEADER_BYTES) {
        if (bytes.length < MAX_HEADER_BYTES) return undefined;
        throw sealError("seal.header-limit", { detail: `more than ${MAX_HEADER_BYTES} bytes` });
      }
      number++;
      for (let index = offset; index < end; index++) {
        const byte = bytes[index] as number;
        if (byte < 0x20 || byte > 0x7e) throw invalid(number, "a byte that is not printable ASCII");
      }
      const line = Buffer.from(bytes.buffer, bytes.byteOffset + offset, end - offset).toString("latin1");
      offset = end + 1;
      return line;
    },
    number: () => number,
    offset: () => offset,
  };
}

/** Full lines, and a shorter one at the end, which may be empty. */
function readBody(lines: Lines): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  for (;;) {
    const line = lines.next();
    if (line === undefined) return undefined;
    if (line.length > COLUMNS) throw invalid(lines.number(), "a line of more than 64 columns");
    parts.push(decodeBase64(line, lines.number()));
    if (line.length < COLUMNS) return Buffer.concat(parts);
  }
}

/** Canonical base64 without padding (RFC 4648 sections 3.5 and 4): what encodes to the same text again. */
function decodeBase64(text: string, line: number): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64").replace(/={1,2}$/, "") !== text) throw invalid(line, "not canonical base64");
  return bytes;
}

function invalid(line: number, why: string): Error {
  return sealError("seal.header-invalid", { detail: `line ${line}: ${why}` });
}
