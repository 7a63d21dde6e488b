/**
 * Archives of tar, read as they flow: the files in them, and nothing else. What a model does not need is refused by name
 * rather than passed over, so that no two readers see two models in the same bytes: links, devices, sparse files, names
 * given twice, bytes behind the end. Names are not judged here.
 *
 * Sources: POSIX.1-2024, pax, «ustar Interchange Format» and «pax Extended Header»; GNU tar manual, «Basic Tar Format»
 * (long names, numbers in base 256).
 *
 * @module
 */

import { decodeUtf8, isHoldfastError } from "../../../core/index.ts";
import { createIntake, type Intake } from "../../seal/intake.ts";
import { printable } from "../digest.ts";
import { registryError } from "../errors.ts";

/** One file of an archive. Its bytes are there until the next one is asked for. */
export interface TarFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

const BLOCK = 512;
const CHUNK_BYTES = 65_536;
/** Bytes of a long name or of a pax header at most. */
const MOST_NAME_BYTES = 65_536;
/** Headers at most: files, folders and names. */
const MOST_HEADERS = 400_000;

/** What stands at typeflag, besides files and folders. */
const REFUSED: Readonly<Record<string, string>> = {
  "1": "a hard link",
  "2": "a symbolic link",
  "3": "a character device",
  "4": "a block device",
  "6": "a pipe",
  S: "a sparse file",
};

interface Header {
  readonly name: string;
  readonly size: number;
  readonly type: string;
}

/** What headers said of the next file. */
interface Said {
  readonly path?: string | undefined;
  readonly size?: number | undefined;
}

/**
 * The files of an archive, in its order, to its very end.
 *
 * @throws `models.oci-invalid`, `models.limit-exceeded`; what `source` throws
 */
export async function* tarFiles(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarFile, void, undefined> {
  const intake = createIntake(source);
  let said: Said = {};
  for (let count = 0; ; count++) {
    if (count === MOST_HEADERS)
      throw registryError("models.limit-exceeded", { detail: `${MOST_HEADERS} headers of tar` });
    const block = await intake.take(BLOCK);
    if (block.length < BLOCK) throw invalid("it is cut short");
    if (isZero(block)) break;
    const header = readHeader(block);
    if (header.type === "L" || header.type === "x") {
      if (said.path !== undefined || said.size !== undefined) throw invalid("a name is given twice");
      const text = await takeText(intake, header.size);
      said = header.type === "L" ? { path: text.replace(/\0$/, "") } : paxSaid(text);
      continue;
    }
    if (header.type === "g") {
      const { path, size } = paxSaid(await takeText(intake, header.size));
      if (path !== undefined || size !== undefined) throw invalid("a pax header names all files alike");
      continue;
    }
    const name = said.path ?? header.name;
    const size = said.size ?? header.size;
    said = {};
    if (header.type === "5") {
      if (size !== 0) throw invalid(`${printable(name)} is a folder with bytes of its own`);
      // Folders follow from the files in them. One that leads out is still a sign of what the archive is for.
      if (name.split("/").includes("..")) throw invalid(`${printable(name)} leads out of the folder`);
      continue;
    }
    if (header.type !== "0" && header.type !== "\0") {
      throw invalid(`${printable(name)} is ${REFUSED[header.type] ?? `of the kind ${printable(header.type)}`}`);
    }
    let left = size;
    const bytes = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      while (left > 0) {
        const piece = await intake.take(Math.min(left, CHUNK_BYTES));
        if (piece.length === 0) throw invalid("it is cut short");
        left -= piece.length;
        yield piece;
      }
    };
    yield { path: name.replace(/^(?:\.\/)+/, ""), size, bytes: bytes() };
    for await (const rest of bytes()) void rest;
    await skipPadding(intake, size);
  }
  while (!(await intake.atEnd())) {
    if (!isZero(await intake.take(CHUNK_BYTES))) throw invalid("there are bytes behind its end");
  }
}

function readHeader(block: Uint8Array): Header {
  const stated = numberIn(block.subarray(148, 156));
  let sum = 0;
  for (const [at, byte] of block.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte;
  if (stated !== sum) throw invalid("a header's checksum is wrong");
  const size = numberIn(block.subarray(124, 136));
  if (size === undefined) throw invalid("a header has no size");
  // GNU's own format keeps times where POSIX keeps the first part of the name.
  const isPosix = Buffer.from(block.subarray(257, 263)).toString("latin1") === "ustar\0";
  const prefix = isPosix ? textOf(block.subarray(345, 500)) : "";
  const name = textOf(block.subarray(0, 100));
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    size,
    type: String.fromCharCode(block[156] as number),
  };
}

/** Octal digits, or base 256 where the highest bit is set. */
function numberIn(field: Uint8Array): number | undefined {
  const first = field[0] ?? 0;
  if (first === 0x80) {
    let value = 0;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = /^ *([0-7]{1,12})[ \0]*$/.exec(Buffer.from(field).toString("latin1"))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

/** `<length> <key>=<value>\n`, one after another; the length counts bytes, its own digits among them. */
function paxSaid(text: string): Said {
  const bytes = Buffer.from(text);
  let said: Said = {};
  for (let at = 0; at < bytes.length;) {
    const digits = /^([1-9]\d{0,5}) /.exec(bytes.toString("latin1", at, at + 8))?.[1];
    const end = at + Number(digits);
    const record = digits === undefined ? "" : bytes.toString("utf8", at + digits.length + 1, end);
    const equals = record.indexOf("=");
    if (end > bytes.length || equals < 1 || !record.endsWith("\n")) throw invalid("a pax header cannot be read");
    at = end;
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1, -1)];
    if (key.startsWith("GNU.sparse.")) throw invalid("it holds a sparse file");
    if (key !== "path" && key !== "size") continue;
    if (said[key] !== undefined) throw invalid(`a pax header gives ${key} twice`);
    if (key === "size" && !/^\d{1,15}$/.test(value)) throw invalid("a pax header has no size that can be read");
    said = { ...said, [key]: key === "size" ? Number(value) : value };
  }
  return said;
}

async function takeText(intake: Intake, size: number): Promise<string> {
  if (size > MOST_NAME_BYTES) throw registryError("models.limit-exceeded", { detail: `a name of ${size} bytes` });
  const bytes = await intake.take(size);
  if (bytes.length < size) throw invalid("it is cut short");
  await skipPadding(intake, size);
  return utf8(bytes);
}

async function skipPadding(intake: Intake, size: number): Promise<void> {
  const padding = (BLOCK - (size % BLOCK)) % BLOCK;
  if ((await intake.take(padding)).length < padding) throw invalid("it is cut short");
}

/** Text that ends at the first zero byte. */
function textOf(field: Uint8Array): string {
  const end = field.indexOf(0);
  return utf8(end === -1 ? field : field.subarray(0, end));
}

function utf8(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    if (isHoldfastError(error)) throw invalid("a name is not UTF-8");
    throw error;
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function invalid(detail: string): Error {
  return registryError("models.oci-invalid", { detail: `an archive of it: ${detail}` });
}
