/**
 * Checkpoints (c2sp.org/tlog-checkpoint): a signed note that says origin, size and root hash of the tree.
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "./base64.ts";
import { ledgerError } from "./errors.ts";
import { HASH_BYTES } from "./merkle.ts";
import { openNote, parseNote, signNote, type NoteSigner, type NoteVerifier } from "./note.ts";

export interface Checkpoint {
  /** Name of the log. */
  readonly origin: string;
  /** Number of entries. */
  readonly size: number;
  /** RFC 6962 root hash over the entries, 32 bytes. */
  readonly root: Uint8Array;
  /** Opaque lines after the root; ours have none. */
  readonly extensions: readonly string[];
  /** The whole signed note. */
  readonly note: string;
}

/** Signs the checkpoint of a tree. The caller answers for its consistency with every one signed before. */
export function signCheckpoint(size: number, root: Uint8Array, signer: NoteSigner): Checkpoint {
  const note = signNote(`${signer.name}\n${size}\n${encodeBase64(root)}\n`, signer);
  return { origin: signer.name, size, root, extensions: [], note };
}

/**
 * Reads a checkpoint whose note is signed by the log. The origin must be the key's name: a key that signs for several
 * origins would let one log's checkpoint pass for another's.
 *
 * @throws `ledger.note-invalid`, `ledger.note-unverified`, `ledger.checkpoint-invalid`
 */
export function openCheckpoint(bytes: Uint8Array, log: NoteVerifier): Checkpoint {
  const checkpoint = checkpointText(openNote(bytes, [log]).text, bytes);
  if (checkpoint.origin !== log.name) {
    throw ledgerError("ledger.checkpoint-invalid", { detail: `the origin is not ${log.name}` });
  }
  return checkpoint;
}

/** Reads a checkpoint without verifying it: for readers of files that they trust for another reason. */
export function parseCheckpoint(bytes: Uint8Array): Checkpoint {
  return checkpointText(parseNote(bytes).text, bytes);
}

function checkpointText(text: string, bytes: Uint8Array): Checkpoint {
  const [origin = "", digits = "", encoded = "", ...rest] = text.split("\n");
  const root = decodeBase64(encoded);
  const size = /^(?:0|[1-9]\d{0,15})$/.test(digits) ? Number(digits) : -1;
  // The text ends in a newline, so the last element of `rest` is the empty string after it.
  const extensions = rest.slice(0, -1);
  if (
    origin === "" ||
    size < 0 ||
    !Number.isSafeInteger(size) ||
    root?.length !== HASH_BYTES ||
    rest.length === 0 ||
    extensions.includes("")
  ) {
    throw ledgerError("ledger.checkpoint-invalid", { detail: "not the lines origin, size, root hash" });
  }
  return { origin, size, root, extensions, note: Buffer.from(bytes).toString("utf8") };
}
