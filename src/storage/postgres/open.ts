/**
 * PostgreSQL behind the port: a pool of connections from `pg`, everything in the schema `holdfast`.
 *
 * A transaction is SERIALIZABLE (manual, section 13.2.3) and runs again when the server says that it collided with
 * another: then nothing of it has happened. Nothing else is ever tried twice, since a lost connection does not tell
 * whether the last statement took effect. A connection that failed is thrown away; the pool makes a new one. A server that
 * does not answer any more (`pulse.ts`) fails what waits for it, and all that is asked until it answers again.
 *
 * @module
 */

import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { Client, Pool, type ClientConfig, type PoolClient } from "pg";
import { isHoldfastError } from "../../core/index.ts";
import type { Db } from "../db.ts";
import { storageError } from "../errors.ts";
import { isOwnText, ownText, renderSql, sql, type Sql } from "../sql.ts";
import { refuseInside, runTransaction, type Session } from "../transaction.ts";
import { faultOf, isServerError, outcomeUnknown } from "./fault.ts";
import { ANSWER_MS, startPulse, type Asking } from "./pulse.ts";
import { SCHEMA } from "./schema.ts";
import { openSockets } from "./sockets.ts";
import { toPostgres, typeReaders } from "./types.ts";

/** Connections of one process. The server's default is 100 for all. */
const POOL = 10;
/** For a connection, free or new, and for a lock: milliseconds. */
const WAIT_MS = 10_000;
/** For one statement, in milliseconds. */
const STATEMENT_MS = 60_000;
/** For one step of a migration, which may rewrite a large table: milliseconds. */
const MIGRATION_MS = 3_600_000;
/** A transaction that asks for nothing this long is ended by the server, in milliseconds: as with SQLite. */
const IDLE_MS = 10_000;
/** Times a colliding transaction runs. With waits of up to a quarter of a second, about four seconds. */
const ATTEMPTS = 24;

/** Opens a pool and looks at the server. @throws as `openDb` */
export async function openPostgres(url: string): Promise<Db> {
  const sockets = openSockets();
  const settings = settingsOf(url);
  // What waited for a connection gets one that fails at once, once the server is taken for lost.
  const stream = (): Socket => (pulse.away() ? sockets.makeBroken() : sockets.make());
  const pool = new Pool({ ...settings, ...POOL_SETTINGS, stream });
  // A connection that breaks while nobody uses it is replaced by the pool; one in use fails its statement as well.
  const ignore = (): void => undefined;
  pool.on("error", ignore);
  pool.on("connect", (client) => client.on("error", ignore));

  let closing: Promise<void> | undefined;
  const underWay = new Set<Promise<unknown>>();
  const owner = {};
  const pulse = startPulse({ open: () => openAsking(settings), letGo: () => sockets.destroy() });
  /** Runs one call, which `close` waits for: the pool would leave one alone that waits for a connection. */
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closing !== undefined) throw storageError("storage.closed");
    refuseInside(owner);
    if (pulse.away()) throw storageError("storage.unavailable", { detail: "it does not answer" });
    const running = work();
    underWay.add(running);
    try {
      return await running;
    } finally {
      underWay.delete(running);
    }
  };
  const end = async (): Promise<void> => {
    await Promise.allSettled(underWay);
    pulse.stop();
    await pool.end();
  };

  const db: Db = {
    dialect: "postgres",
    query: async <Row extends object>(statement: Sql) => {
      const rendered = render(statement);
      return (await call(() => run(pool, rendered))).rows as Row[];
    },
    execute: async (statement) => {
      const rendered = render(statement);
      return changed(await call(() => run(pool, rendered).catch(outcomeUnknown)));
    },
    transaction: (work) => call(() => repeat(async () => runTransaction(owner, "postgres", await begin(pool), work))),
    away: pulse.away,
    close: async () => {
      if (closing === undefined) {
        refuseInside(owner);
        closing = end();
      }
      return closing;
    },
  };

  try {
    await examine(db);
  } catch (error) {
    pulse.stop();
    await pool.end();
    throw error;
  }
  return db;
}

/** @throws `storage.url-invalid` */
function settingsOf(url: string): ClientConfig {
  try {
    const target = new URL(url);
    // Read when a connection starts, so that it holds for every connection and costs no round trip.
    const own = `-c search_path=${SCHEMA} -c bytea_output=hex`;
    target.searchParams.set("options", [own, target.searchParams.get("options") ?? ""].join(" ").trim());
    return { connectionString: target.href, application_name: "holdfast", keepAlive: true };
  } catch {
    // The original error quotes the URL, and with it the password.
    throw storageError("storage.url-invalid");
  }
}

const POOL_SETTINGS = {
  max: POOL,
  connectionTimeoutMillis: WAIT_MS,
  lock_timeout: WAIT_MS,
  statement_timeout: STATEMENT_MS,
  idle_in_transaction_session_timeout: IDLE_MS,
  allowExitOnIdle: true,
  types: typeReaders,
};

/** A connection for the pulse. It keeps no process alive. */
function openAsking(settings: ClientConfig): Asking {
  const sockets = openSockets();
  const stream = sockets.make().unref();
  const limits = { connectionTimeoutMillis: ANSWER_MS, query_timeout: ANSWER_MS };
  const client = new Client({ ...settings, ...limits, stream: () => stream });
  // What breaks it is said by the question that follows.
  client.on("error", () => undefined);
  let connected: Promise<unknown> | undefined;
  return {
    async ask() {
      await (connected ??= client.connect());
      await client.query("select 1");
    },
    end: () => sockets.destroy(),
  };
}

/** Refuses a server that would lose or change what it is given. @throws `storage.unsuitable` */
async function examine(db: Db): Promise<void> {
  const [server] = await db.query<{ version: number; encoding: string; readonly: string; commits: string }>(
    sql`select current_setting('server_version_num')::integer as version,
      current_setting('server_encoding') as encoding,
      current_setting('transaction_read_only') as readonly,
      current_setting('synchronous_commit') as commits`,
  );
  const { version = 0, encoding, readonly, commits } = server ?? {};
  if (version < 130_000) throw storageError("storage.unsuitable", { detail: `version ${version}` });
  if (encoding !== "UTF8") throw storageError("storage.unsuitable", { detail: `encoding ${encoding}` });
  if (readonly !== "off") throw storageError("storage.unsuitable", { detail: "it is read-only" });
  if (commits === "off") throw storageError("storage.unsuitable", { detail: "synchronous_commit is off" });
}

/** Runs a transaction until it collides with no other. After a collision nothing of it has happened. */
async function repeat<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      if (!isHoldfastError(error, "storage.conflict") || attempt === ATTEMPTS) throw error;
    }
    await delay(Math.random() * Math.min(2 ** attempt, 250));
  }
}

interface Rendered {
  readonly text: string;
  readonly values: ReturnType<typeof toPostgres>[];
  /** The extended protocol also where there are no values: it takes exactly one statement. */
  readonly queryMode: "extended";
  /** How long this side waits for the answer: the server ends a statement first, unless it is gone without a word. */
  readonly query_timeout: number;
}

interface Answer {
  readonly rows: object[];
  readonly rowCount: number | null;
  readonly command: string;
}

function render(statement: Sql): Rendered {
  return {
    text: renderSql(statement, "$"),
    values: statement.values.map(toPostgres),
    queryMode: "extended",
    query_timeout: isOwnText(statement) ? MIGRATION_MS : STATEMENT_MS + WAIT_MS,
  };
}

/** Runs one statement on a connection of its own. */
async function run(pool: Pool, statement: Rendered): Promise<Answer> {
  const client = await connect(pool);
  try {
    const answer: Answer = await client.query<object>(statement);
    client.release();
    return answer;
  } catch (error) {
    // After an error that the server sent, the connection is in order.
    client.release(!isServerError(error));
    throw faultOf(error);
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw faultOf(error);
  }
}

function changed({ command, rowCount }: Answer): number {
  return ["INSERT", "UPDATE", "DELETE"].includes(command) ? (rowCount ?? 0) : 0;
}

/** Takes a connection from the pool and opens a transaction on it. Its end gives the connection back. */
async function begin(pool: Pool): Promise<Session> {
  const client = await connect(pool);
  // Why the connection is of no use any more: what the server said as it hung up, or the first failure on this side.
  let lost: unknown;
  const onLost = (error: unknown): void => void (lost ??= error);
  client.on("error", onLost);
  let held = true;
  const giveBack = (): void => {
    held = false;
    client.off("error", onLost);
    client.release(lost !== undefined);
  };

  const send = async (statement: Rendered): Promise<Answer> => {
    if (!held) throw storageError("storage.transaction-over");
    if (lost !== undefined) throw faultOf(lost);
    try {
      return await client.query<object>(statement);
    } catch (error) {
      if (isServerError(error)) throw faultOf(error);
      throw faultOf((lost ??= error));
    }
  };
  const command = (text: string): Promise<Answer> => send(render(ownText(text)));

  try {
    await command("begin isolation level serializable");
  } catch (error) {
    lost ??= error;
    giveBack();
    throw error;
  }
  return {
    query: async (statement) => (await send(render(statement))).rows,
    execute: async (statement) => changed(await send(render(statement))),
    commit: async () => {
      await command("commit").catch(outcomeUnknown);
      giveBack();
    },
    rollback: async () => {
      await command("rollback").catch((error: unknown) => (lost ??= error));
      giveBack();
    },
  };
}
