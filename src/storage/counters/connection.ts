/**
 * One connection to Redis or Valkey that is there or is not. The client library would by itself queue commands while it
 * reconnects, and wait for a server that is stopped but still holds its sockets; both would turn a lost server into
 * requests that hang. So: no queue, a time limit on every answer, and a connection that missed it is thrown away.
 *
 * It does not keep the process alive.
 *
 * @module
 */

import { createClient, ErrorReply, type RedisClientType } from "@redis/client";
import { storageError } from "../errors.ts";

/** The longest a caller waits for an answer or a connection, in milliseconds. */
const ANSWER_MS = 2_000;
/** Before the first and before every later attempt to connect again, in milliseconds. */
const REDIAL_MS = [50, 2_000] as const;
/** Answers that may be awaited at once; more would only hide that the server cannot keep up. */
const MAX_WAITING = 16_384;

export interface Connection {
  /**
   * Sends one command. Rejects with the server's own error for an error reply, else with
   * `storage.counters-unavailable`.
   */
  send(command: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
}

type Client = RedisClientType<Record<string, never>, Record<string, never>, Record<string, never>, 2>;

/** Connects, once now and again whenever the connection is lost. @throws as `openCounters` */
export async function connect(url: string): Promise<Connection> {
  let current: Client | undefined;
  let closed = false;
  let waiting = 0;

  const dial = async (): Promise<void> => {
    const client = makeClient(url);
    // Emitted for everything that ends a connection. The library never connects again by itself.
    client.on("error", () => drop(client));
    try {
      await answerOf(client.connect());
    } catch (error) {
      destroy(client);
      throw error;
    }
    client.unref();
    if (closed) destroy(client);
    else current = client;
  };
  const drop = (client: Client): void => {
    destroy(client);
    if (client !== current) return;
    current = undefined;
    redial(REDIAL_MS[0]);
  };
  const redial = (delay: number): void => {
    const again = (): void => {
      if (!closed) dial().catch(() => redial(Math.min(delay * 2, REDIAL_MS[1])));
    };
    setTimeout(again, delay * (0.5 + Math.random() / 2)).unref();
  };

  try {
    await dial();
  } catch (error) {
    throw unavailable(error);
  }
  return {
    send: async (command) => {
      const client = current;
      if (client === undefined) throw storageError("storage.counters-unavailable", { detail: "not connected" });
      if (waiting >= MAX_WAITING) {
        throw storageError("storage.counters-unavailable", { detail: `${MAX_WAITING} commands wait already` });
      }
      waiting += 1;
      try {
        return await answerOf(client.sendCommand([...command]));
      } catch (error) {
        if (!(error instanceof ErrorReply)) drop(client);
        throw error;
      } finally {
        waiting -= 1;
      }
    },
    close: async () => {
      closed = true;
      if (current !== undefined) destroy(current);
      current = undefined;
    },
  };
}

/** What a failure looks like to the caller: a word of the server or a code of the network, never what was sent. */
export function unavailable(error: unknown): Error {
  if (!(error instanceof Error)) return storageError("storage.counters-unavailable");
  if (error instanceof ErrorReply) {
    // `WRONGPASS invalid username-password pair`, `READONLY You can't write against a read only replica`.
    return storageError("storage.counters-unavailable", { detail: /^[A-Z]+/.exec(error.message)?.[0] ?? "refused" });
  }
  const { code, name } = error as Error & { code?: unknown };
  if (typeof code === "string" && code.startsWith("storage.")) return error;
  return storageError("storage.counters-unavailable", { detail: typeof code === "string" ? code : name });
}

function makeClient(url: string): Client {
  try {
    return createClient({
      url,
      RESP: 2,
      disableOfflineQueue: true,
      socket: { connectTimeout: ANSWER_MS, reconnectStrategy: false },
    });
  } catch {
    // The original error may quote the URL, and with it the password.
    throw storageError("storage.url-invalid");
  }
}

function destroy(client: Client): void {
  if (client.isOpen) client.destroy();
}

/** The answer, or `storage.counters-unavailable` after {@link ANSWER_MS}. */
async function answerOf<T>(answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    // Where it was this process that stood still, the answer lies in the socket: one turn lets it be read.
    setImmediate(() =>
      late.reject(storageError("storage.counters-unavailable", { detail: `no answer in ${ANSWER_MS} ms` })),
    );
  }, ANSWER_MS);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
