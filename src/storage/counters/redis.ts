/**
 * Counters in Redis or Valkey, shared by all replicas. Every answer comes from a script that ran on the server
 * (`script.ts`), or there is no answer: then the call throws, and never later than two seconds.
 *
 * A call whose answer was lost is not tried again, since it may have counted. A lease that was granted to nobody in
 * that way expires by itself.
 *
 * @module
 */

import type { Clock } from "../../core/index.ts";
import { uuidv7 } from "../../core/index.ts";
import { storageError } from "../errors.ts";
import { answer } from "./bucket.ts";
import { connect, unavailable, type Connection } from "./connection.ts";
import type { Counters } from "./counters.ts";
import { checkLease, readLimit } from "./limit.ts";
import { ACQUIRE, RELEASE, TAKE, type Script } from "./script.ts";

/** Opens the counters at `url`. `clock` replaces the server's clock in tests. @throws as `openCounters` */
export async function openRedisCounters(url: string, clock: Clock | undefined): Promise<Counters> {
  const connection = await connect(url);
  let closed = false;
  const now = (): string => (clock === undefined ? "" : String(clock.now()));
  const run = (script: Script, key: string, args: readonly string[]): Promise<unknown> => {
    if (closed) throw storageError("storage.closed");
    return evaluate(connection, script, key, args);
  };

  return {
    take: async (key, limit, cost = 1) => {
      const rate = readLimit(limit, cost);
      const reply = await run(TAKE, keyOf("rate", key), [now(), String(rate.perMs), String(rate.burst), String(cost)]);
      if (!Array.isArray(reply) || typeof reply[1] !== "string") throw garbage();
      const tokens = Number(reply[1]);
      if ((reply[0] !== 0 && reply[0] !== 1) || !Number.isFinite(tokens)) throw garbage();
      return answer(reply[0] === 1, tokens, rate, cost);
    },
    acquire: async (key, limit, ttlMs) => {
      checkLease(limit, ttlMs);
      const id = `${uuidv7()}:${ttlMs}`;
      const reply = await run(ACQUIRE, keyOf("lease", key), [now(), String(limit), String(ttlMs), id]);
      if (reply !== 0 && reply !== 1) throw garbage();
      return reply === 1 ? { id } : undefined;
    },
    release: async (key, id) => {
      await run(RELEASE, keyOf("lease", key), [id]);
    },
    close: async () => {
      closed = true;
      await connection.close();
    },
  };
}

/**
 * `holdfast:rate:{<key>}`. The braces make what is between them decide the server in a cluster ("hash tags"); the key is
 * percent-encoded, so that one with braces or line breaks in it stays one key.
 */
function keyOf(kind: "rate" | "lease", key: string): string {
  return `holdfast:${kind}:{${encodeURIComponent(key.toWellFormed())}}`;
}

/** Runs a script by its name, and by its text where the server does not have it (yet, or after a restart). */
async function evaluate(
  connection: Connection,
  script: Script,
  key: string,
  args: readonly string[],
): Promise<unknown> {
  try {
    return await connection.send(["EVALSHA", script.sha1, "1", key, ...args]);
  } catch (error) {
    // Nothing ran. Any other error is final.
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw unavailable(error);
  }
  try {
    return await connection.send(["EVAL", script.source, "1", key, ...args]);
  } catch (error) {
    throw unavailable(error);
  }
}

function garbage(): Error {
  return storageError("storage.counters-unavailable", { detail: "an answer that is none" });
}
