/**
 * Receipts into the ledger. `durable` waits until the entry is on disk; `buffered` waits only when too many are on
 * their way. Either way a ledger that has stopped stops the service: an exchange without a receipt would be an exchange
 * that nobody can audit. One that has no room for now stops it for a second. An entry that the ledger refuses for its own
 * sake, as too large, fails that exchange alone.
 *
 * @module
 */

import { isHoldfastError, type HoldfastError } from "../../core/index.ts";
import { gatewayError } from "../errors.ts";

/** Where receipts go. Resolves once the entry is durable. */
export interface ReceiptLog {
  append(entry: Uint8Array): Promise<unknown>;
}

export interface Recorder {
  /** @throws `gateway.ledger-unavailable` */
  record(entry: Uint8Array): Promise<void>;
  /** Before any work: @throws `gateway.ledger-unavailable` when the ledger takes nothing, and counts the loss */
  check(): void;
  /** Resolves when everything recorded so far is on disk, or has failed. */
  flush(): Promise<void>;
  /** The error that stopped the ledger, if one did. */
  failure(): HoldfastError | undefined;
  /** Why nothing is taken now: that error, or that there was no room in the last second. */
  trouble(): HoldfastError | undefined;
  readonly counts: RecorderCounts;
}

interface RecorderCounts {
  /** Receipts that are on disk. */
  readonly recorded: number;
  /** Receipts that are on their way, `buffered` only. */
  readonly pending: number;
  /** Exchanges whose receipt the ledger did not take. */
  readonly lost: number;
}

/** How long a buffered entry waits for company, in milliseconds: one durable write serves all that came meanwhile. */
const COMPANY_MS = 50;
/** Buffered entries that are not on disk at most. Beyond it requests wait, which bounds memory and what a crash loses. */
const PENDING = 4_096;
/** The ledger's errors after which it takes nothing any more. */
const STOPPED: ReadonlySet<string> = new Set(["ledger.write-failed", "ledger.failed", "ledger.closed"]);
/** The ledger's errors that pass, and how long nothing is tried after one, in milliseconds. */
const NO_ROOM: ReadonlySet<string> = new Set(["ledger.unavailable", "ledger.overloaded", "ledger.spool-full"]);
const NO_ROOM_MS = 1_000;

export function recorder(
  ledger: ReceiptLog,
  mode: "durable" | "buffered",
  log: { readonly error: (message: string, fields?: Readonly<Record<string, unknown>>) => void },
): Recorder {
  const counts = { recorded: 0, pending: 0, lost: 0 };
  let failed: HoldfastError | undefined;
  let noRoom: { readonly error: HoldfastError; readonly until: number } | undefined;
  let waiting: Uint8Array[] = [];
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> | undefined;
  let written: Promise<void> = Promise.resolve();

  const append = async (entry: Uint8Array): Promise<void> => {
    try {
      await ledger.append(entry);
      counts.recorded++;
    } catch (cause) {
      counts.lost++;
      const error = gatewayError("gateway.ledger-unavailable", { cause });
      const code = isHoldfastError(cause) ? cause.code : "an error that is not the ledger's";
      if (failed === undefined) log.error("the ledger did not take a receipt", { error: code });
      if (NO_ROOM.has(code)) noRoom = { error, until: performance.now() + NO_ROOM_MS };
      if (!isHoldfastError(cause) || STOPPED.has(cause.code)) failed ??= error;
      throw error;
    }
  };

  const send = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const entries = waiting;
    waiting = [];
    const before = written;
    const sent = Promise.allSettled(entries.map(append)).then(() => {
      counts.pending -= entries.length;
    });
    written = before.then(() => sent);
    return written;
  };

  /** Exchanges that end in one turn of the event loop are answered together: their clients wake once. */
  const endOfTurn = (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(() => {
        turn = undefined;
        resolve();
      });
    });

  const trouble = (): HoldfastError | undefined =>
    failed ?? (noRoom !== undefined && performance.now() < noRoom.until ? noRoom.error : undefined);

  const refuseFor = (error: HoldfastError | undefined): void => {
    if (error === undefined) return;
    counts.lost++;
    throw error;
  };

  return {
    check: () => refuseFor(trouble()),
    async record(entry) {
      refuseFor(failed);
      if (mode === "durable") {
        await append(entry);
        return;
      }
      waiting.push(entry);
      counts.pending++;
      timer ??= setTimeout(() => void send(), COMPANY_MS);
      if (counts.pending >= PENDING) await send();
      else await (turn ??= endOfTurn());
    },
    flush: send,
    failure: () => failed,
    trouble,
    counts,
  };
}
