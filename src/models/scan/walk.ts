/**
 * The files that a scan reads: what is named, and what folders hold, each file once.
 *
 * Links are followed within the folder that was named, since models consist of them; a folder or file that was met already is
 * not met again. A link that leads out of it is a finding: what it leads to is read where it is a file, and not where it is a
 * folder, which may be the whole disk. What is not read is told.
 *
 * @module
 */

import type { BigIntStats, Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

import { scanError } from "./errors.ts";
import type { ScanFinding } from "./finding.ts";
import { linkFindings } from "./links.ts";

interface WalkedFile {
  readonly path: string;
  readonly size: number;
  /** Changes with the file: its size, time, and place on the disk. */
  readonly state: string;
  /** What the walk itself says of it. */
  readonly findings: readonly ScanFinding[];
  /** Names that it has besides those that were met: hard links from elsewhere. */
  readonly otherNames: number;
}

/** A link that leads out of its folder, and to no file that is read under its name. */
interface WalkedLink {
  readonly path: string;
  readonly findings: readonly ScanFinding[];
}

export interface Skipped {
  readonly path: string;
  readonly why: string;
  /** It may hold a model: without it the scan is not complete. */
  readonly incomplete: boolean;
}

export interface Walk {
  readonly files: readonly WalkedFile[];
  readonly links: readonly WalkedLink[];
  readonly skipped: readonly Skipped[];
}

/** The past of a folder, which no loader reads. */
const SKIPPED_FOLDERS: readonly string[] = [".git"];
const MAX_FILES = 5_000_000;

/**
 * Lists files in the order of their names.
 *
 * @throws `models.scan-missing` for a path that is not there, `models.scan-too-many`
 */
export async function walk(paths: readonly string[]): Promise<Walk> {
  const files: (Omit<WalkedFile, "otherNames"> & { readonly place: string; readonly names: number })[] = [];
  const links: WalkedLink[] = [];
  const skipped: Skipped[] = [];
  /** Of each place on the disk, by how many names of its own it was met. */
  const met = new Map<string, number>();

  const visit = async (path: string, entry?: { readonly folder: string; readonly isLink: boolean }): Promise<void> => {
    const findings = entry?.isLink === true ? await linkFindings(path, entry.folder) : [];
    const tell = (): void => void (findings.length > 0 && links.push({ path, findings }));
    let found: BigIntStats;
    try {
      found = await stat(path, { bigint: true });
    } catch (cause) {
      if (entry === undefined) throw scanError("models.scan-missing", { detail: path, cause });
      tell();
      skipped.push({ path, why: unreadable(cause), incomplete: true });
      return;
    }
    const place = `${found.dev}:${found.ino}`;
    const names = met.get(place);
    if (entry?.isLink !== true) met.set(place, (names ?? 0) + 1);
    // Some file systems have no inodes: there, a file is never taken for another one.
    if (found.ino !== 0n && names !== undefined) {
      tell();
      return;
    }
    if (found.isDirectory() && findings.length > 0) {
      tell();
      skipped.push({ path, why: "a link to a folder outside", incomplete: true });
      return;
    }
    if (entry?.isLink === true) met.set(place, 0);
    if (found.isDirectory()) {
      await visitFolder(path, entry?.folder);
    } else if (found.isFile()) {
      if (files.length >= MAX_FILES) throw scanError("models.scan-too-many", { detail: `limit ${MAX_FILES}` });
      const state = `${found.size}:${found.mtimeNs}:${found.ctimeNs}:${place}`;
      files.push({ path, size: Number(found.size), state, findings, place, names: Number(found.nlink) });
    } else {
      tell();
      skipped.push({ path, why: "not a regular file", incomplete: true });
    }
  };

  const visitFolder = async (path: string, above: string | undefined): Promise<void> => {
    let folder: string;
    let entries: readonly Dirent[];
    try {
      folder = above ?? (await realpath(path));
      entries = (await readdir(path, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      skipped.push({ path, why: unreadable(error), incomplete: true });
      return;
    }
    for (const entry of entries) {
      const below = join(path, entry.name);
      if (SKIPPED_FOLDERS.includes(entry.name)) {
        skipped.push({ path: below, why: `a folder ${entry.name}`, incomplete: false });
      } else await visit(below, { folder, isLink: entry.isSymbolicLink() });
    }
  };

  for (const path of paths) await visit(path);
  const counted = files.map(({ place, names, ...file }) => ({ ...file, otherNames: names - (met.get(place) ?? 0) }));
  return { files: counted, links, skipped };
}

/** The system's code says enough; its message repeats the path. */
function unreadable(error: unknown): string {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return `unreadable (${typeof code === "string" ? code : "unknown error"})`;
}
