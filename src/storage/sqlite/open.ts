/**
 * SQLite behind the port. The database lives in a worker thread (`worker.ts`), so that no fsync and no slow query
 * stops the event loop; this side only passes messages. The worker keeps the process alive exactly while something is
 * under way.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import type { Db } from "../db.ts";
import { storageError } from "../errors.ts";
import { renderSql, type Sql, type SqlValue } from "../sql.ts";
import { refuseInside, runTransaction, type Session } from "../transaction.ts";
import type { Reply, Request, Result, Statement } from "./protocol.ts";

/** Calls that may wait at once. More would only hide that the disk cannot keep up. */
const MAX_WAITING = 16_384;

/** Opens the file at `path`. @throws as `openDb` */
export async function openSqlite(path: string): Promise<Db> {
  const { call, opened } = startWorker(path);
  await opened;

  let closing: Promise<void> | undefined;
  let transactions = 0;
  const owner = {};
  /** What every call outside a transaction checks first. */
  const enter = (): void => {
    if (closing !== undefined) throw storageError("storage.closed");
    refuseInside(owner);
  };
  const run = async (statement: Sql, want: Statement["want"]): Promise<Result> => {
    const rendered = render(statement, want);
    enter();
    return call({ kind: "run", statement: rendered });
  };

  return {
    dialect: "sqlite",
    query: async <Row extends object>(statement: Sql) => (await run(statement, "rows")) as readonly Row[],
    execute: async (statement) => (await run(statement, "count")) as number,
    transaction: async (work) => {
      enter();
      const tx = ++transactions;
      await call({ kind: "begin", tx });
      return runTransaction(owner, "sqlite", session(call, tx), work);
    },
    close: async () => {
      if (closing === undefined) {
        refuseInside(owner);
        closing = call({ kind: "close" }).then(() => undefined);
      }
      return closing;
    },
  };
}

/** A request without the number that {@link startWorker} gives it. */
type Asked = Request extends infer One ? (One extends Request ? Omit<One, "call"> : never) : never;
type Call = (request: Asked) => Promise<Result>;

function render(statement: Sql, want: Statement["want"]): Statement {
  return { text: renderSql(statement, "?"), values: statement.values.map(alone), want };
}

/** Bytes that are a view into a larger buffer as bytes of their own: a message would carry the whole buffer. */
function alone(value: SqlValue): SqlValue {
  return value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength ? new Uint8Array(value) : value;
}

function session(call: Call, tx: number): Session {
  return {
    query: async (statement) =>
      (await call({ kind: "run-in", tx, statement: render(statement, "rows") })) as readonly object[],
    execute: async (statement) => (await call({ kind: "run-in", tx, statement: render(statement, "count") })) as number,
    commit: async () => void (await call({ kind: "commit", tx })),
    // A worker that is gone has rolled back.
    rollback: async () => void (await call({ kind: "rollback", tx }).catch(() => undefined)),
  };
}

/** Starts the thread. `opened` rejects when the file cannot be opened; `call` sends a request and awaits its reply. */
function startWorker(path: string): { call: Call; opened: Promise<Result> } {
  // The process's own flags (`--eval`, a loader) are not the worker's.
  const options = { workerData: path, execArgv: [] };
  // The published package holds .js; a clone runs .ts.
  const worker = import.meta.url.endsWith(".ts")
    ? new Worker(new URL("./worker.ts", import.meta.url), options)
    : new Worker(new URL("./worker.js", import.meta.url), options);
  const waiting = new Map<number, PromiseWithResolvers<Result>>();
  const outgoing: Request[] = [];
  let calls = 0;
  let gone: Error | undefined;

  const wait = (number: number): Promise<Result> => {
    const one = Promise.withResolvers<Result>();
    waiting.set(number, one);
    worker.ref();
    return one.promise;
  };
  const settle = (replies: readonly Reply[]): void => {
    for (const reply of replies) {
      const one = waiting.get(reply.call);
      waiting.delete(reply.call);
      if ("result" in reply) one?.resolve(reply.result);
      else one?.reject(storageError(reply.fault.code, reply.fault));
    }
    if (waiting.size === 0) worker.unref();
  };
  const end = (cause?: unknown): void => {
    gone ??= storageError("storage.unavailable", { detail: "the thread of the database ended", cause });
    for (const one of waiting.values()) one.reject(gone);
    waiting.clear();
  };
  worker.on("message", settle);
  worker.on("error", end);
  worker.on("exit", () => end());

  const call: Call = (request) => {
    if (gone !== undefined) return Promise.reject(gone);
    if (waiting.size >= MAX_WAITING) {
      return Promise.reject(storageError("storage.busy", { detail: `${MAX_WAITING} statements wait already` }));
    }
    const number = ++calls;
    if (outgoing.push({ ...request, call: number }) === 1) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
      queueMicrotask(() => worker.postMessage(outgoing.splice(0)));
    }
    return wait(number);
  };
  return { call, opened: wait(0) };
}
