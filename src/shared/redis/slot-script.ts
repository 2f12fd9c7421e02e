import { RedisScript } from './redis-script.ts'

/**
 * Takes and releases slots of one deployment for one simulator.
 *
 * KEYS: holders, queue. ARGV: name of the simulator; number of slots that it holds (used if Redis does not know the simulator);
 * its former name or nothing; number of slots; maximum queue length; lease in ms; prefix of channels; then two values for each
 * step: `t` (take), `q` (take, and queue whatever the length of the queue) or `l` (leave the queue) with the number of the
 * request, `r` (release) with the number of slots, or `-` (nothing) with 0.
 *
 * Returns 1 if Redis did not know the simulator, else 0, then two values for each step. For take: 1 and the number of other
 * requests with a slot, or 0 if the request waits, or -1 if the queue is full. For leave: 1 if it waited. A waiting request is
 * notified on the channel of its simulator with: key, name of the simulator, number of the request, number of other requests.
 *
 * The hash has `<slots> <end of the lease in ms>` for each simulator, and in `#` the number of the last queued request. When the
 * lease of a simulator is over, its slots are released and its requests are removed from the queue.
 */
export const slotScript = new RedisScript(`
local key, queue = KEYS[1], KEYS[2]
local me, mine, former, slots, room = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local lease, channels = tonumber(ARGV[6]), ARGV[7]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local counts, ends, changed, working = {}, {}, {}, 0
local expired = {}
local known = redis.call('HGETALL', key)
for i = 1, #known, 2 do
  local name = known[i]
  if name ~= '#' then
    local count, untilMs = string.match(known[i + 1], '^(%d+) (%d+)$')
    if name == former or tonumber(untilMs) < now then
      redis.call('HDEL', key, name)
      expired[name] = true
    else
      counts[name], ends[name] = tonumber(count), untilMs
      working = working + counts[name]
    end
  end
end
if next(expired) then
  for _, waiter in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
    if expired[string.match(waiter, '^(.*) %d+$')] then redis.call('ZREM', queue, waiter) end
  end
end
local reply = { counts[me] and 0 or 1 }
if not counts[me] then
  counts[me], working = mine, working + mine
end
ends[me], changed[me] = string.format('%.0f', now + lease), true

local function admit()
  while working < slots do
    local first = redis.call('ZPOPMIN', queue)[1]
    if not first then return end
    local owner, number = string.match(first, '^(.*) (%d+)$')
    if counts[owner] then
      counts[owner], changed[owner], working = counts[owner] + 1, true, working + 1
      redis.call('PUBLISH', channels .. string.match(owner, '^[^.]*'), cjson.encode({ key, owner, tonumber(number), working - 1 }))
    end
  end
end

admit()
for i = 8, #ARGV, 2 do
  local step, number = ARGV[i], ARGV[i + 1]
  local n, first, second = #reply, 0, 0
  if step == 't' or step == 'q' then
    if working < slots then
      counts[me], working = counts[me] + 1, working + 1
      first, second = 1, working - 1
    elseif step == 't' and redis.call('ZCARD', queue) >= room then
      first = -1
    else
      redis.call('ZADD', queue, redis.call('HINCRBY', key, '#', 1), me .. ' ' .. number)
    end
  elseif step == 'l' then
    first = redis.call('ZREM', queue, me .. ' ' .. number)
  elseif step == 'r' then
    local released = math.min(tonumber(number), counts[me])
    counts[me], working = counts[me] - released, working - released
    admit()
  end
  reply[n + 1], reply[n + 2] = first, second
end

local waiting = redis.call('ZCARD', queue)
for name in pairs(changed) do
  if counts[name] == 0 and waiting == 0 then
    redis.call('HDEL', key, name)
  else
    redis.call('HSET', key, name, string.format('%d %s', counts[name], ends[name]))
  end
end
if working == 0 and waiting == 0 then
  redis.call('DEL', key)
else
  redis.call('PEXPIRE', key, 2 * lease)
  redis.call('PEXPIRE', queue, 2 * lease)
end
return reply
`)
