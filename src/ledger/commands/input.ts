/**
 * What the ledger's commands take from the command line.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { type CommandInput, textOption } from "../../core/index.ts";
import { ledgerError } from "../errors.ts";
import { diskFiles } from "../files.ts";
import { readVkey } from "../key.ts";
import type { LedgerServices } from "../module.ts";

type Input = CommandInput<LedgerServices>;

export function folderOf({ options, services }: Input): string {
  return textOption(options, "dir") ?? services.ledgerFolder;
}

/** The key given with `--vkey`, itself or in a file; else that of this installation. @throws `ledger.vkey-invalid` */
export async function vkeyOf({ options, services }: Input): Promise<string> {
  const given = textOption(options, "vkey");
  if (given !== undefined) return existsSync(given) ? readFileSync(given, "utf8").trim() : given;
  // A copy from elsewhere is verified with the key of whoever it is from, never with one that happens to be here.
  const own = options["dir"] === undefined ? await readVkey(diskFiles, services.ledgerKeyFile) : undefined;
  if (own !== undefined) return own;
  throw options["dir"] === undefined
    ? ledgerError("ledger.empty-folder", { detail: services.ledgerFolder, hint: "`holdfast up` makes one" })
    : ledgerError("ledger.vkey-invalid", { detail: "none given", hint: "give the ledger's public key with --vkey" });
}

/** A whole number from the command line. @throws `ledger.range-invalid` */
export function wholeNumber(text: string, name: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw ledgerError("ledger.range-invalid", { detail: `${name} ${text}` });
  return value;
}
