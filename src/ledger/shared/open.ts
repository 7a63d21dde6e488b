/**
 * A ledger that several machines write into one database. To its callers it is a {@link Ledger} as any other.
 *
 *     append     to the database, which gives out the index: durable there is acknowledged here
 *     lead       one replica at a time has the lease, and signs a checkpoint over all that is durable
 *     follow     every replica, the leader too, writes the tiles of a checkpoint into its own folder
 *
 * All replicas sign with one key. Two checkpoints, whoever signed them, are of one history, since an entry never changes its
 * index; the epoch of the lease sees to it that only one of two moves the head. A replica that dies leaves nothing that
 * another could not continue from: its lease ends after {@link LEASE_MS}.
 *
 * Why it is built so: docs/decisions/0012-shared-ledger.md.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { isHoldfastError } from "../../core/index.ts";
import { signCheckpoint, type Checkpoint } from "../checkpoint.ts";
import { ensureFolder, folderWriter, JOURNAL_FILE, LOCK_FILE, NEXT_FILE, STAGING_FOLDER } from "../durable.ts";
import { ledgerError } from "../errors.ts";
import { diskFiles, type Files } from "../files.ts";
import { openKey, readVkey, writeVkey } from "../key.ts";
import type { Ledger } from "../ledger.ts";
import { EMPTY_ROOT } from "../merkle.ts";
import type { NoteSigner } from "../note.ts";
import { recover } from "../recover.ts";
import { TILE_WIDTH, unframeEntry } from "../tile.ts";
import { readBundle, type ReadFile } from "../tree.ts";
import { openIntake } from "./intake.ts";
import { openMirror, STEP, type Mirror } from "./mirror.ts";
import type { SharedHead, SharedStore } from "./store.ts";

export interface SharedLedgerOptions {
  readonly store: SharedStore;
  /** Where the copy of the published log is kept, for readers of this machine. */
  readonly folder: string;
  /** The same key on every replica; made by the one that begins the log. */
  readonly keyFile: string;
  /** Longest time between a durable entry and the checkpoint that covers it, while a leader lives. Default: 1000. */
  readonly checkpointEveryMs?: number;
  /** How long a replica that died keeps the others from leading. Default: {@link LEASE_MS}. */
  readonly leaseMs?: number;
}

/** How long the lease lasts that is not renewed, in milliseconds. */
const LEASE_MS = 5_000;
const CHECKPOINT_EVERY_MS = 1_000;
/** For {@link Ledger.checkpoint}: several leases of others, in milliseconds. */
const CHECKPOINT_WAIT_MS = 30_000;
/** Between two looks for a checkpoint that another replica is to sign, in milliseconds. */
const LOOK_EVERY_MS = 50;

/**
 * Opens the ledger of `store`, or begins it. A folder that holds a ledger of this machine alone is taken into the store,
 * where that has none yet: the same log goes on under the same key.
 *
 * @throws `ledger.locked`, `ledger.unavailable`, `ledger.not-shared`, `ledger.rolled-back`, `ledger.damaged`,
 *   `ledger.key-missing`, `ledger.key-mismatch` and what reading the key throws
 */
export async function openSharedLedger(options: SharedLedgerOptions): Promise<Ledger> {
  const { store, folder, keyFile } = options;
  const files = diskFiles;
  await ensureFolder(files, join(folder, STAGING_FOLDER));
  const unlock = await files.lock(join(folder, LOCK_FILE));
  try {
    const begun = await store.head();
    const isNew = begun === undefined && (await files.read(join(folder, "checkpoint"))) === undefined;
    const signer = await openKey(files, keyFile, undefined, isNew);
    const head = begun ?? (await beginLog(options, files, signer));
    if (head.vkey !== signer.vkey) {
      throw ledgerError("ledger.not-shared", { detail: `${nameOf(head.vkey)}, not ${signer.name}` });
    }
    const mirror = await openMirror(files, folder, signer);
    await mirror.follow(head.note, (from, to) => store.read(from, to));
    // What it held is in the database, and its checkpoint is one of the log's.
    await files.remove(join(folder, JOURNAL_FILE));
    if ((await readVkey(files, keyFile)) !== signer.vkey) await writeVkey(files, keyFile, signer);
    return startReplica(options, signer, mirror, head.size, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** Begins the log in the store, with what the folder holds. Another replica may be first. */
async function beginLog(
  { store, folder, keyFile }: SharedLedgerOptions,
  files: Files,
  signer: NoteSigner,
): Promise<SharedHead> {
  const disk: ReadFile = (path) => files.read(join(folder, path));
  if ((await disk(NEXT_FILE)) !== undefined && (await disk(JOURNAL_FILE)) === undefined) {
    throw ledgerError("ledger.rolled-back", { detail: "it holds no ledger at all" });
  }
  const own = await recover(files, folder, signer);
  if (own === undefined && (await readVkey(files, keyFile)) !== undefined) {
    throw ledgerError("ledger.missing", { detail: "neither the folder nor the database holds it" });
  }
  const published = own?.checkpoint.size ?? 0;
  const entries = async function* (): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < published; index += TILE_WIDTH) {
      const width = Math.min(TILE_WIDTH, published - index);
      for (const framed of await readBundle(disk, index / TILE_WIDTH, width)) yield unframeEntry(framed);
    }
    for (const { framed } of own?.tail ?? []) yield unframeEntry(framed);
  };
  const note = own?.checkpoint.note ?? signCheckpoint(0, EMPTY_ROOT, signer).note;
  // From here on this folder goes on alone no more, whatever becomes of this process.
  const writer = folderWriter(files, folder);
  await writer.put(NEXT_FILE.replaceAll("\\", "/"), Buffer.from(note));
  await writer.settle();
  await store.begin({ vkey: signer.vkey, note, published, entries: entries() });
  const head = await store.head();
  if (head === undefined) throw ledgerError("ledger.unavailable", { detail: "the log that was begun is not there" });
  return head;
}

function startReplica(
  options: SharedLedgerOptions,
  signer: NoteSigner,
  mirror: Mirror,
  sizeAtStart: number,
  unlock: () => void,
): Ledger {
  const { store, folder, checkpointEveryMs = CHECKPOINT_EVERY_MS, leaseMs = LEASE_MS } = options;
  // Of this process alone: one that starts again is another, and waits for the lease of the one before.
  const holder = randomUUID();
  const intake = openIntake(store, fail);
  let size = sizeAtStart;
  let failure: Error | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;
  let looking = false;
  const timer = setInterval(() => {
    // Behind a database that does not answer, turns do not pile up.
    if (looking) return;
    looking = true;
    void inTurn()
      .catch(() => undefined)
      .finally(() => (looking = false));
  }, checkpointEveryMs).unref();

  return {
    origin: signer.name,
    vkey: signer.vkey,
    folder,
    get size() {
      return Math.max(size, mirror.size);
    },
    async append(entry) {
      if (closing !== undefined) throw ledgerError("ledger.closed");
      if (failure !== undefined) throw failed();
      const index = await intake.append(entry);
      size = Math.max(size, index + 1);
      return index;
    },
    async checkpoint() {
      if (closing !== undefined) throw ledgerError("ledger.closed");
      const wanted = (await store.head())?.size ?? 0;
      const until = performance.now() + CHECKPOINT_WAIT_MS;
      for (;;) {
        await inTurn();
        if (mirror.size >= wanted) return mirror.checkpoint as Checkpoint;
        if (performance.now() > until) throw ledgerError("ledger.unavailable", { detail: "no replica signs" });
        await delay(LOOK_EVERY_MS);
      }
    },
    close: () => (closing ??= finish()),
  };

  /** Looks at the head, follows it, and leads where this replica may. One at a time. */
  function inTurn(): Promise<void> {
    const next = last.then(async () => {
      if (failure !== undefined) throw failed();
      try {
        await turn();
      } catch (error) {
        // A database that is away comes back; what it holds then is looked at again.
        if (!isHoldfastError(error, "ledger.unavailable")) fail(error);
        throw error;
      }
    });
    last = next.catch(() => undefined);
    return next;
  }

  async function turn(): Promise<void> {
    const epoch = await store.lead(holder, leaseMs);
    const head = await store.head();
    if (head === undefined) throw ledgerError("ledger.rolled-back", { detail: "it holds no ledger at all" });
    await mirror.follow(head.note, (from, to) => store.read(from, to));
    if (epoch === undefined) return;
    while (mirror.size < head.size) {
      const from = mirror.size;
      const to = Math.min(head.size, from + STEP);
      const entries = await store.read(from, to);
      if (entries.length !== to - from) throw ledgerError("ledger.rolled-back", { detail: `no entry ${to - 1}` });
      const { note } = signCheckpoint(to, mirror.rootWith(entries), signer);
      // Another has led in the meantime: what it signed is followed in the next turn, and this note is forgotten.
      if (!(await store.publish(epoch, from, to, note))) return;
      await mirror.follow(note, async () => entries);
    }
  }

  /** After this nothing is taken any more: what is in the database is not what was signed, or this folder is unusable. */
  function fail(cause: unknown): void {
    if (failure !== undefined) return;
    failure = cause instanceof Error ? cause : new Error("the ledger failed");
    intake.fail(ledgerError("ledger.write-failed", { cause }));
    clearInterval(timer);
  }

  function failed(): Error {
    const detail = isHoldfastError(failure) ? failure.message : undefined;
    return ledgerError("ledger.failed", detail === undefined ? { cause: failure } : { detail, cause: failure });
  }

  async function finish(): Promise<void> {
    clearInterval(timer);
    await intake.idle();
    // What was acknowledged is in the database: where it is away, the next replica to lead signs it.
    await inTurn().catch(() => undefined);
    // And where it stays away, the lease ends by itself.
    await store.leave(holder).catch(() => undefined);
    unlock();
    if (failure !== undefined) throw failed();
  }
}

function nameOf(vkey: string): string {
  return vkey.slice(0, vkey.indexOf("+"));
}
