/**
 * Error codes of the ledger.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../core/index.ts";

export const LedgerErrors = {
  "ledger.locked": {
    what: "another process writes this ledger",
    hint: "stop the other process, or use another data folder",
    status: 503,
  },
  "ledger.closed": { what: "the ledger is closed", hint: "open it again before appending", status: 503 },
  "ledger.overloaded": {
    what: "more bytes wait to be written to the ledger than the limit",
    hint: "send fewer requests at once, or use a faster disk",
    status: 503,
  },
  "ledger.write-failed": {
    what: "the ledger could not be written",
    hint: "check free space and health of the disk, then restart: what was acknowledged is kept",
    status: 503,
  },
  "ledger.failed": {
    what: "the ledger takes no more entries since a write failed",
    hint: "check free space and health of the disk, then restart: what was acknowledged is kept",
    status: 503,
  },
  "ledger.unavailable": {
    what: "the database that holds the ledger did not take the entry in time",
    hint: "check that the database runs and can be reached; entries are taken again once it answers",
    status: 503,
  },
  "ledger.spool-full": {
    what: "the entries that wait here for the database of the ledger have filled their journal",
    hint: "check that the database runs and can be reached; what waits is delivered, and more is taken, once it answers",
    status: 503,
  },
  "ledger.shared": {
    what: "this folder follows a ledger in a database, so nothing may be appended to it here",
    hint: "set storage.url to the database of the ledger; or, to begin a new ledger, move the folder and its key away",
  },
  "ledger.rolled-back": {
    what: "the database holds an older state of the ledger than was signed before",
    hint: "restore the database to its newest state; what was signed must not be signed a second time with other entries",
  },
  "ledger.not-shared": {
    what: "the ledger in the database is signed with another key than the one here",
    hint: "give all replicas one ledger.secret, or copy keys/ledger.key and keys/commitment.key from the first replica",
    exit: Exit.usage,
  },
  "ledger.secret-wrong": {
    what: "the keys of the ledger in the database do not open with this ledger.secret",
    hint: "give all replicas on one database the same secret",
    exit: Exit.usage,
  },
  "ledger.secret-short": {
    what: "ledger.secret is too short to keep keys under",
    hint: "make one with `openssl rand -hex 32`",
    exit: Exit.usage,
  },
  "ledger.commitment-key-missing": {
    what: "there is no key from which salts could be derived",
    hint: "run it with the data folder of the gateway that made the receipt: --data",
    exit: Exit.usage,
  },
  "ledger.entry-too-large": {
    what: "the entry is larger than 65535 bytes",
    hint: "record a digest or a commitment instead of the content (tlog-tiles, log entries)",
    status: 413,
  },
  "ledger.entry-unknown": {
    what: "the ledger's checkpoint covers no such entry",
    hint: "give an index below the size of the checkpoint",
    exit: Exit.usage,
    status: 404,
  },
  "ledger.range-invalid": {
    what: "no such range of the ledger",
    hint: "give two sizes, the first not above the second, the second not above the checkpoint's",
    exit: Exit.usage,
    status: 400,
  },
  "ledger.empty-folder": {
    what: "the folder holds no ledger",
    hint: "give the folder that holds the file `checkpoint`",
    status: 404,
  },
  "ledger.missing": {
    what: "the key has signed a ledger that is not in this folder",
    hint: "restore the folder from its backup; or, to begin a new ledger, move the key files away so that a new key is made",
  },
  "ledger.damaged": {
    what: "the ledger on disk contradicts itself, so nothing more will be signed",
    hint: "run `holdfast ledger verify` to see where, then restore the folder from its backup",
  },
  "ledger.journal-damaged": {
    what: "the journal holds acknowledged entries that no longer read back",
    hint: "check the disk, then restore the folder from its backup; nothing was cut from the journal",
  },
  "ledger.key-invalid": {
    what: "the key file holds no key of this kind",
    hint: "restore the key file from its backup",
  },
  "ledger.key-missing": {
    what: "there is a ledger, but not the key it is signed with",
    hint: "restore the key file from its backup",
  },
  "ledger.key-exposed": {
    what: "the key file can be read by other users of the machine",
    hint: "run `chmod 600` on it, and consider whether the key is still secret",
  },
  "ledger.key-mismatch": {
    what: "the key is not the one this ledger is signed with",
    hint: "use the key file that belongs to the ledger",
  },
  "ledger.origin-invalid": {
    what: "the origin is not a valid key name",
    hint: "use a name like example.com/log without spaces, plus signs or control characters (signed-note)",
    exit: Exit.usage,
  },
  "ledger.vkey-invalid": {
    what: "the text is not a verifier key for Ed25519 notes",
    hint: "give a key of the form <name>+<8 hex digits>+<base64> (signed-note, verifier keys), or a file that holds it",
    exit: Exit.usage,
  },
  "ledger.note-invalid": {
    what: "the bytes are not a signed note",
    hint: "check that the file is complete and was not edited (signed-note, format)",
  },
  "ledger.note-unverified": {
    what: "the note is not signed by the given key",
    hint: "verify with the public key of the ledger that issued it",
  },
  "ledger.checkpoint-invalid": {
    what: "the note is not a checkpoint of this ledger",
    hint: "check the origin and that the file was not edited (tlog-checkpoint)",
  },
  "ledger.bundle-invalid": {
    what: "the entry bundle is malformed",
    hint: "run `holdfast ledger verify` to see what else is affected (tlog-tiles, log entries)",
  },
  "ledger.tile-missing": {
    what: "a file that the checkpoint calls for is missing or has the wrong size",
    hint: "run `holdfast ledger verify` to see what else is affected",
  },
  "ledger.proof-invalid": {
    what: "the bytes are not a proof of the form tlog-proof@v1",
    hint: "check that the file is complete and was not edited",
  },
  "ledger.proof-rejected": {
    what: "the proof does not bind the entry to the checkpoint",
    hint: "check that proof and entry belong together",
    exit: Exit.findings,
  },
} as const satisfies ErrorTable;

export const ledgerError = defineErrors(LedgerErrors);
