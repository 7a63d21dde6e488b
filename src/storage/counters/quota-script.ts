/**
 * Quotas as one Lua script: what `quota-memory.ts` does, for all replicas, in one round trip over all counters.
 *
 * All its keys share the hash tag `{budget}`, so that a cluster keeps them on one server: a reservation is all or
 * nothing, and no two servers can promise that to each other.
 *
 * @module
 */

import { HOLDER_MS } from "./quota.ts";
import { script, type Script } from "./script.ts";
import { LENGTHS } from "./window.ts";

/** How much longer keys are kept than they say something, in milliseconds: as in `script.ts`. */
const SLACK_MS = 60_000;

/**
 * KEYS[1] the epoch «id born run», where `run` is the server process that it began in; KEYS[2] a sorted set of holders by
 * their last call; then for each claim a hash of sums (`e` epoch, `w` window, `b` base, `x` lost, `s` sum of the holders' own,
 * `r` reserved, `o:<holder>` its own) and a sorted set of leases «id:amount:charge» by their end.
 *
 * A server that was started again has a file that may be older than what it last answered, and one that took over has a
 * copy that may. Neither can be told from one that knows all, so that both begin a new epoch: the run id is of the process.
 * In a new epoch all that a counter says of the one before counts as spent.
 *
 * ARGV now or '', op, holder, expected epoch or '', epoch to be begun, lease, ttl, recovery; then for each claim window,
 * limit, amount, charge (1 or 0), start, base, own of what is known, or -1 for its start.
 *
 * Answers {status, epoch, holders, then start, spent, reserved of each counter}, amounts as text: a number is cut to 53
 * bits by nobody on the way, and an integer of Lua's is not one of JavaScript's.
 */
export const QUOTA: Script = script(`
local now = tonumber(ARGV[1])
if now == nil then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end
local op, holder, expected = ARGV[2], ARGV[3], ARGV[4]
local lease, ttl, recovery = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local function int(number) return string.format('%.0f', number) end

local lengths = { minute = ${LENGTHS.minute}, hour = ${LENGTHS.hour}, day = ${LENGTHS.day} }
local function windowOf(kind)
  if kind == 'total' then return 0, nil end
  if kind == 'month' then
    -- The day of the month, from the days since the epoch (the civil calendar, years that begin in March).
    local days = math.floor(now / ${LENGTHS.day})
    local z = days + 719468
    local doe = z % 146097
    local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    local month = math.floor((5 * doy + 2) / 153)
    local day = doy - math.floor((153 * month + 2) / 5)
    return (days - day) * ${LENGTHS.day}, 31 * ${LENGTHS.day}
  end
  local length = lengths[kind]
  return math.floor(now / length) * length, length
end

-- A server that does not say so (its access rules may forbid it) is taken for one and the same.
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or '-'
local epoch, born, of = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (%S+) (%S+)$')
if of ~= run then
  epoch, born = ARGV[5], int(math.floor(now))
  if holder ~= '' then redis.call('SET', KEYS[1], epoch .. ' ' .. born .. ' ' .. run) end
end
if holder ~= '' then
  redis.call('ZADD', KEYS[2], string.format('%.17g', now), holder)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('(%.17g', now - ${HOLDER_MS}))
  redis.call('PEXPIRE', KEYS[2], ${HOLDER_MS + SLACK_MS})
end
local holders = int(math.max(1, redis.call('ZCARD', KEYS[2])))
if expected ~= '' and expected ~= epoch then return {'moved', epoch, holders} end

local claims = {}
for index = 1, (#KEYS - 2) / 2 do
  local at = 8 + (index - 1) * 7
  local sums, leases = KEYS[1 + 2 * index], KEYS[2 + 2 * index]
  local start, length = windowOf(ARGV[at + 1])
  local had = redis.call('HMGET', sums, 'w', 'b', 'x', 's', 'r', 'e')
  local w, b, x, s, r = tonumber(had[1]), 0, 0, 0, 0
  if w and w >= start then
    b, x, s, r = tonumber(had[2]), tonumber(had[3]), tonumber(had[4]), tonumber(had[5])
    if had[6] ~= epoch then
      b, x, s, r = b + x + s + r, 0, 0, 0
      redis.call('DEL', sums, leases)
    end
  else
    redis.call('DEL', sums, leases)
    w = start
  end
  for _, ended in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', string.format('%.17g', now))) do
    local amount, charge = string.match(ended, ':(%d+):(%d)$')
    r = r - tonumber(amount)
    if charge == '1' then x = x + tonumber(amount) end
    redis.call('ZREM', leases, ended)
  end
  local claim = {
    sums = sums, leases = leases, length = length, w = w, b = b, x = x, s = s, r = r,
    limit = tonumber(ARGV[at + 2]), amount = tonumber(ARGV[at + 3]), charge = ARGV[at + 4],
    start = tonumber(ARGV[at + 5]),
  }
  if holder ~= '' and claim.start == w then
    claim.b = math.max(b, tonumber(ARGV[at + 6]))
    local own = tonumber(ARGV[at + 7])
    local said = tonumber(redis.call('HGET', sums, 'o:' .. holder) or '0')
    if own > said then
      claim.s = s + own - said
      redis.call('HSET', sums, 'o:' .. holder, int(own))
    end
  end
  claim.member = lease .. ':' .. int(claim.amount) .. ':' .. claim.charge
  if op == 'settle' and claim.amount > 0 and redis.call('ZREM', leases, claim.member) == 1 then
    claim.r = claim.r - claim.amount
  end
  claims[index] = claim
end

local status = 'done'
if op ~= 'register' and op ~= 'settle' and math.abs(now - tonumber(born)) < recovery then
  status = 'recovering'
elseif op == 'reserve' then
  for _, claim in ipairs(claims) do
    local more = redis.call('ZSCORE', claim.leases, claim.member) and 0 or claim.amount
    if claim.b + claim.x + claim.s + claim.r + more > claim.limit then status = 'refused' end
    if claim.start >= 0 and claim.start ~= claim.w then status = 'refused' end
  end
end
local takes = op == 'register' or (op == 'reserve' and status == 'done')

local answer = {status, epoch, holders}
for _, claim in ipairs(claims) do
  if takes and claim.amount > 0 then
    if redis.call('ZADD', claim.leases, string.format('%.17g', now + ttl), claim.member) == 1 then
      claim.r = claim.r + claim.amount
    end
  end
  local spent = claim.b + claim.x + claim.s
  if spent == 0 and claim.r == 0 then
    redis.call('DEL', claim.sums, claim.leases)
  else
    redis.call('HSET', claim.sums, 'e', epoch, 'w', int(claim.w), 'b', int(claim.b), 'x', int(claim.x), 's', int(claim.s),
      'r', int(claim.r))
    if claim.length then
      local left = math.max(1, math.ceil(claim.w + claim.length - now)) + ${SLACK_MS}
      redis.call('PEXPIRE', claim.sums, int(left))
      redis.call('PEXPIRE', claim.leases, int(left))
    end
  end
  answer[#answer + 1] = int(claim.w)
  answer[#answer + 1] = int(spent)
  answer[#answer + 1] = int(claim.r)
end
return answer`);
