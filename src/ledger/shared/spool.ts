/**
 * Where entries of a shared ledger wait while the database does not take them: a journal in this machine's folder.
 *
 *     append     to the ledger; where that does not take the entry in time, to the journal: durable there is acknowledged
 *     deliver    what waits goes to the ledger, oldest first; as long as something waits, what comes joins the end
 *
 * So entries keep their order, and none is lost by a database that is away, nor by a process that dies meanwhile: the next
 * one on this folder delivers what it finds. None is in the ledger twice either, since that knows an entry that it has by its
 * leaf hash, however often it is sent.
 *
 * A folder that is lost takes along what waited in it: until an entry is in the database, it is on one machine.
 *
 * @module
 */

import { join } from "node:path";
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";

import { isHoldfastError } from "../../core/index.ts";
import { SPOOL_FILE } from "../durable.ts";
import { ledgerError } from "../errors.ts";
import { diskFiles, type Files } from "../files.ts";
import { appendRecords, startJournal, type OpenJournal } from "../journal-file.ts";
import { byteLength, decodeJournal, recordOf, type LedgerRecord } from "../journal.ts";
import type { Ledger } from "../ledger.ts";
import { EMPTY_ROOT } from "../merkle.ts";
import { unframeEntry } from "../tile.ts";

export interface Spool {
  /**
   * Resolves once the entry is durable, in the ledger or here. Its bytes must stay as they are until then.
   *
   * @throws `ledger.spool-full`, and what the ledger's `append` throws for good
   */
  append(entry: Uint8Array): Promise<void>;
  /** Entries that are durable here and not known to be in the ledger. */
  readonly waiting: number;
  /** What is not delivered by then waits for the next to open it. */
  close(): Promise<void>;
}

export interface SpoolOptions {
  /** Opened: it holds the lock of its folder. */
  readonly ledger: Pick<Ledger, "append" | "folder" | "origin">;
  readonly log: Record<"info" | "warn", (message: string, fields?: Readonly<Record<string, unknown>>) => void>;
  /** Default: the real file system. */
  readonly files?: Files;
  /** How long the ledger has to take an entry before it is kept here, in milliseconds. Default: 500. */
  readonly patienceMs?: number;
  /** Between two attempts to deliver, in milliseconds. Default: 250. */
  readonly retryMs?: number;
  /** Bytes of entries that may wait; beyond it `append` refuses. Default: 64 MiB. */
  readonly maxBytes?: number;
}

const PATIENCE_MS = 500;
const RETRY_MS = 250;
const MAX_BYTES = 64 * 1024 * 1024;
/** Entries sent to the ledger at a time: those of one write. */
const BATCH_ENTRIES = 512;
/** A journal in which so much has been delivered is begun anew. */
const ROTATE_BYTES = 4 * 1024 * 1024;
/** Errors of the ledger that pass. */
const PASSING: ReadonlySet<string> = new Set(["ledger.unavailable", "ledger.overloaded"]);

interface Arriving {
  readonly record: LedgerRecord;
  readonly promise: PromiseWithResolvers<void>;
}

/** Opens the journal and begins to deliver what an earlier process left in it. @throws `ledger.journal-damaged` */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { ledger, log, files = diskFiles, patienceMs = PATIENCE_MS, retryMs = RETRY_MS } = options;
  const { maxBytes = MAX_BYTES } = options;
  const { folder, origin } = ledger;
  const waiting = [...(await leftIn(files, folder, origin))];
  /** Of what waits and what arrives. */
  let bytes = byteLength(waiting);
  let arriving: Arriving[] = [];
  let journal = await newJournal();
  let writing: Promise<void> | undefined;
  let delivering: Promise<void> | undefined;
  /** The last batch on its way to the ledger, and whether the one before was taken. */
  let sending: Promise<unknown> = Promise.resolve();
  let flowing = false;
  /** The last step on the journal: one at a time. */
  let step: Promise<unknown> = Promise.resolve();
  let failure: Error | undefined;
  let closing: Promise<void> | undefined;
  const stop = new AbortController();
  if (waiting.length > 0) wake();

  return {
    get waiting() {
      return waiting.length;
    },
    async append(entry) {
      if (closing !== undefined) throw ledgerError("ledger.closed");
      if (isBehind()) await caughtUp();
      if (isBehind() || !(await taken(entry))) await keep(entry);
    },
    close: () => (closing ??= finish()),
  };

  function isBehind(): boolean {
    return waiting.length > 0 || writing !== undefined;
  }

  /**
   * Waits, where almost all is delivered, for the rest: then the entry goes to the ledger itself. Otherwise who always has
   * entries to append would never be done with the journal.
   */
  async function caughtUp(): Promise<void> {
    const until = performance.now() + patienceMs;
    while (isBehind() && isAlmostThrough() && performance.now() < until) {
      await inTime(sending);
      await nextTurn();
    }
  }

  function isAlmostThrough(): boolean {
    return flowing && waiting.length <= BATCH_ENTRIES;
  }

  /** Whether the ledger took the entry, as far as one knows in time. */
  async function taken(entry: Uint8Array): Promise<boolean> {
    const took = ledger.append(entry).then(
      () => true,
      (error: unknown) => {
        if (isPassing(error)) return false;
        throw error;
      },
    );
    return (await inTime(took)) === true;
  }

  /** What comes of it, if that is known in time. */
  async function inTime<T>(work: Promise<T>): Promise<T | undefined> {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), patienceMs);
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async function keep(entry: Uint8Array): Promise<void> {
    if (failure !== undefined) throw failure;
    const record = recordOf(entry);
    if (bytes + byteLength([record]) > maxBytes) {
      throw ledgerError("ledger.spool-full", { detail: `${maxBytes} bytes` });
    }
    bytes += byteLength([record]);
    if (!isBehind()) {
      log.warn("the database does not take entries of the ledger: they are kept in the data folder until it does");
    }
    const one = { record, promise: Promise.withResolvers<void>() };
    arriving.push(one);
    writing ??= write();
    await one.promise.promise;
  }

  /** What arrives while one write is under way is the next. */
  async function write(): Promise<void> {
    for (;;) {
      await nextTurn();
      const batch = arriving;
      arriving = [];
      if (batch.length === 0) {
        // In the same turn as the last look: what comes from here on begins another.
        writing = undefined;
        return;
      }
      await inTurn(() => append(batch.map(({ record }) => record)));
      for (const { promise } of batch) {
        if (failure === undefined) promise.resolve();
        else promise.reject(failure);
      }
      wake();
    }
  }

  async function append(records: readonly LedgerRecord[]): Promise<void> {
    await appendRecords(files, journal, records);
    for (const record of records) waiting.push(record);
  }

  /** After a failed write nothing is known about the disk: nothing more is kept here. What is, is delivered all the same. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const next = step.then(async () => {
      if (failure !== undefined) return;
      try {
        await work();
      } catch (cause) {
        failure = ledgerError("ledger.write-failed", { cause });
      }
    });
    step = next;
    return next;
  }

  function wake(): void {
    if (closing === undefined && waiting.length > 0) delivering ??= deliver();
  }

  /** Until nothing waits. */
  async function deliver(): Promise<void> {
    let delivered = 0;
    while (waiting.length > 0) {
      const batch = send();
      sending = batch;
      const sent = await batch;
      delivered += sent ?? 0;
      flowing = (sent ?? 0) > 0;
      // The ledger takes nothing any more, for a reason that it says to whoever appends: the journal stays.
      if (sent === undefined || (sent === 0 && stop.signal.aborted)) break;
      if (sent === 0) await delay(retryMs, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
    }
    if (waiting.length === 0) log.info("what was kept in the data folder is in the ledger", { entries: delivered });
    // In the same turn as the last look: what arrives from here on wakes another.
    delivering = undefined;
  }

  /** How many of the oldest the ledger took: all of one batch, or none for now; undefined where it takes none any more. */
  async function send(): Promise<number | undefined> {
    const batch = waiting.slice(0, BATCH_ENTRIES);
    const outcomes = await Promise.allSettled(batch.map(({ framed }) => ledger.append(unframeEntry(framed))));
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    if (failed.length > 0) return failed.every(({ reason }) => isPassing(reason)) ? 0 : undefined;
    waiting.splice(0, batch.length);
    bytes -= byteLength(batch);
    // Mostly what was delivered: what has to be copied is small beside what can go.
    if (waiting.length === 0 || journal.bytes > ROTATE_BYTES + 2 * bytes) await inTurn(rotate);
    return batch.length;
  }

  async function rotate(): Promise<void> {
    const old = journal;
    journal = await newJournal();
    await files.close(old.handle);
  }

  function newJournal(): Promise<OpenJournal> {
    return startJournal(files, folder, SPOOL_FILE, { origin, first: 0, root: EMPTY_ROOT }, waiting);
  }

  async function finish(): Promise<void> {
    await writing;
    stop.abort();
    await delivering;
    await step;
    if (waiting.length > 0) {
      log.warn("entries of the ledger wait in the data folder: they are delivered at the next start", {
        entries: waiting.length,
      });
    }
    await files.close(journal.handle).catch(() => undefined);
  }
}

/** What an earlier process left. A write that was torn off had not been acknowledged. @throws `ledger.journal-damaged` */
async function leftIn(files: Files, folder: string, origin: string): Promise<readonly LedgerRecord[]> {
  const stored = await files.read(join(folder, SPOOL_FILE));
  if (stored === undefined) return [];
  const journal = decodeJournal(stored);
  if (journal === undefined || journal.ending === "damaged" || journal.header.origin !== origin) {
    throw ledgerError("ledger.journal-damaged", { detail: `the entries that wait for the database, in ${SPOOL_FILE}` });
  }
  return journal.records;
}

function isPassing(error: unknown): boolean {
  return isHoldfastError(error) && PASSING.has(error.code);
}
