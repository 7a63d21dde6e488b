/**
 * The proof of control G9: verifies the live ledger as an auditor would.
 *
 * @module
 */

import { isHoldfastError, type Observation } from "../core/index.ts";
import { diskFiles } from "./files.ts";
import { readVkey } from "./key.ts";
import type { LedgerServices } from "./module.ts";
import { verifyLedger, type LedgerReport } from "./verify.ts";

const EXPECTED = "a valid signature on the checkpoint, and every entry, tile and other file in agreement with it";
const SCOPE =
  "All files of the ledger on this machine against its public key, as they are now. Not looked at: whether the " +
  "checkpoint agrees with ones handed out earlier, and entries not covered by a checkpoint yet. No outside witness " +
  "holds a checkpoint, so a party that holds the key could rewrite all of it.";

export async function observeAuditTrail(
  services: Pick<LedgerServices, "ledgerFolder" | "ledgerKeyFile">,
): Promise<Observation> {
  const seen = { expected: EXPECTED, scope: SCOPE };
  try {
    const vkey = await readVkey(diskFiles, services.ledgerKeyFile);
    if (vkey === undefined) return { outcome: "unknown", observed: "there is no ledger yet", ...seen };
    const report = await verifyLedger({ folder: services.ledgerFolder, vkey });
    // Nothing is signed yet, so nothing was verified.
    const unsigned = report.ok && report.size === 0;
    return { outcome: unsigned ? "unknown" : report.ok ? "holds" : "fails", observed: observed(report), ...seen };
  } catch (error) {
    // A folder that is gone while its key has signed it is no missing answer: the audit trail is gone.
    const gone = isHoldfastError(error, "ledger.empty-folder");
    const message = isHoldfastError(error) ? error.message : "the ledger could not be read";
    return { outcome: gone ? "fails" : "unknown", observed: message, ...seen };
  }
}

function observed({ ok, size, root, uncheckpointed, problems, problemCount, firstBadIndex }: LedgerReport): string {
  if (ok) return `${size} entries verify with root ${root}; ${uncheckpointed} more wait for a checkpoint`;
  const where = firstBadIndex === null ? "" : `, the first bad entry is ${firstBadIndex}`;
  const first = problems[0];
  const what = first === undefined ? "" : ` (${first.file}: ${first.what})`;
  return `${problemCount} problems in a ledger of ${size} entries${where}${what}`;
}
