/**
 * `holdfast ledger salt`.
 *
 * @module
 */

import type { CommandRun } from "../../core/index.ts";
import { readCommitter } from "../commitment.ts";
import { ledgerError } from "../errors.ts";
import type { LedgerServices } from "../module.ts";

export const run: CommandRun<LedgerServices> = async ({ args, services }) => {
  const committer = await readCommitter(services.commitmentKeyFile);
  if (committer === undefined)
    throw ledgerError("ledger.commitment-key-missing", { detail: services.commitmentKeyFile });
  const id = args["id"] ?? "";
  const salt = committer.salt(id);
  return { data: { id, salt }, text: () => salt };
};
