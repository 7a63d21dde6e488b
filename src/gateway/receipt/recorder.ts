/**
 * Receipts into the ledger. `durable` waits until the entry is on disk; `buffered` waits only when too many are on
 * their way. Either way an entry that the ledger refuses stops the service: an exchange without a receipt would be an
 * exchange that nobody can audit.
 *
 * @module
 */

import type { HoldfastError } from "../../core/index.ts";
import type { Ledger } from "../../ledger/index.ts";
import { gatewayError } from "../errors.ts";

export interface Recorder {
  /** @throws `gateway.ledger-unavailable` */
  record(entry: Uint8Array): Promise<void>;
  /** Resolves when everything recorded so far is on disk, or has failed. */
  flush(): Promise<void>;
  /** The error that stopped the ledger, if one did. */
  failure(): HoldfastError | undefined;
  /** Receipts that are on disk. */
  recorded(): number;
}

/** Entries on their way at most; a buffered recorder waits beyond it, which bounds memory and what a crash loses. */
const PENDING = 4_096;

export function recorder(
  ledger: Pick<Ledger, "append">,
  mode: "durable" | "buffered",
  log: { readonly error: (message: string, fields?: Readonly<Record<string, unknown>>) => void },
): Recorder {
  let failed: HoldfastError | undefined;
  let recorded = 0;
  const pending = new Set<Promise<void>>();

  const append = async (entry: Uint8Array): Promise<void> => {
    try {
      await ledger.append(entry);
      recorded++;
    } catch (cause) {
      if (failed === undefined) log.error("the ledger did not take a receipt", { error: String(cause) });
      failed ??= gatewayError("gateway.ledger-unavailable", { cause });
      throw failed;
    }
  };

  return {
    async record(entry) {
      if (failed !== undefined) throw failed;
      const written = append(entry);
      if (mode === "durable") {
        await written;
        return;
      }
      const tracked = written
        .catch(() => undefined)
        .finally(() => {
          pending.delete(tracked);
        });
      pending.add(tracked);
      // Entries settle in order, so waiting for the oldest makes room.
      if (pending.size >= PENDING) await pending.values().next().value;
    },
    async flush() {
      await Promise.all(pending);
    },
    failure: () => failed,
    recorded: () => recorded,
  };
}
