/**
 * State and counters of another process, behind the same ports. A call resolves when the owner says that it is done, so
 * that what is durable there is durable here.
 *
 * @module
 */

import type { Counters, RateAnswer } from "../counters/counters.ts";
import type { QuotaAnswer } from "../counters/quota.ts";
import type { Db } from "../db.ts";
import { storageError } from "../errors.ts";
import { isSql, type Sql, type SqlValue } from "../sql.ts";
import { refuseInside, runTransaction, type Session } from "../transaction.ts";
import type { SentStatement, StorageAsk, StorageReply, StorageRequest } from "./protocol.ts";

export interface RemoteStorage {
  /** Of the owner's SQLite. */
  readonly db: Db;
  /** Shared: other processes count with these too. */
  readonly counters: Counters;
  /** Takes the owner's replies. */
  receive(replies: readonly StorageReply[]): void;
  /** The owner is gone: what waits fails, and so does every later call. */
  lost(): void;
}

/** Calls that may wait at once. */
const MAX_WAITING = 16_384;

/**
 * Makes the two ports. `send` hands requests to the owner, all of one turn of the event loop at once.
 *
 * @example
 * ```ts
 * const storage = remoteStorage((requests) => process.send?.({ kind: "storage", requests }));
 * process.on("message", ({ replies }) => storage.receive(replies));
 * ```
 */
export function remoteStorage(send: (requests: readonly StorageRequest[]) => void): RemoteStorage {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const outgoing: StorageRequest[] = [];
  const owner = {};
  let calls = 0;
  let transactions = 0;
  let gone: Error | undefined;
  const closed = { db: false, counters: false };

  const call = (ask: StorageAsk): Promise<unknown> => {
    if (gone !== undefined) return Promise.reject(gone);
    if (waiting.size >= MAX_WAITING) {
      return Promise.reject(storageError("storage.busy", { detail: `${MAX_WAITING} calls wait already` }));
    }
    const number = ++calls;
    const one = Promise.withResolvers<unknown>();
    waiting.set(number, one);
    if (outgoing.push({ ...ask, call: number }) === 1) queueMicrotask(() => send(outgoing.splice(0)));
    return one.promise;
  };
  /** What every call outside a transaction checks first. */
  const enter = (): void => {
    if (closed.db) throw storageError("storage.closed");
    refuseInside(owner);
  };
  const count = async (ask: StorageAsk): Promise<unknown> => {
    if (closed.counters) throw storageError("storage.closed");
    return await call(ask);
  };
  const session = (tx: number): Session => ({
    query: async (statement) => (await call({ kind: "query", statement: sent(statement), tx })) as readonly object[],
    execute: async (statement) => (await call({ kind: "execute", statement: sent(statement), tx })) as number,
    commit: async () => void (await call({ kind: "commit", tx })),
    // An owner that is gone has rolled back.
    rollback: async () => void (await call({ kind: "rollback", tx }).catch(() => undefined)),
  });

  return {
    db: {
      dialect: "sqlite",
      query: async <Row extends object>(statement: Sql) => {
        enter();
        return (await call({ kind: "query", statement: sent(statement) })) as readonly Row[];
      },
      execute: async (statement) => {
        enter();
        return (await call({ kind: "execute", statement: sent(statement) })) as number;
      },
      transaction: async (work) => {
        enter();
        const tx = ++transactions;
        await call({ kind: "begin", tx });
        return await runTransaction(owner, "sqlite", session(tx), work);
      },
      close: async () => {
        if (!closed.db) refuseInside(owner);
        closed.db = true;
      },
    },
    counters: {
      shared: true,
      take: async (key, limit, cost) => (await count({ kind: "take", key, limit, cost })) as RateAnswer,
      acquire: async (key, limit, ttlMs) =>
        (await count({ kind: "acquire", key, limit, ttlMs })) as { id: string } | undefined,
      release: async (key, id) => void (await count({ kind: "release", key, id })),
      quota: async (quota) => (await count({ kind: "quota", quota })) as QuotaAnswer,
      close: async () => {
        closed.counters = true;
      },
    },
    receive(replies) {
      for (const reply of replies) {
        const one = waiting.get(reply.call);
        waiting.delete(reply.call);
        if ("result" in reply) one?.resolve(reply.result);
        else one?.reject(storageError(reply.fault.code, reply.fault));
      }
    },
    lost() {
      gone ??= storageError("storage.unavailable", { detail: "the process that owns the database ended" });
      for (const one of waiting.values()) one.reject(gone);
      waiting.clear();
    },
  };
}

/** @throws `storage.sql-untagged` */
function sent(statement: Sql): SentStatement {
  if (!isSql(statement)) throw storageError("storage.sql-untagged");
  return { text: statement.text, values: statement.values.map(alone) };
}

/** Bytes that are a view into a larger buffer as bytes of their own: a message would carry the whole buffer. */
function alone(value: SqlValue): SqlValue {
  return value instanceof Uint8Array ? new Uint8Array(value) : value;
}
