/**
 * Verifies a ledger offline, from nothing but its folder and its public key.
 *
 * The steps: the checkpoint's signature; every entry against its leaf hash; every tile against the hashes below it; the
 * root against the checkpoint; the journal, byte by byte, against the tree; every other file. It only reads, and works
 * beside a writer: the journal is read before the checkpoint, so that together they cover what either alone misses.
 *
 * What it cannot show: entries in the journal that no checkpoint covers yet (`uncheckpointed`) are whole, but not
 * signed, so their loss would not be seen; and whoever holds the key can sign another history altogether, which only
 * checkpoints kept elsewhere reveal.
 *
 * @module
 */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isHoldfastError } from "../core/index.ts";
import { encodeBase64 } from "./base64.ts";
import { openCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { JOURNAL_FILE, NEXT_FILE } from "./durable.ts";
import { edgeRoot } from "./edge.ts";
import { ledgerError } from "./errors.ts";
import { diskFiles } from "./files.ts";
import { problemList, type LedgerProblem, type ProblemList } from "./findings.ts";
import { decodeJournal, type Journal } from "./journal.ts";
import { equalHashes } from "./merkle.ts";
import { parseVkey, type NoteVerifier } from "./note.ts";
import { verifyFolder } from "./verify-folder.ts";
import { verifyTree } from "./verify-tree.ts";
import type { ReadFile } from "./tree.ts";

/** A journal that ends within a write may be growing just now: it is read again this often, this far apart. */
const JOURNAL_READS = 5;
const JOURNAL_PAUSE_MS = 20;

export interface LedgerReport {
  /** Whether nothing is wrong. */
  readonly ok: boolean;
  /** Entries that the checkpoint covers. */
  readonly size: number;
  /** Root hash of the checkpoint, base64. Empty where there is no valid checkpoint. */
  readonly root: string;
  readonly checkpoint: Checkpoint | undefined;
  /** Durable entries in the journal that no checkpoint covers yet. */
  readonly uncheckpointed: number;
  /** The first hundred. */
  readonly problems: readonly LedgerProblem[];
  readonly problemCount: number;
  /** The lowest index that a problem names. */
  readonly firstBadIndex: number | null;
}

/**
 * @throws `ledger.vkey-invalid`, `ledger.empty-folder`, and errors of the file system: could not be verified is no result
 *
 * @example
 * ```ts
 * import { verifyLedger } from "holdfast/ledger";
 *
 * const vkey = "example.com/log+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
 * const report = await verifyLedger({ folder: "copy-of-the-ledger", vkey });
 * console.log(report.ok ? `${report.size} entries` : `first bad entry: ${report.firstBadIndex}`);
 * ```
 */
export async function verifyLedger(options: {
  readonly folder: string;
  readonly vkey: string;
  readonly progress?: (done: number, total: number) => void;
}): Promise<LedgerReport> {
  const { folder, progress = () => undefined } = options;
  const log = parseVkey(options.vkey);
  const read: ReadFile = (path) => diskFiles.read(join(folder, path));
  const problems = problemList();

  const journal = await readJournal(read);
  const checkpoint = await readCheckpoint(read, folder, log, problems);
  if (checkpoint === undefined) return report(undefined, 0, problems);

  const { size } = checkpoint;
  // A folder that follows a log in a database has no journal: its entries are durable there.
  const next = await readNext(read, log, problems);
  if (journal === undefined && next === undefined && (await isThere(join(folder, ".state")))) {
    problems.add({ index: size, file: ".state/journal", what: "is missing, with all entries after the checkpoint" });
  }
  const sound = checkJournal(journal, checkpoint, problems);
  const edge = await verifyTree({ read, size, journal: sound, problems, progress });
  if (!equalHashes(edgeRoot(edge), checkpoint.root)) {
    problems.add({ index: null, file: "checkpoint", what: "its root hash is not the one of the entries" });
  }
  const coveredNow = async (): Promise<number> => {
    const now = await readJournal(read);
    const published = await readCheckpoint(read, folder, log, problems);
    const following = await readNext(read, log, problems);
    return Math.max(published?.size ?? 0, following?.size ?? 0, endOf(now === "unreadable" ? undefined : now));
  };
  await verifyFolder({ folder, read, size, edge, journal: sound, problems, coveredNow });
  return report(checkpoint, Math.max(0, endOf(sound) - size), problems);
}

/** A journal that is not there is no problem: a copy fetched over HTTP has none. */
async function readJournal(read: ReadFile): Promise<Journal | "unreadable" | undefined> {
  let before: Uint8Array | undefined;
  for (let reads = 1; ; reads++) {
    const bytes = await read(JOURNAL_FILE);
    if (bytes === undefined) return undefined;
    const journal = decodeJournal(bytes);
    const settled = before !== undefined && Buffer.compare(before, bytes) === 0;
    if (journal?.ending === "whole" || settled || reads === JOURNAL_READS) return journal ?? "unreadable";
    before = bytes;
    await pause(JOURNAL_PAUSE_MS);
  }
}

/** The checkpoint that a folder which follows a log in a database is on its way to. */
async function readNext(read: ReadFile, log: NoteVerifier, problems: ProblemList): Promise<Checkpoint | undefined> {
  const bytes = await read(NEXT_FILE);
  if (bytes === undefined) return undefined;
  try {
    return openCheckpoint(bytes, log);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    problems.add({ index: null, file: ".state/next", what: error.message });
    return undefined;
  }
}

async function readCheckpoint(
  read: ReadFile,
  folder: string,
  log: NoteVerifier,
  problems: ProblemList,
): Promise<Checkpoint | undefined> {
  const bytes = await read("checkpoint");
  if (bytes === undefined) {
    if (!(await isThere(join(folder, "tile"))) && !(await isThere(join(folder, JOURNAL_FILE)))) {
      throw ledgerError("ledger.empty-folder", { detail: folder });
    }
    problems.add({ index: null, file: "checkpoint", what: "is missing" });
    return undefined;
  }
  try {
    return openCheckpoint(bytes, log);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    problems.add({ index: null, file: "checkpoint", what: error.message });
    return undefined;
  }
}

/** What the journal says by itself. Returns it where its records can be compared with the tree. */
function checkJournal(
  journal: Journal | "unreadable" | undefined,
  checkpoint: Checkpoint,
  problems: ProblemList,
): Journal | undefined {
  const file = ".state/journal";
  if (journal === undefined) return undefined;
  if (journal === "unreadable") {
    problems.add({ index: null, file, what: "is not a journal" });
    return undefined;
  }
  const { header, ending } = journal;
  if (header.origin !== checkpoint.origin || header.first > checkpoint.size) {
    const what = header.origin === checkpoint.origin ? "is newer than the checkpoint" : "is of another ledger";
    problems.add({ index: null, file, what });
    return undefined;
  }
  if (ending !== "whole") {
    const what =
      ending === "torn"
        ? "ends within a write: torn off by a crash before it was acknowledged (opening the ledger cuts it), or changed"
        : "does not read back: acknowledged entries are affected";
    problems.add({ index: endOf(journal), file, what });
  }
  return journal;
}

function endOf(journal: Journal | undefined): number {
  return journal === undefined ? 0 : journal.header.first + journal.records.length;
}

function report(checkpoint: Checkpoint | undefined, uncheckpointed: number, problems: ProblemList): LedgerReport {
  return {
    ok: problems.count === 0,
    size: checkpoint?.size ?? 0,
    root: checkpoint === undefined ? "" : encodeBase64(checkpoint.root),
    checkpoint,
    uncheckpointed,
    problems: problems.kept,
    problemCount: problems.count,
    firstBadIndex: problems.firstBadIndex,
  };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
