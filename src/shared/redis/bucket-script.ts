import { RedisScript } from './redis-script.ts'

/**
 * Decides for one provisioned deployment, and corrects what was decided: KEYS its bucket; ARGV the time in ms (empty:
 * Redis's own), the weighted tokens that it processes in a minute, the span in ms that 100 % stands for, and three of each
 * step: `d` (decide) or `a` (add), the weighted tokens, and for `a` the beginning of the bucket that they were charged to.
 * Gives the beginning, and for each step whether it was admitted, the level after it, and the wait in ms, -1 for ever.
 *
 * The bucket is one string of four numbers: level, time, drain per ms, beginning. It outlives an answer of an hour.
 */
export const bucketScript = new RedisScript(`
local key, time = KEYS[1], redis.call('TIME')
local now = tonumber(ARGV[1]) or time[1] * 1000 + time[2] / 1000
local drain, span = tonumber(ARGV[2]) / 60000, tonumber(ARGV[3])
local bytes = redis.call('GETRANGE', key, 0, 31)
local level, last, drained, born = 0, now, drain, time[1] * 1000000 + time[2]
if #bytes == 32 then level, last, drained, born = struct.unpack('<dddd', bytes) end
-- A clock that was set back far would stop the drain for as long.
if now > last or now < last - 60000 then
  level, last = math.max(0, level - math.max(0, now - last) * drained), now
end
local reply = { string.format('%.17g', born) }
for i = 4, #ARGV, 3 do
  local amount, admitted, wait = tonumber(ARGV[i + 1]), 1, 0
  if ARGV[i] == 'd' then
    drained = drain
    local excess = level - drained * span
    if excess >= 0 then
      admitted, wait = 0, drained == 0 and -1 or math.floor(excess / drained) + 1
    else
      level = math.max(0, level + amount)
    end
  elseif tonumber(ARGV[i + 2]) == born then
    level = math.max(0, level + amount)
  end
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3] = admitted, string.format('%.17g', level), math.min(wait, 9e15)
end
local busy = drained > 0 and math.min(level / drained, 86400000) or 0
redis.call('SET', key, struct.pack('<dddd', level, last, drained, born), 'PX', math.ceil(busy) + 3600000)
return reply
`)

/** Tells the level of one provisioned deployment at this time and changes nothing; ARGV the time in ms (empty: Redis's own). */
export const bucketStandingScript = new RedisScript(`
local bytes = redis.call('GETRANGE', KEYS[1], 0, 31)
if #bytes ~= 32 then return '0' end
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end
local level, last, drained = struct.unpack('<dddd', bytes)
return string.format('%.17g', math.max(0, level - math.max(0, now - last) * drained))
`)
