/**
 * What a writer does first: from the files of a ledger, however its last writer ended, the state to continue from.
 *
 * Nothing is written here, and nothing is believed: the checkpoint's signature, its root against the tiles, and the
 * journal against both. Where they contradict each other the ledger does not open, since the next signature could be
 * one under a second history.
 *
 * @module
 */

import { join } from "node:path";
import { isHoldfastError } from "../core/index.ts";
import { openCheckpoint, parseCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { JOURNAL_FILE } from "./durable.ts";
import { edgeRoot, pushLeaf, type Edge } from "./edge.ts";
import { ledgerError } from "./errors.ts";
import type { Files } from "./files.ts";
import { decodeJournal, type Journal, type LedgerRecord } from "./journal.ts";
import { equalHashes } from "./merkle.ts";
import { parseNote, type NoteSigner } from "./note.ts";
import { loadTree, type ReadFile, type Tree } from "./tree.ts";

export interface Recovered {
  readonly checkpoint: Checkpoint;
  /** The tree of the checkpoint. */
  readonly tree: Tree;
  /** Durable records after the checkpoint, in order. */
  readonly tail: readonly LedgerRecord[];
}

/**
 * Reads the state of the ledger in `folder`; undefined where none was ever finished.
 *
 * @throws `ledger.key-mismatch`, `ledger.damaged`, `ledger.journal-damaged`
 */
export async function recover(files: Files, folder: string, signer: NoteSigner): Promise<Recovered | undefined> {
  const read: ReadFile = (path) => files.read(join(folder, path));
  const journalBytes = await read(JOURNAL_FILE);
  const journal = journalBytes === undefined ? undefined : decodeJournal(journalBytes);
  const stored = await read("checkpoint");
  if (stored === undefined) {
    // The checkpoint of size 0 is the last step of making a ledger: before it, there is at most an empty journal.
    const tiles = await files.list(join(folder, "tile"));
    const started = journal !== undefined && (journal.header.first > 0 || journal.records.length > 0);
    if (tiles.length > 0 || started) throw damaged("there are entries, but no checkpoint");
    return undefined;
  }

  const published = await recoverPublished(read, stored, signer);
  if (journal === undefined) throw damaged("the journal is missing or unreadable");
  return { ...published, tail: await tailOf(journal, published.checkpoint, read) };
}

/**
 * The checkpoint `stored`, and the tree on disk that it is of.
 *
 * @throws `ledger.key-mismatch`, `ledger.damaged`
 */
export async function recoverPublished(
  read: ReadFile,
  stored: Uint8Array,
  signer: NoteSigner,
): Promise<Pick<Recovered, "checkpoint" | "tree">> {
  const checkpoint = ownCheckpoint(stored, signer);
  const tree = await loadOrRefuse(read, checkpoint.size);
  if (!equalHashes(edgeRoot(tree.edge), checkpoint.root)) throw damaged("the tiles do not have the checkpoint's root");
  return { checkpoint, tree };
}

function ownCheckpoint(bytes: Uint8Array, signer: NoteSigner): Checkpoint {
  try {
    const signed = parseNote(bytes).signatures.some(({ name, id }) => name === signer.name && id === signer.id);
    if (!signed) throw ledgerError("ledger.key-mismatch", { detail: `signed by ${parseCheckpoint(bytes).origin}` });
    return openCheckpoint(bytes, signer);
  } catch (error) {
    if (!isHoldfastError(error) || isHoldfastError(error, "ledger.key-mismatch")) throw error;
    throw damaged(error.message, error);
  }
}

async function loadOrRefuse(read: ReadFile, size: number): Promise<Tree> {
  try {
    return await loadTree(read, size);
  } catch (error) {
    throw isHoldfastError(error) && error.code !== "ledger.damaged" ? damaged(error.message, error) : error;
  }
}

/** The journal's records after the checkpoint, once its records before it lead to the checkpoint's root. */
async function tailOf(journal: Journal, checkpoint: Checkpoint, read: ReadFile): Promise<readonly LedgerRecord[]> {
  const { header, records, ending } = journal;
  if (header.origin !== checkpoint.origin) throw damaged(`the journal is of ${header.origin}`);
  if (header.first > checkpoint.size) throw damaged("the checkpoint is older than the journal");
  if (ending === "damaged") {
    throw ledgerError("ledger.journal-damaged", { detail: `from entry ${header.first + records.length} on` });
  }
  const covered = checkpoint.size - header.first;
  // The checkpoint was signed only once all its entries were durable in the journal: fewer are no torn write.
  if (records.length < covered) {
    throw ledgerError("ledger.journal-damaged", { detail: `from entry ${header.first + records.length} on` });
  }
  const { edge } = await loadOrRefuse(read, header.first);
  if (!equalHashes(edgeRoot(edge), header.root)) throw damaged("the journal begins with another tree");
  replay(edge, records.slice(0, covered));
  if (!equalHashes(edgeRoot(edge), checkpoint.root)) throw damaged("the journal leads to another tree");
  return records.slice(covered);
}

function replay(edge: Edge, records: readonly LedgerRecord[]): void {
  for (const { leaf } of records) pushLeaf(edge, leaf, () => undefined);
}

function damaged(detail: string, cause?: unknown): Error {
  return ledgerError("ledger.damaged", cause === undefined ? { detail } : { detail, cause });
}
