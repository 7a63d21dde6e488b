/**
 * The way of entries into a shared log. What waits while one write is under way becomes the next, as in the journal of a
 * ledger of one machine.
 *
 * A write whose outcome is not known (the connection broke) is sent again: the store knows entries by their leaf hash, so
 * that none is in twice. After {@link APPEND_MS} it is given up; then the entry may or may not be there.
 *
 * @module
 */

import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";

import { isHoldfastError } from "../../core/index.ts";
import { ledgerError } from "../errors.ts";
import { recordOf, type LedgerRecord } from "../journal.ts";
import type { SharedStore } from "./store.ts";

export interface Intake {
  append(entry: Uint8Array): Promise<number>;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
  /** Rejects what waits. */
  fail(error: Error): void;
}

/** How long an entry is tried, from its append on, in milliseconds. */
const APPEND_MS = 10_000;
/** Entries of one write: three parameters each, of the 65,535 that a statement has at most. */
const MAX_BATCH_ENTRIES = 512;
/** Bytes of one write, about. */
const MAX_BATCH_BYTES = 1024 * 1024;
/** Bytes of entries that may wait. Beyond it `append` refuses. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
/** Before a write is tried again, in milliseconds: doubled each time. */
const RETRY_MS = { least: 25, most: 800 };

interface Pending {
  readonly record: LedgerRecord;
  readonly key: string;
  readonly until: number;
  readonly promise: PromiseWithResolvers<number>;
}

/** `onFailure` hears of what cannot be cured by trying again. */
export function openIntake(store: Pick<SharedStore, "append">, onFailure: (error: unknown) => void): Intake {
  let pending: Pending[] = [];
  let bytes = 0;
  /** By leaf hash: the same entry that is appended again while it waits. */
  const known = new Map<string, Pending>();
  let writing: Promise<void> | undefined;

  return {
    async append(entry) {
      const record = recordOf(entry);
      const key = Buffer.from(record.leaf).toString("base64");
      const same = known.get(key);
      if (same !== undefined) return await same.promise.promise;
      if (bytes + entry.length > MAX_PENDING_BYTES) {
        throw ledgerError("ledger.overloaded", { detail: `${MAX_PENDING_BYTES} bytes` });
      }
      const one: Pending = {
        record,
        key,
        until: performance.now() + APPEND_MS,
        promise: Promise.withResolvers(),
      };
      bytes += record.framed.length;
      known.set(key, one);
      pending.push(one);
      writing ??= write();
      return await one.promise.promise;
    },
    idle,
    fail(error) {
      for (const one of known.values()) settle(one, error);
      pending = [];
    },
  };

  async function idle(): Promise<void> {
    if (writing === undefined) return;
    await writing;
    await idle();
  }

  function settle(one: Pending, result: number | Error): void {
    if (!known.delete(one.key)) return;
    bytes -= one.record.framed.length;
    if (typeof result === "number") one.promise.resolve(result);
    else one.promise.reject(result);
  }

  /** One write after another until nothing waits. */
  async function write(): Promise<void> {
    for (;;) {
      // Everything that arrives in this turn of the event loop shares one durable write.
      await nextTurn();
      if (pending.length === 0) {
        // In the same turn as the last look: what comes from here on begins another.
        writing = undefined;
        return;
      }
      const batch = pending.splice(0, batchLength());
      try {
        const indices = await persist(batch);
        for (const [at, one] of batch.entries()) settle(one, indices[at] as number);
      } catch (error) {
        const unavailable = isHoldfastError(error, "ledger.unavailable");
        const failure = unavailable ? error : ledgerError("ledger.write-failed", { cause: error });
        for (const one of batch) settle(one, failure);
        if (!unavailable) onFailure(error);
      }
    }
  }

  function batchLength(): number {
    let size = 0;
    const over = pending.findIndex(({ record }) => (size += record.framed.length) > MAX_BATCH_BYTES);
    return Math.min(MAX_BATCH_ENTRIES, over === -1 ? pending.length : Math.max(1, over));
  }

  /** Tries until the oldest entry has waited too long. @throws `ledger.unavailable` */
  async function persist(batch: readonly Pending[]): Promise<readonly number[]> {
    const records = batch.map(({ record }) => record);
    const until = batch[0]?.until ?? 0;
    for (let wait = RETRY_MS.least; ; wait = Math.min(2 * wait, RETRY_MS.most)) {
      try {
        return await within(store.append(records), until);
      } catch (error) {
        if (!isHoldfastError(error, "ledger.unavailable") || performance.now() + wait >= until) throw error;
        await delay(wait);
      }
    }
  }
}

/** A server that is gone without a word would keep its callers waiting for as long as the network likes. */
async function within<T>(work: Promise<T>, until: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(ledgerError("ledger.unavailable", { detail: `no answer within ${APPEND_MS} ms` })),
    Math.max(0, until - performance.now()),
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
