/**
 * The owner's side: does on the real database and counters what one other process asks. Its transactions are the other's
 * to end; where it dies, they are rolled back.
 *
 * @module
 */

import { isHoldfastError } from "../../core/index.ts";
import type { Counters } from "../counters/counters.ts";
import type { Db } from "../db.ts";
import { storageError, type StorageCode } from "../errors.ts";
import { receivedSql } from "../sql.ts";
import type { StorageReply, StorageRequest } from "./protocol.ts";

export interface StorageHost {
  /** Does what is asked; the replies go where the host was told to send them. */
  receive(requests: readonly StorageRequest[]): void;
  /** The other process is gone: rolls back what it had begun. */
  end(): void;
}

interface OpenTransaction {
  readonly tx: Db;
  readonly finish: PromiseWithResolvers<void>;
  /** What became of it. */
  readonly over: Promise<void>;
}

/** Serves one other process. `reply` gets the replies of one turn of the event loop at once. */
export function storageHost(
  { db, counters }: { readonly db: Db; readonly counters: Counters },
  reply: (replies: readonly StorageReply[]) => void,
): StorageHost {
  const open = new Map<number, OpenTransaction>();
  const outgoing: StorageReply[] = [];
  let ended = false;

  const begin = (number: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const finish = Promise.withResolvers<void>();
      const over = db.transaction(async (tx) => {
        open.set(number, { tx, finish, over });
        resolve();
        // It came too late to be ended by `end`.
        if (ended) throw storageError("storage.unavailable");
        await finish.promise;
      });
      over.catch(reject).finally(() => open.delete(number));
    });
  const find = (number: number): OpenTransaction => {
    const transaction = open.get(number);
    if (transaction === undefined) throw storageError("storage.transaction-over");
    return transaction;
  };

  const act = async (ask: StorageRequest): Promise<unknown> => {
    switch (ask.kind) {
      case "query":
        return await (ask.tx === undefined ? db : find(ask.tx).tx).query(receivedSql(ask.statement));
      case "execute":
        return await (ask.tx === undefined ? db : find(ask.tx).tx).execute(receivedSql(ask.statement));
      case "begin":
        return await begin(ask.tx);
      case "commit": {
        const { finish, over } = find(ask.tx);
        finish.resolve();
        return await over;
      }
      case "rollback": {
        const { finish, over } = find(ask.tx);
        finish.reject(storageError("storage.transaction-over"));
        return await over.catch(() => undefined);
      }
      case "take":
        return await counters.take(ask.key, ask.limit, ask.cost);
      case "acquire":
        return await counters.acquire(ask.key, ask.limit, ask.ttlMs);
      case "release":
        return await counters.release(ask.key, ask.id);
      default:
        return await counters.quota(ask.quota);
    }
  };
  const answer = (one: StorageReply): void => {
    if (outgoing.push(one) === 1) queueMicrotask(() => reply(outgoing.splice(0)));
  };

  return {
    receive(requests) {
      for (const request of requests) {
        const { call } = request;
        act(request).then(
          (result) => answer({ call, result }),
          (error: unknown) => answer({ call, fault: faultOf(error) }),
        );
      }
    },
    end() {
      ended = true;
      for (const { finish } of open.values()) finish.reject(storageError("storage.unavailable"));
    },
  };
}

/** Every error of a back end is one of ours; of another only its place would help, and that stays here. */
function faultOf(error: unknown): { readonly code: StorageCode; readonly detail?: string } {
  if (!isHoldfastError(error)) return { code: "storage.unavailable" };
  const code = error.code as StorageCode;
  return error.detail === undefined ? { code } : { code, detail: error.detail };
}
