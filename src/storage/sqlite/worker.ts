/**
 * The thread of the database: one connection that writes, one that reads, and group commit.
 *
 * Reads are answered at once, from what is committed. Writes and transactions stand in one queue. Writes that wait
 * next to each other are run in one SQLite transaction and share its fsync; each is answered after the commit, with
 * its own result or its own error. A transaction of the port has the write lock alone, from `begin` to its end.
 *
 * Nothing here outlives the process: SQLite's locks are the operating system's, so a killed process leaves none.
 *
 * @module
 */

import { parentPort, workerData } from "node:worker_threads";
import { setTimeout as delay } from "node:timers/promises";
import { isBusy } from "./fault.ts";
import { BUSY_MS, openFile, type Connections } from "./file.ts";
import type { Fault, Reply, Request, Result } from "./protocol.ts";
import { failureOf, runner, type Run } from "./statement.ts";

/** Most writes in one group: bounds how long the first of them waits for the last. */
const GROUP = 512;
/** A transaction that asks for nothing this long is rolled back, in milliseconds: others wait for it. */
const IDLE_MS = 10_000;

/** What stands in the queue, and since when (milliseconds of the thread's clock). */
type Queued = Extract<Request, { kind: "run" | "begin" | "close" }> & { readonly since: number };

if (parentPort !== null) serve(parentPort, workerData as string);

/** Opens the file and serves `port` until it is told to close. */
function serve(port: NonNullable<typeof parentPort>, path: string): void {
  const replies: Reply[] = [];
  const reply = (one: Reply): void => {
    if (replies.push(one) === 1) queueMicrotask(() => port.postMessage(replies.splice(0)));
  };

  let connections: Connections;
  try {
    connections = openFile(path);
  } catch (error) {
    reply({ call: 0, fault: failureOf(error) });
    return;
  }
  const { writer, reader } = connections;
  const read = runner(reader);
  const write = runner(writer);

  const queue: Queued[] = [];
  let wake: (() => void) | undefined;
  let open: { readonly tx: number; readonly idle: NodeJS.Timeout; readonly end: () => void } | undefined;

  port.on("message", (requests: readonly Request[]) => {
    for (const request of requests) receive(request);
  });
  reply({ call: 0, result: 0 });
  void work();

  function receive(request: Request): void {
    switch (request.kind) {
      case "run":
        if (READS.test(request.statement.text)) answer(request.call, () => read(request.statement));
        else enqueue(request);
        break;
      case "begin":
      case "close":
        enqueue(request);
        break;
      case "run-in":
        within(request, () => write(request.statement));
        open?.idle.refresh();
        break;
      case "commit":
      case "rollback":
        within(request, () => {
          writer.exec(request.kind);
          return 0;
        });
        if (open?.tx === request.tx) open.end();
    }
  }

  function enqueue(request: Omit<Queued, "since">): void {
    queue.push({ ...request, since: performance.now() } as Queued);
    wake?.();
  }

  /** Answers with what `run` returns or throws. */
  function answer(call: number, run: () => Result): void {
    try {
      reply({ call, result: run() });
    } catch (error) {
      reply({ call, fault: failureOf(error) });
    }
  }

  /** Answers a request of a transaction, which may be over: rolled back for idleness, or by SQLite on a full disk. */
  function within(request: Extract<Request, { tx: number }>, run: () => Result): void {
    if (open?.tx === request.tx && writer.isTransaction) answer(request.call, run);
    else if (request.kind === "rollback") reply({ call: request.call, result: 0 });
    else reply({ call: request.call, fault: { code: "storage.transaction-over" } });
  }

  /** Takes the queue from the front until it is told to close. */
  async function work(): Promise<void> {
    for (;;) {
      const next = queue.shift();
      if (next === undefined) await arrival();
      else if (next.kind === "begin") await transaction(next);
      else if (next.kind === "run") await group(next);
      else return close(next.call);
    }
  }

  /** Resolves in the turn after something came, so that everything that came with it is in the queue too. */
  function arrival(): Promise<void> {
    return new Promise((resolve) => {
      wake = () => {
        wake = undefined;
        setImmediate(resolve);
      };
    });
  }

  /** Runs `first` and the writes right behind it in one transaction. */
  async function group(first: Extract<Queued, { kind: "run" }>): Promise<void> {
    const writes = [first];
    const gather = (): void => {
      while (writes.length < GROUP && queue[0]?.kind === "run") writes.push(queue.shift() as typeof first);
    };
    const answers: Reply[] = [];
    try {
      gather();
      await begin(first.since);
      gather();
      for (const { call, statement } of writes) answers.push(attempt(call, write, statement));
      writer.exec("commit");
      for (const one of answers) reply(one);
    } catch (error) {
      const fault = failureOf(error);
      undo();
      for (const { call } of writes) reply({ call, fault });
    }
  }

  /** SQLite undoes a statement that fails and goes on; where it undid the whole transaction, the group failed. */
  function attempt(call: number, run: Run, statement: Parameters<Run>[0]): Reply {
    try {
      return { call, result: run(statement) };
    } catch (error) {
      if (!writer.isTransaction) throw error;
      return { call, fault: failureOf(error) };
    }
  }

  /** Holds the write lock for one transaction of the port, until it ends or stands idle. */
  async function transaction({ call, tx, since }: Extract<Queued, { kind: "begin" }>): Promise<void> {
    try {
      await begin(since);
    } catch (error) {
      reply({ call, fault: failureOf(error) });
      return;
    }
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(open?.idle);
        open = undefined;
        // After a commit that failed (a full disk) the transaction may still be open.
        undo();
        resolve();
      };
      open = { tx, idle: setTimeout(end, IDLE_MS), end };
      reply({ call, result: 0 });
    });
  }

  /**
   * Takes the write lock, for a request that waits since `since`. Another process may hold it: this waits in turns of
   * the event loop, so that reads go on, and gives up when the request has waited for {@link BUSY_MS}.
   */
  async function begin(since: number): Promise<void> {
    for (const deadline = since + BUSY_MS; ;) {
      try {
        writer.exec("begin immediate");
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw error;
      }
      // At random, so that processes that wait for each other do not step in time.
      await delay(1 + Math.random() * 4);
    }
  }

  function undo(): void {
    if (writer.isTransaction) writer.exec("rollback");
  }

  /** The last connection to close moves the log into the file and removes it. */
  function close(call: number): void {
    const late: Fault = { code: "storage.closed" };
    for (const request of queue) reply({ call: request.call, fault: late });
    answer(call, () => {
      reader.close();
      writer.close();
      return 0;
    });
    setImmediate(() => port.close());
  }
}

/** Statements that change nothing. `with` may hold an insert, so it goes to the writer, which is right for both. */
const READS = /^\s*select\b/i;
