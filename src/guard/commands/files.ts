/**
 * The texts that `guard check` reads: standard input, files, and what folders hold. What is not read is told, with the
 * reason, and whether it had to be: a text that could not be read leaves the check incomplete, a picture does not.
 *
 * @module
 */

import { createReadStream, type Stats } from "node:fs";
import { lstat, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";

import { guardError } from "../errors.ts";

/** Most bytes of one text: it is held in memory whole. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

interface SourceText {
  readonly path: string;
  readonly text: string;
}

/** Something that was not read. */
export interface SkippedSource {
  readonly path: string;
  readonly why: string;
  /** It may hold text: without it the check is not complete. */
  readonly incomplete: boolean;
}

export type Source = SourceText | SkippedSource;

/** Folders that hold other people's code, or the past of this one. */
const SKIPPED_FOLDERS: readonly string[] = [".git", "node_modules"];
/** A NUL in the first bytes makes a file binary, as for git. */
const BINARY_PROBE = 8_000;
const TOO_LARGE = `larger than the limit maxFileBytes (${MAX_FILE_BYTES})`;

/**
 * Reads what `paths` name, in their order, folders by name; standard input where there are none.
 *
 * @throws `guard.input-unreadable` for a path that is not there, before anything is read
 */
export async function* readSources(
  paths: readonly string[],
  stdin: Readable = process.stdin,
): AsyncGenerator<Source, void, undefined> {
  if (paths.length === 0) {
    yield named(await readStream("stdin", stdin));
    return;
  }
  const kinds: Stats[] = [];
  for (const path of paths) {
    try {
      kinds.push(await stat(path));
    } catch (cause) {
      throw guardError("guard.input-unreadable", { detail: path, cause });
    }
  }
  for (const [index, path] of paths.entries()) {
    const kind = kinds[index] as Stats;
    if (kind.isDirectory()) yield* readFolder(path);
    else if (kind.isFile()) yield named(await readFile(path));
    // A pipe, as the shell makes them for `<(command)`.
    else yield named(await readStream(path, createReadStream(path)));
  }
}

/** What was named is to be checked, whatever it is. */
function named(source: Source): Source {
  return "text" in source ? source : { ...source, incomplete: true };
}

async function* readFolder(root: string): AsyncGenerator<Source, void, undefined> {
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let names: readonly string[];
    try {
      names = (await readdir(folder)).toSorted();
    } catch (error) {
      yield { path: folder, why: unreadable(error), incomplete: true };
      continue;
    }
    const inner: string[] = [];
    for (const name of names) {
      const path = join(folder, name);
      const kind = await kindOf(path);
      if (kind === "folder" && SKIPPED_FOLDERS.includes(name)) {
        yield { path, why: `a folder ${name}`, incomplete: false };
      } else if (kind === "folder") {
        inner.push(path);
      } else if (kind === "file") {
        yield await readFile(path);
      } else {
        // What a link names is read where it lies, and a socket or device has no end.
        yield { path, why: kind, incomplete: false };
      }
    }
    folders.push(...inner.toReversed());
  }
}

async function kindOf(path: string): Promise<string> {
  try {
    const found = await lstat(path);
    if (found.isDirectory()) return "folder";
    if (found.isFile()) return "file";
    return found.isSymbolicLink() ? "a symbolic link" : "not a regular file";
  } catch {
    // Gone since its folder was listed, or not to be looked at: reading it says which.
    return "file";
  }
}

async function readFile(path: string): Promise<Source> {
  try {
    await using file = await open(path);
    const buffer = Buffer.alloc(Math.min((await file.stat()).size, MAX_FILE_BYTES) + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      length += bytesRead;
      if (bytesRead === 0) break;
      if (length < buffer.length) continue;
      const why = length > MAX_FILE_BYTES ? TOO_LARGE : "it grew while it was read";
      return { path, why, incomplete: true };
    }
    return decoded(path, buffer.subarray(0, length));
  } catch (error) {
    return { path, why: unreadable(error), incomplete: true };
  }
}

async function readStream(path: string, stream: Readable): Promise<Source> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      const piece = Buffer.from(chunk as Uint8Array);
      bytes += piece.length;
      if (bytes > MAX_FILE_BYTES) return { path, why: TOO_LARGE, incomplete: true };
      chunks.push(piece);
    }
  } catch (error) {
    return { path, why: unreadable(error), incomplete: true };
  }
  return decoded(path, Buffer.concat(chunks));
}

/**
 * Text in UTF-8, in UTF-16 where it begins with a byte order mark, and otherwise, unless it is binary, as Windows-1252,
 * which reads any bytes: a secret in an old file is found, whatever its accents become.
 */
function decoded(path: string, bytes: Uint8Array): Source {
  const text = decodeMarked(bytes);
  if (text !== undefined) return { path, text };
  if (bytes.subarray(0, BINARY_PROBE).includes(0)) return { path, why: "a binary file", incomplete: false };
  try {
    return { path, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { path, text: new TextDecoder("windows-1252").decode(bytes) };
  }
}

function decodeMarked(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  return undefined;
}

/** The system's code says enough; its message repeats the path. */
function unreadable(error: unknown): string {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return `unreadable (${typeof code === "string" ? code : "unknown error"})`;
}
