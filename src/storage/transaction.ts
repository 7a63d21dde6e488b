/**
 * What a transaction means, the same on every back end. A back end brings a {@link Session} (a connection with an open
 * transaction); this file turns it into the `tx` that the work gets, and sees to it that
 *
 * - a transaction in which any statement failed is never committed, even where the work swallowed the error (SQLite
 *   would go on; PostgreSQL would answer COMMIT with a silent ROLLBACK);
 * - no statement of the work is still under way when the commit is sent;
 * - the database is not used around its own transaction, where it would wait for itself;
 * - a `tx` that outlives its work is dead.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { isHoldfastError } from "../core/index.ts";
import type { Db } from "./db.ts";
import { storageError } from "./errors.ts";
import type { Sql } from "./sql.ts";

/** One connection inside one transaction. Every error it throws is a `HoldfastError`. */
export interface Session {
  query(statement: Sql): Promise<readonly object[]>;
  execute(statement: Sql): Promise<number>;
  commit(): Promise<void>;
  /** Never throws: a connection that cannot roll back is thrown away, which rolls back. */
  rollback(): Promise<void>;
}

interface Scope {
  readonly owner: object;
  readonly outer: Scope | undefined;
  open: boolean;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Throws when called from inside the work of an open transaction of `owner`. @throws `storage.transaction-nested` */
export function refuseInside(owner: object): void {
  for (let scope = scopes.getStore(); scope !== undefined; scope = scope.outer) {
    if (scope.open && scope.owner === owner) throw storageError("storage.transaction-nested");
  }
}

/** Runs `work` on the open `session` and commits, or rolls back and throws. `owner` is what the caller's `Db` is. */
export async function runTransaction<T>(
  owner: object,
  dialect: Db["dialect"],
  session: Session,
  work: (tx: Db) => Promise<T>,
): Promise<T> {
  const scope: Scope = { owner, outer: scopes.getStore(), open: true };
  const underWay = new Set<Promise<unknown>>();
  let failed: { readonly error: unknown } | undefined;

  const run = async <Result>(statement: () => Promise<Result>): Promise<Result> => {
    if (!scope.open) throw storageError("storage.transaction-over");
    if (failed !== undefined) throw failed.error;
    const running = statement();
    underWay.add(running);
    try {
      return await running;
    } catch (error) {
      failed ??= { error };
      throw error;
    } finally {
      underWay.delete(running);
    }
  };
  const refuse = (): Promise<never> => Promise.reject(storageError("storage.transaction-nested"));
  const tx: Db = {
    dialect,
    query: <Row extends object>(statement: Sql) => run(() => session.query(statement) as Promise<readonly Row[]>),
    execute: (statement) => run(() => session.execute(statement)),
    transaction: refuse,
    close: refuse,
  };

  try {
    const result = await scopes.run(scope, () => work(tx));
    while (underWay.size > 0) await Promise.allSettled(underWay);
    scope.open = false;
    if (failed !== undefined) throw failed.error;
    await session.commit();
    return result;
  } catch (error) {
    scope.open = false;
    await Promise.allSettled(underWay);
    await session.rollback();
    // A collision decides what happens next (the transaction runs again), whatever the work made of it.
    if (failed !== undefined && isHoldfastError(failed.error, "storage.conflict")) throw failed.error;
    throw error;
  }
}
