/**
 * A log that several machines write: what they need of the database between them. The part that has the database at hand
 * implements it; this one says what must hold.
 *
 *     sequence   one number, the next index. Giving out indices and keeping the entries is one step, so that indices have no
 *                gap, no entry has two, and what was committed first stands first
 *     head       the newest signed checkpoint, and who may sign the next. It moves only from the size that the signer
 *                started from, under the epoch of its lease: of two that think they lead, one gets through
 *
 * Whatever cannot be done for now throws `ledger.unavailable`; anything else that is thrown stops the ledger.
 *
 * @module
 */

import type { LedgerRecord } from "../journal.ts";

/** How the log stands in the database. */
export interface SharedHead {
  /** The public key that signs it. */
  readonly vkey: string;
  /** The newest signed checkpoint. */
  readonly note: string;
  /** Entries that are durable, published or not. */
  readonly size: number;
}

export interface SharedStore {
  /** Undefined where no log was begun yet. */
  head(): Promise<SharedHead | undefined>;
  /**
   * Begins the log: its key, its first checkpoint of `published` entries, and the entries that it has already. All in one
   * step, and nothing where a log was begun by another.
   */
  begin(log: {
    readonly vkey: string;
    readonly note: string;
    readonly published: number;
    readonly entries: AsyncIterable<Uint8Array>;
  }): Promise<void>;
  /**
   * Gives the records the next indices, in their order, and resolves with these once all are durable. A record whose leaf
   * hash came through here before keeps the index that it got then: what is sent again is not there twice.
   */
  append(records: readonly LedgerRecord[]): Promise<readonly number[]>;
  /** Durable entries from `from` up to `to`, exclusive. */
  read(from: number, to: number): Promise<readonly Uint8Array[]>;
  /** Takes or keeps the lease on the head. Its epoch, which no holder before had; undefined while another has it. */
  lead(holder: string, ttlMs: number): Promise<number | undefined>;
  /** Moves the head from the checkpoint of `from` entries to that of `to`. False where another has led since. */
  publish(epoch: number, from: number, to: number, note: string): Promise<boolean>;
  /** Gives the lease back. */
  leave(holder: string): Promise<void>;
}
