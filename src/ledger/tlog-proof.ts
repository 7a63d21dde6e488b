/**
 * Proofs that stand alone (c2sp.org/tlog-proof@v1): an entry's index, its inclusion proof and the checkpoint, in one
 * small text file that is verified offline with nothing but the entry and the log's public key.
 *
 * @module
 */

import { decodeUtf8 } from "../core/index.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { openCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { ledgerError } from "./errors.ts";
import { HASH_BYTES, leafHash, MAX_ENTRY_BYTES, verifyInclusion } from "./merkle.ts";
import { parseVkey } from "./note.ts";

const FIRST_LINE = "c2sp.org/tlog-proof@v1";
/** More nodes than a path in a tree of 2^63 leaves has. */
const MAX_HASHES = 63;

export interface TlogProof {
  readonly index: number;
  /** The inclusion proof, leaf's sibling first. */
  readonly hashes: readonly Uint8Array[];
  /** The checkpoint's signed note, verbatim. */
  readonly checkpoint: string;
  /** Opaque and not authenticated: never a reason to trust. */
  readonly extra?: Uint8Array;
}

/** Writes a proof; the file extension is `.tlog-proof`. */
export function encodeTlogProof(proof: TlogProof): string {
  const lines = [FIRST_LINE];
  if (proof.extra !== undefined) lines.push(`extra ${encodeBase64(proof.extra)}`);
  lines.push(`index ${proof.index}`, ...proof.hashes.map(encodeBase64), "", proof.checkpoint);
  return lines.join("\n");
}

/** Reads a proof without verifying it. @throws `ledger.proof-invalid` */
export function decodeTlogProof(bytes: Uint8Array): TlogProof {
  const text = decodeUtf8(bytes);
  const blank = text.indexOf("\n\n");
  if (blank === -1) throw invalid("no blank line before the checkpoint");
  const lines = text.slice(0, blank).split("\n");
  if (lines.shift() !== FIRST_LINE) throw invalid(`the first line is not ${FIRST_LINE}`);

  let extra: Uint8Array | undefined;
  if (lines[0]?.startsWith("extra ") === true) {
    extra = decodeBase64((lines.shift() ?? "").slice("extra ".length));
    if (extra === undefined) throw invalid("the extra data is not base64");
  }
  const [, digits] = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? "") ?? [];
  const index = Number(digits);
  if (!Number.isSafeInteger(index)) throw invalid("no index line");
  if (lines.length > MAX_HASHES) throw invalid(`more than ${MAX_HASHES} hashes`);
  const hashes = lines.map((line) => {
    const hashed = decodeBase64(line);
    if (hashed?.length !== HASH_BYTES) throw invalid("a line of the proof is not a hash");
    return hashed;
  });
  const checkpoint = text.slice(blank + 2);
  return extra === undefined ? { index, hashes, checkpoint } : { index, hashes, checkpoint, extra };
}

/**
 * Verifies a proof for an entry, in the steps of the specification ("Verifying a tlog proof"; there are no witnesses to
 * check yet). Returns where the entry stands and the checkpoint that covers it.
 *
 * @throws `ledger.proof-invalid`, `ledger.vkey-invalid`, `ledger.note-invalid`, `ledger.note-unverified`,
 *   `ledger.checkpoint-invalid`, and `ledger.proof-rejected` where all is well-formed but the entry is not there
 *
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { verifyTlogProof } from "holdfast/ledger";
 *
 * const { index, checkpoint } = verifyTlogProof({
 *   proof: readFileSync("7.tlog-proof"),
 *   entry: readFileSync("7.json"),
 *   vkey: readFileSync("ledger.vkey", "utf8").trim(),
 * });
 * console.log(`entry ${index} of ${checkpoint.size}`);
 * ```
 */
export function verifyTlogProof(options: {
  readonly proof: Uint8Array;
  readonly entry: Uint8Array;
  readonly vkey: string;
}): { readonly index: number; readonly checkpoint: Checkpoint } {
  const { index, hashes, checkpoint: note } = decodeTlogProof(options.proof);
  if (options.entry.length > MAX_ENTRY_BYTES) throw ledgerError("ledger.entry-too-large");
  const leaf = leafHash(options.entry);
  const checkpoint = openCheckpoint(Buffer.from(note), parseVkey(options.vkey));
  if (!verifyInclusion({ index, size: checkpoint.size, leaf, proof: hashes, root: checkpoint.root })) {
    throw ledgerError("ledger.proof-rejected", { detail: `entry ${index} of ${checkpoint.size}` });
  }
  return { index, checkpoint };
}

function invalid(detail: string): Error {
  return ledgerError("ledger.proof-invalid", { detail });
}
