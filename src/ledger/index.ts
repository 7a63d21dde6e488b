/**
 * `holdfast/ledger`: an append-only transparency log in the C2SP formats.
 *
 * @module
 */

export type { Checkpoint } from "./checkpoint.ts";
export { openCommitter, verifyCommitment, type CommitmentInProgress, type Committer } from "./commitment.ts";
export { ledgerError } from "./errors.ts";
export type { Files, Handle } from "./files.ts";
export type { LedgerProblem } from "./findings.ts";
export { ledgerHandler } from "./http.ts";
export type { LedgerRecord } from "./journal.ts";
export { openLedger, type Ledger, type LedgerOptions } from "./ledger.ts";
export { ledgerModule, type LedgerServices } from "./module.ts";
export { adoptKeys, ownVkey, sealKeys, type KeyFiles } from "./shared/keys.ts";
export { openSharedLedger, type SharedLedgerOptions } from "./shared/open.ts";
export { openSpool, type Spool } from "./shared/spool.ts";
export type { SharedHead, SharedStore } from "./shared/store.ts";
export { openLedgerReader, type LedgerEntry, type LedgerReader } from "./reader.ts";
export { decodeTlogProof, encodeTlogProof, verifyTlogProof, type TlogProof } from "./tlog-proof.ts";
export { verifyLedger, type LedgerReport } from "./verify.ts";
