/**
 * What the sealing commands have in common: keys, outputs, an end by Ctrl-C that leaves nothing behind, and evidence.
 *
 * @module
 */

import { PredicateType, statement, uuidv7, type CommandInput, listOption, textOption } from "../../../core/index.ts";
import { enqueueEvidence } from "../../../storage/index.ts";
import type { Identity, Recipient } from "../age/keys.ts";
import { sealError } from "../errors.ts";
import { readIdentities, readRecipients } from "../key-source.ts";
import type { SealServices } from "../commands.ts";
import type { PassageOptions } from "../passage.ts";

export type Input = CommandInput<SealServices>;

/** All recipients that `--to` names. @throws `seal.recipient-missing`, and what `readRecipients` throws */
export async function recipientsOf({ options }: Input): Promise<readonly Recipient[]> {
  const words = listOption(options, "to");
  if (words.length === 0) throw sealError("seal.recipient-missing");
  const read: Recipient[] = [];
  for (const word of words) read.push(...(await readRecipients(word, process.env)));
  return read;
}

/** All keys that `--with` names. @throws `seal.key-missing`, and what `readIdentities` throws */
export async function identitiesOf({ options }: Input): Promise<readonly Identity[]> {
  const words = listOption(options, "with");
  if (words.length === 0) throw sealError("seal.key-missing");
  const read: Identity[] = [];
  for (const word of words) read.push(...(await readIdentities(word, process.env)));
  return read;
}

/** `--key-file`, where it is given. */
export function keyFileOf({ options }: Input): { readonly keyFile?: string } {
  const keyFile = textOption(options, "keyFile");
  return keyFile === undefined ? {} : { keyFile };
}

/** @throws `seal.source-kind` where `--key-file` is given for what is no folder */
export function refuseKeyFile({ options }: Input): void {
  if (options["keyFile"] === undefined) return;
  throw sealError("seal.source-kind", {
    detail: "--key-file is for folders",
    hint: "put the file into a folder and seal that: its key then has a file of its own",
  });
}

/** Runs long work with progress, and so that Ctrl-C ends it in order: what was begun is removed. */
export async function interruptible<T>(
  { progress }: Input,
  what: string,
  work: (options: Required<Pick<PassageOptions, "progress" | "signal">>) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const stop = (): void => abort.abort(sealError("seal.interrupted"));
  for (const signal of STOPS) process.once(signal, stop);
  try {
    return await work({ signal: abort.signal, progress: (done, total) => progress(what, done, total) });
  } catch (error) {
    // What is interrupted may say so in words of its own.
    abort.signal.throwIfAborted();
    throw error;
  } finally {
    for (const signal of STOPS) process.off(signal, stop);
  }
}

const STOPS = ["SIGINT", "SIGTERM"] as const;

/** Hands evidence of what was done to something sealed to the ledger. A set is known by the digest of its manifest. */
export async function recordChange(
  { services }: Input,
  { name, sha256 }: { readonly name: string; readonly sha256: string },
  change: Readonly<Record<string, string | number>> & { readonly what: string },
): Promise<void> {
  const subject = [{ name, digest: { sha256 } }];
  const at = new Date(services.clock.now()).toISOString();
  const db = await services.db();
  await db.transaction((tx) =>
    enqueueEvidence(tx, statement(subject, PredicateType.change, { id: uuidv7(), at, ...change })),
  );
}

/** A set as a subject of evidence. */
export function setSubject(set: { readonly id: string; readonly manifestDigest: string }): {
  readonly name: string;
  readonly sha256: string;
} {
  return { name: `sealed-set:${set.id}`, sha256: set.manifestDigest };
}

/** `1.5 GB`. */
export function bytesText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `1 file`, `3 files`. */
export function filesText(count: number): string {
  return `${count} ${count === 1 ? "file" : "files"}`;
}
