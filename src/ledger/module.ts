/**
 * What the ledger plugs into the product: its commands, and the proof of the audit trail (control G9).
 *
 * @module
 */

import type { Clock, Module } from "../core/index.ts";
import { LedgerErrors } from "./errors.ts";

/** What the ledger needs from the product. */
export interface LedgerServices {
  /** The data folder. */
  readonly home: string;
  readonly clock: Clock;
  readonly ledgerFolder: string;
  readonly ledgerKeyFile: string;
  /** The key from which the salts of commitments are derived. */
  readonly commitmentKeyFile: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;

const dir = { flags: "--dir <folder>", summary: "folder of the ledger (default: the one in the data folder)" };
const vkey = { flags: "--vkey <key>", summary: "public key of the ledger, or a file that holds it" };

export const ledgerModule: Module<LedgerServices> = {
  name: "ledger",
  summary: "an append-only log of evidence that anyone can verify",
  errors: LedgerErrors,
  commands: [
    {
      path: "ledger verify",
      summary: "verify every byte of the ledger against its signed checkpoint",
      description:
        "Reads the whole ledger: the checkpoint's signature, every entry, every tile, the journal, and that nothing " +
        "else is there. Needs only the folder and the public key, so that an auditor can verify a copy. " +
        "Exit codes: 0 all verified, 1 a problem found, 2 could not be completed, 3 the ledger is empty.",
      options: [dir, vkey],
      examples: [
        { what: "Verify the ledger of this installation", line: "holdfast ledger verify" },
        { what: "Verify a copy as an auditor", line: "holdfast ledger verify --dir ./copy --vkey ./ledger.vkey" },
      ],
      load: async () => (await import("./commands/verify.ts")).run,
    },
    {
      path: "ledger show",
      summary: "list recent entries, or show one in full",
      arguments: [{ name: "index", summary: "index of the entry to show in full" }],
      options: [
        dir,
        { flags: "--from <index>", summary: "list from this index on (default: the most recent entries)" },
        { flags: "--limit <count>", summary: "list at most this many entries", default: "20" },
      ],
      examples: [
        { what: "List the most recent entries", line: "holdfast ledger show" },
        { what: "Show one entry in full", line: "holdfast ledger show 42" },
        { what: "Page through the ledger", line: "holdfast ledger show --from 1000 --limit 100" },
      ],
      load: async () => (await import("./commands/show.ts")).run,
    },
    {
      path: "ledger prove",
      summary: "write a proof that an entry is in the ledger",
      description:
        "The proof (c2sp.org/tlog-proof) holds the signed checkpoint and the path from the entry to its root. Whoever " +
        "has the entry and the public key verifies it offline with `holdfast ledger check-proof`.",
      arguments: [{ name: "index", summary: "index of the entry", required: true }],
      options: [
        dir,
        { flags: "--output <file>", summary: "write the proof here, and the entry beside it with the ending .entry" },
      ],
      examples: [
        { what: "Print the proof of entry 42", line: "holdfast ledger prove 42" },
        { what: "Write proof and entry for an auditor", line: "holdfast ledger prove 42 --output 42.tlog-proof" },
      ],
      load: async () => (await import("./commands/prove.ts")).run,
    },
    {
      path: "ledger check-proof",
      summary: "verify, offline, a proof that an entry is in a ledger",
      arguments: [
        { name: "proof", summary: "file of the proof", required: true },
        { name: "entry", summary: "file of the entry", required: true },
      ],
      options: [vkey],
      examples: [
        {
          what: "Check what an operator handed over",
          line: "holdfast ledger check-proof 42.tlog-proof 42.tlog-proof.entry --vkey ledger.vkey",
        },
      ],
      load: async () => (await import("./commands/check-proof.ts")).run,
    },
    {
      path: "ledger salt",
      summary: "print the salt that opens the commitments of one request",
      description:
        "A receipt commits to a request and its answer without containing them. Whoever has their bytes and this salt " +
        "can check that they are the ones; the salts of other requests stay secret. Hand it only to who may know.",
      arguments: [
        { name: "id", summary: "id of the request: the header x-request-id, or the receipt's id", required: true },
      ],
      examples: [{ what: "For an auditor", line: "holdfast ledger salt 01a2078d-c3f6-76e1-b558-3f085b4f3c10" }],
      load: async () => (await import("./commands/salt.ts")).run,
    },
  ],
  proofs: [
    {
      id: "ledger.audit-trail",
      control: "G9",
      question: "Does every byte of the audit trail verify against its signed checkpoint?",
      freshFor: DAY_MS,
      observe: async (services) => (await import("./observe.ts")).observeAuditTrail(services),
    },
  ],
};
