/**
 * The counters as Lua scripts. Redis runs a script as a whole before anything else, which makes each call atomic for
 * all replicas. A script touches keys of one hash tag, so the scripts also work where keys are spread over servers.
 *
 * Time is the server's (`TIME`), one clock for all replicas, unless `ARGV[1]` brings one. It may step: forwards, a
 * bucket is full and leases end early; backwards, a bucket gains nothing and a lease never lasts longer than its length.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { EPSILON } from "./bucket.ts";

/** A script and the name under which the server keeps it (EVALSHA). */
export interface Script {
  readonly source: string;
  readonly sha1: string;
}

/**
 * How much longer a key is kept than it says something, in milliseconds: the server expires keys by its own clock, which
 * may run ahead of the one that `ARGV[1]` brings.
 */
const SLACK_MS = 60_000;

const NOW = `
local now = tonumber(ARGV[1])
if now == nil then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end`;

/**
 * KEYS[1] a string «tokens at»; ARGV now or '', perMs, burst, cost. Answers {allowed, tokens as text}: a number would
 * be cut to an integer. The key expires after the bucket is full, which is what no key means.
 */
export const TAKE: Script = script(`${NOW}
local perMs, burst, cost = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local tokens = burst
local known = redis.call('GET', KEYS[1])
if known then
  local had, at = string.match(known, '^(%S+) (%S+)$')
  tokens = math.min(burst, tonumber(had) + math.max(0, now - tonumber(at)) * perMs)
end
local allowed = 0
if tokens + ${EPSILON} >= cost then
  allowed = 1
  tokens = math.max(0, tokens - cost)
end
local text = string.format('%.17g', tokens)
if tokens < burst then
  local fullIn = math.ceil((burst - tokens) / perMs) + ${SLACK_MS}
  redis.call('SET', KEYS[1], text .. ' ' .. string.format('%.17g', now), 'PX', string.format('%.0f', fullIn))
else
  redis.call('DEL', KEYS[1])
end
return {allowed, text}`);

/**
 * KEYS[1] a sorted set of leases by their end; ARGV now or '', limit, ttl in ms, the new lease «uuid:ttl». Answers 1
 * or 0. Where all places are taken, leases that would last longer than their own length are shortened to it first.
 */
export const ACQUIRE: Script = script(`${NOW}
local limit, ttl = tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.17g', now))
local granted = 0
if redis.call('ZCARD', KEYS[1]) < limit then
  granted = 1
  redis.call('ZADD', KEYS[1], string.format('%.17g', now + ttl), ARGV[4])
else
  local held = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
  for index = 1, #held, 2 do
    local latest = now + tonumber(string.match(held[index], ':(.+)$'))
    if tonumber(held[index + 1]) > latest then
      redis.call('ZADD', KEYS[1], string.format('%.17g', latest), held[index])
    end
  end
end
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
if last then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(tonumber(last) - now) + ${SLACK_MS})) end
return granted`);

/** KEYS[1] as above; ARGV[1] the lease. */
export const RELEASE: Script = script(`return redis.call('ZREM', KEYS[1], ARGV[1])`);

/** A script with its name. */
export function script(source: string): Script {
  return { source, sha1: createHash("sha1").update(source).digest("hex") };
}
