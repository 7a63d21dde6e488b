/**
 * Links in a scanned folder. Whoever loads a model follows them, and so does whoever packs it up again: one that leads out
 * of the folder makes a file of the machine a part of the model.
 *
 * A cache of the Hugging Face hub consists of such links, from its snapshots to files that are named by their digests beside
 * them: these are told by the layout of the cache, and are none.
 *
 * Sources: CVE-2026-27489 (GHSA-3r9x-f23j-gc73) and CVE-2026-34446, ONNX external data through symbolic and hard links;
 * huggingface_hub, "Understand caching".
 *
 * @module
 */

import { readlink, realpath } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";

import type { ScanFinding, ScanRule } from "./finding.ts";
import { printable } from "./printable.ts";

const REFERENCES = ["AML.T0010.003", "OWASP-LLM03:2025", "CVE-2026-27489"] as const;

/** The rules about links. */
export const LINK_RULES = {
  outside: {
    id: "folder.link-outside",
    severity: "high",
    verdict: "suspicious",
    why: "a symbolic link leads out of the folder: loading the model reads, and saving it may write, another file of the machine",
    remedy: "find out who made the link; put the file itself in its place, and scan that",
    references: REFERENCES,
  },
  hard: {
    id: "folder.hard-link",
    severity: "info",
    verdict: "note",
    why: "the file has another name outside of the folder, and an ONNX model beside it reads its data from other files: what is written there is read here",
    remedy: "copy the folder before it is loaded, where others may write to that name",
    references: ["AML.T0010.003", "OWASP-LLM03:2025", "CVE-2026-34446"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** A file of a hub's cache, by its digest. */
const HUB_BLOB = /[/\\](?:models|datasets|spaces)--[^/\\]+[/\\]blobs[/\\][0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/**
 * What is to be said of a symbolic link in a folder: nothing while it stays within it. One whose target is not there, or
 * cannot be seen, is judged by what it says: on another machine it may be there.
 *
 * @param folder as the system knows it (`realpath`)
 */
export async function linkFindings(link: string, folder: string): Promise<readonly ScanFinding[]> {
  const target = await targetOf(link);
  if (target === undefined || isWithin(target, folder) || HUB_BLOB.test(target)) return [];
  return [{ rule: LINK_RULES.outside, members: [], detail: printable(target) }];
}

/** Whether a path is the folder or below it. */
export function isWithin(path: string, folder: string): boolean {
  const inside = relative(folder, path);
  return inside !== ".." && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}

async function targetOf(link: string): Promise<string | undefined> {
  try {
    return await realpath(link);
  } catch {
    // Broken, in a circle, or behind a folder that may not be entered.
  }
  try {
    return resolve(await realpath(dirname(link)), await readlink(link));
  } catch {
    // It went meanwhile, or its own folder may not be entered: the walk says that it could not be read.
    return undefined;
  }
}
