/**
 * `holdfast ledger prove`.
 *
 * @module
 */

import { writeFile } from "node:fs/promises";
import { type CommandRun, textOption } from "../../core/index.ts";
import { ledgerError } from "../errors.ts";
import type { LedgerServices } from "../module.ts";
import { openLedgerReader } from "../reader.ts";
import { encodeTlogProof } from "../tlog-proof.ts";
import { folderOf, wholeNumber } from "./input.ts";

export const run: CommandRun<LedgerServices> = async (input) => {
  const reader = openLedgerReader(folderOf(input));
  const checkpoint = await reader.checkpoint();
  if (checkpoint === undefined) throw ledgerError("ledger.empty-folder", { detail: folderOf(input) });
  const index = wholeNumber(input.args["index"] ?? "", "index");
  const hashes = await reader.inclusionProof(index, checkpoint.size);
  const proof = encodeTlogProof({ index, hashes, checkpoint: checkpoint.note });

  const output = textOption(input.options, "output");
  if (output === undefined) return { data: { index, size: checkpoint.size, proof }, text: () => proof.trimEnd() };
  const entry = `${output}.entry`;
  await writeFile(output, proof);
  await writeFile(entry, await reader.entry(index));
  return {
    data: { index, size: checkpoint.size, proof, files: { proof: output, entry } },
    text: () => `proof of entry ${index} of ${checkpoint.size}: ${output}\nthe entry itself: ${entry}`,
  };
};
