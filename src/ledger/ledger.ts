/**
 * The one writer of a ledger folder.
 *
 *     append     queue -> journal (one durable write for all that wait) -> resolve
 *     publish    durable records -> tiles -> signed checkpoint, about every second
 *     rotate     a new journal without what is published, when the old one has grown
 *
 * An index is handed out only after its entry is durable in the journal; a checkpoint is signed only over entries that
 * are, and only after its tiles are durable. So whatever moment the process dies, the next writer finds every
 * acknowledged entry (`recover.ts`) and every checkpoint ever signed is a prefix of what it will sign.
 *
 * After a write fails nothing is known about the disk, so nothing more is written: the ledger must be opened again.
 *
 * @module
 */

import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { signCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { ensureFolder, folderWriter, JOURNAL_FILE, LOCK_FILE, NEXT_FILE, STAGING_FOLDER } from "./durable.ts";
import { edgeRoot, emptyEdge } from "./edge.ts";
import { ledgerError } from "./errors.ts";
import { diskFiles, type Files } from "./files.ts";
import { appendRecords, startJournal, type OpenJournal } from "./journal-file.ts";
import { byteLength, recordOf, type LedgerRecord } from "./journal.ts";
import { openKey, readVkey, writeVkey } from "./key.ts";
import { EMPTY_ROOT } from "./merkle.ts";
import type { NoteSigner } from "./note.ts";
import { recover, type Recovered } from "./recover.ts";
import { growTree } from "./tree.ts";

/** Entries wait at most this long, in milliseconds, to be covered by a checkpoint. */
const DEFAULT_CHECKPOINT_EVERY_MS = 1000;
/** Durable entries beyond this many are published at once: sixteen bundles, some milliseconds of hashing. */
const PUBLISH_ENTRIES = 4096;
/** One durable write takes at most about this many bytes, so that no batch waits for a huge one. */
const MAX_BATCH_BYTES = 1024 * 1024;
/** One durable write takes at most this many entries, so that tiny ones do not make a batch without end either. */
const MAX_BATCH_ENTRIES = 4096;
/** Bytes of entries that may wait for the journal. Beyond it `append` refuses. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
/** Bytes of durable entries that may wait to be published. Beyond it the journal waits for the tiles. */
const MAX_TAIL_BYTES = 32 * 1024 * 1024;
/** A journal larger than this is rotated after the next checkpoint: bounds what a restart has to read. */
const ROTATE_BYTES = 4 * 1024 * 1024;

export interface LedgerOptions {
  /** Made where it is missing. Everything in it but `.state` is public. */
  readonly folder: string;
  /** Made on first use, with mode 0600; its vkey lies beside it. */
  readonly keyFile: string;
  /** Name of the log in its checkpoints. Only for a new key; default: a random name. */
  readonly origin?: string;
  /** Longest time between a durable entry and the checkpoint that covers it. Default: 1000. */
  readonly checkpointEveryMs?: number;
  /** The file system. Default: the real one. */
  readonly files?: Files;
}

export interface Ledger {
  readonly origin: string;
  /** The public key, in the form of signed-note verifier keys. */
  readonly vkey: string;
  readonly folder: string;
  /** Number of durable entries. */
  readonly size: number;
  /**
   * Appends an entry of at most 65,535 bytes. Resolves with its index once it is durable, not before. The bytes are
   * copied: the caller may reuse them at once.
   *
   * Rejects with `ledger.entry-too-large`, `ledger.overloaded`, `ledger.closed`; with `ledger.write-failed` when this
   * entry may or may not have become durable; with `ledger.failed` after that.
   */
  append(entry: Uint8Array): Promise<number>;
  /** Publishes all durable entries and returns the checkpoint that covers them. */
  checkpoint(): Promise<Checkpoint>;
  /** Finishes what was appended, publishes it, releases the lock. Rejects with `ledger.failed` where it could not. */
  close(): Promise<void>;
}

/**
 * Opens the ledger in a folder for writing, or makes a new one. Recovers whatever the last writer left.
 *
 * @throws `ledger.locked`, `ledger.missing`, `ledger.damaged`, `ledger.journal-damaged`, `ledger.key-mismatch`,
 *   `ledger.key-invalid`, `ledger.key-exposed`, `ledger.origin-invalid`, `ledger.shared`
 *
 * @example
 * ```ts
 * import { openLedger } from "holdfast/ledger";
 *
 * const ledger = await openLedger({ folder: ".holdfast/ledger", keyFile: ".holdfast/keys/ledger.key" });
 * const index = await ledger.append(new TextEncoder().encode("it happened"));
 * console.log(index, (await ledger.checkpoint()).size); // 0 1
 * await ledger.close();
 * ```
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { folder, keyFile, files = diskFiles } = options;
  await ensureFolder(files, join(folder, STAGING_FOLDER));
  const unlock = await files.lock(join(folder, LOCK_FILE));
  try {
    // What follows a log in a database would go on alone, under the same key: a second history.
    if ((await files.read(join(folder, NEXT_FILE))) !== undefined) {
      throw ledgerError("ledger.shared", { detail: folder });
    }
    const mayMakeKey = (await files.read(join(folder, "checkpoint"))) === undefined;
    const signer = await openKey(files, keyFile, options.origin, mayMakeKey);
    const recovered = (await recover(files, folder, signer)) ?? (await makeLedger(files, options, signer));
    if ((await readVkey(files, keyFile)) !== signer.vkey) await writeVkey(files, keyFile, signer);
    return await startWriter(options, signer, recovered, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** A new ledger: an empty journal, then the checkpoint of the empty tree. */
async function makeLedger(files: Files, { folder, keyFile }: LedgerOptions, signer: NoteSigner): Promise<Recovered> {
  if ((await readVkey(files, keyFile)) !== undefined) throw ledgerError("ledger.missing", { detail: folder });
  const journal = await startJournal(
    files,
    folder,
    JOURNAL_FILE,
    { origin: signer.name, first: 0, root: EMPTY_ROOT },
    [],
  );
  await files.close(journal.handle);
  const checkpoint = signCheckpoint(0, EMPTY_ROOT, signer);
  const writer = folderWriter(files, folder);
  await writer.put("checkpoint", Buffer.from(checkpoint.note));
  await writer.settle();
  return { checkpoint, tree: { edge: emptyEdge(), bundle: [] }, tail: [] };
}

interface Pending {
  readonly record: LedgerRecord;
  readonly resolve: (index: number) => void;
  readonly reject: (error: Error) => void;
}

async function startWriter(
  options: LedgerOptions,
  signer: NoteSigner,
  recovered: Recovered,
  unlock: () => void,
): Promise<Ledger> {
  const { folder, files = diskFiles, checkpointEveryMs = DEFAULT_CHECKPOINT_EVERY_MS } = options;
  const writer = folderWriter(files, folder);
  const { tree } = recovered;
  let { checkpoint } = recovered;
  /** Durable records that the checkpoint does not cover yet, in order. */
  const tail: LedgerRecord[] = [...recovered.tail];
  let tailBytes = byteLength(tail);
  let pending: Pending[] = [];
  let pendingBytes = 0;

  let failure: Error | undefined;
  let committing: Promise<void> | undefined;
  let publishing: Promise<unknown> = Promise.resolve();
  let inBackground = false;
  let timer: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;

  // Nothing is continued that a failed or torn write may have left uncertain: the journal's records are published, or
  // the checkpoint that was found is written again, and a new journal begins.
  await publishOnce(true);
  for (const name of await files.list(join(folder, STAGING_FOLDER))) {
    await files.remove(join(folder, STAGING_FOLDER, name));
  }
  let journal = await newJournal([]);

  return {
    origin: signer.name,
    vkey: signer.vkey,
    folder,
    get size() {
      return checkpoint.size + tail.length;
    },
    append,
    checkpoint: () => (closing === undefined ? publish() : Promise.reject(ledgerError("ledger.closed"))),
    close: () => (closing ??= finish()),
  };

  function append(entry: Uint8Array): Promise<number> {
    // What is thrown here rejects the promise.
    return new Promise((resolve, reject) => {
      if (closing !== undefined) throw ledgerError("ledger.closed");
      if (failure !== undefined) throw failed();
      const record = recordOf(entry);
      const bytes = byteLength([record]);
      if (pendingBytes + bytes > MAX_PENDING_BYTES) {
        throw ledgerError("ledger.overloaded", { detail: `${MAX_PENDING_BYTES} bytes` });
      }
      pendingBytes += bytes;
      pending.push({ record, resolve, reject });
      wake();
    });
  }

  /** Starts the journal's loop unless it runs. */
  function wake(): void {
    committing ??= commit()
      .catch(fail)
      .finally(() => {
        committing = undefined;
        // What came in between the loop's last look and here.
        if (pending.length > 0 && failure === undefined) wake();
      });
  }

  /** The only place that writes to the journal while the ledger is open. Ends when nothing waits. */
  async function commit(): Promise<void> {
    for (;;) {
      // Everything that arrives in this turn of the event loop shares one durable write.
      await nextTurn();
      if (pending.length === 0 || failure !== undefined) return;
      if (tailBytes > MAX_TAIL_BYTES) await publish();
      // Mostly published records: what has to be copied is small beside what can go.
      if (journal.bytes > ROTATE_BYTES + 2 * tailBytes) await rotate();

      const batch = nextBatch();
      const records = batch.map(({ record }) => record);
      await appendRecords(files, journal, records);
      pending.splice(0, batch.length);
      for (const record of records) tail.push(record);
      tailBytes += byteLength(records);
      pendingBytes -= byteLength(records);
      const next = checkpoint.size + tail.length - batch.length;
      for (const [at, { resolve }] of batch.entries()) resolve(next + at);
      schedule();
    }
  }

  /** The records of the next durable write: at least one, at most {@link MAX_BATCH_ENTRIES} and {@link MAX_BATCH_BYTES}. */
  function nextBatch(): Pending[] {
    let bytes = 0;
    const batch = pending.slice(0, MAX_BATCH_ENTRIES);
    const over = batch.findIndex(({ record }) => (bytes += record.framed.length) > MAX_BATCH_BYTES);
    return over === -1 ? batch : batch.slice(0, Math.max(1, over));
  }

  /** Sees to it that durable records are published in time. */
  function schedule(): void {
    if (tail.length === 0 || failure !== undefined || closing !== undefined) return;
    if (tail.length < PUBLISH_ENTRIES) {
      // The timer alone keeps no process alive: what is durable is published by the next writer.
      timer ??= setTimeout(publishInBackground, checkpointEveryMs).unref();
    } else {
      publishInBackground();
    }
  }

  function publishInBackground(): void {
    if (inBackground) return;
    inBackground = true;
    publish()
      .catch(fail)
      .finally(() => {
        inBackground = false;
        schedule();
      });
  }

  /** Publishes all records that are durable now. One publication at a time. */
  function publish(): Promise<Checkpoint> {
    const next = publishing.then(() => publishOnce(false));
    publishing = next.catch(fail);
    return next;
  }

  async function publishOnce(opening: boolean): Promise<Checkpoint> {
    if (failure !== undefined) throw failed();
    clearTimeout(timer);
    timer = undefined;
    if (tail.length === 0 && !opening) return checkpoint;
    const records = tail.slice();
    await growTree(writer, tree, records, opening);
    const next = signCheckpoint(tree.edge.size, edgeRoot(tree.edge), signer);
    await writer.put("checkpoint", Buffer.from(next.note));
    await writer.settle();
    // In one turn, so that the checkpoint's size and the length of the tail always add up to the next index.
    checkpoint = next;
    tail.splice(0, records.length);
    tailBytes -= byteLength(records);
    return next;
  }

  async function rotate(): Promise<void> {
    const old = journal;
    journal = await newJournal(tail);
    await files.close(old.handle);
  }

  /** One without what is published. */
  function newJournal(records: readonly LedgerRecord[]): Promise<OpenJournal> {
    const header = { origin: signer.name, first: checkpoint.size, root: checkpoint.root };
    return startJournal(files, folder, JOURNAL_FILE, header, records);
  }

  /** After this nothing is written any more. What waited for the journal may or may not be in it. */
  function fail(cause: unknown): void {
    if (failure !== undefined) return;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "an unexpected error";
    failure = ledgerError("ledger.write-failed", { detail: code, cause });
    for (const { reject } of pending.splice(0)) reject(failure);
    pendingBytes = 0;
    clearTimeout(timer);
  }

  function failed(): Error {
    return ledgerError("ledger.failed", { cause: failure });
  }

  async function idle(): Promise<void> {
    if (committing === undefined) return;
    await committing;
    await idle();
  }

  async function finish(): Promise<void> {
    try {
      // Later turns see `closing` set: nothing more is appended, and the journal's loop runs dry.
      await nextTurn();
      await idle();
      await publish();
      if (journal.bytes > journal.encoder.header.length) await rotate();
    } catch (error) {
      fail(error);
    } finally {
      await files.close(journal.handle).catch(fail);
      unlock();
    }
    if (failure !== undefined) throw failed();
  }
}
