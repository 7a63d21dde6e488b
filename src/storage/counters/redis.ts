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
import { checkCall, RECOVERY_MS, type Claim, type CounterState, type QuotaAnswer } from "./quota.ts";
import { QUOTA } from "./quota-script.ts";
import { ACQUIRE, RELEASE, TAKE, type Script } from "./script.ts";

/**
 * Opens the counters at `url`. `clock` replaces the server's clock in tests, `recoveryMs` how long a new epoch grants
 * nothing (`quota.ts`). @throws as `openCounters`
 */
export async function openRedisCounters(
  url: string,
  clock: Clock | undefined,
  recoveryMs = RECOVERY_MS,
): Promise<Counters> {
  const connection = await connect(url);
  let closed = false;
  const now = (): string => (clock === undefined ? "" : String(clock.now()));
  const run = (script: Script, keys: string | readonly string[], args: readonly string[]): Promise<unknown> => {
    if (closed) throw storageError("storage.closed");
    return evaluate(connection, script, typeof keys === "string" ? [keys] : keys, args);
  };

  return {
    shared: true,
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
    quota: async (call) => {
      checkCall(call);
      const { op, holder, epoch = "", lease, ttlMs, claims, nothingBefore = false } = call;
      const keys = [`${QUOTA_PREFIX}:epoch`, `${QUOTA_PREFIX}:holders`, ...claims.flatMap(keysOfClaim)];
      const head = [now(), op, holder, epoch, uuidv7(), lease, String(ttlMs), String(nothingBefore ? 0 : recoveryMs)];
      return readQuota(await run(QUOTA, keys, [...head, ...claims.flatMap(argumentsOfClaim)]), claims.length);
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

/** The hash tag keeps all quotas on one server of a cluster (`quota-script.ts`). */
const QUOTA_PREFIX = "holdfast:quota:{budget}";

function keysOfClaim({ counter }: Claim): readonly string[] {
  const name = `${QUOTA_PREFIX}:${encodeURIComponent(counter.toWellFormed())}`;
  return [name, `${name}:leases`];
}

function argumentsOfClaim({ window, limit, amount, chargeIfLost, known }: Claim): readonly string[] {
  const { start = -1, base = 0, own = 0 } = known ?? {};
  return [window, ...[limit, amount, chargeIfLost ? 1 : 0, start, base, own].map(String)];
}

const STATUSES: ReadonlySet<unknown> = new Set(["done", "refused", "recovering", "moved"]);

function readQuota(reply: unknown, claims: number): QuotaAnswer {
  if (!Array.isArray(reply)) throw garbage();
  const [status, epoch, holders, ...rest] = reply as unknown[];
  const numbers = rest.map(Number);
  const expected = status === "moved" ? 0 : 3 * claims;
  if (!STATUSES.has(status) || typeof epoch !== "string" || numbers.length !== expected) throw garbage();
  if (![...numbers, Number(holders)].every(Number.isSafeInteger)) throw garbage();
  const counters: CounterState[] = [];
  for (let at = 0; at < numbers.length; at += 3) {
    const [start, spent, reserved] = numbers.slice(at, at + 3) as [number, number, number];
    counters.push({ start, spent, reserved });
  }
  return { status: status as QuotaAnswer["status"], epoch, holders: Number(holders), counters };
}

/** Runs a script by its name, and by its text where the server does not have it (yet, or after a restart). */
async function evaluate(
  connection: Connection,
  script: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await connection.send(["EVALSHA", script.sha1, ...rest]);
  } catch (error) {
    // Nothing ran. Any other error is final.
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw unavailable(error);
  }
  try {
    return await connection.send(["EVAL", script.source, ...rest]);
  } catch (error) {
    throw unavailable(error);
  }
}

function garbage(): Error {
  return storageError("storage.counters-unavailable", { detail: "an answer that is none" });
}
