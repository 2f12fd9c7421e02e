import { RedisScript } from './redis-script.ts'

/**
 * Takes and gives back slots of one deployment for one simulator: KEYS who holds how many slots, who waits; ARGV the
 * simulator's name, how many slots it holds (counted where Redis knows nothing of it), its former name or nothing, how many
 * slots there are, how many may wait, the lease in ms, what channels begin with, and two of each step: `t` (take) or `q` (take,
 * and wait whatever the length of the queue) and `l` (leave the queue) with the number of the request, `r` (release) with how
 * many slots, `-` (nothing) and 0.
 *
 * Gives 1 where Redis knew nothing of the simulator, else 0, and two for each step. To take: 1 and how many others are worked on;
 * 0 where the request waits, -1 where the queue is full. To leave: 1 where it waited. Whoever waits is told on the channel of
 * its simulator: the key, the simulator's name, the number of the request, and the number of others.
 *
 * The hash has `<slots> <end of the lease in ms>` for each simulator, and `#`, the number of the last one that waited. A
 * simulator whose lease is over has died: what it held is free, and its requests wait no longer.
 */
export const slotScript = new RedisScript(`
local key, queue = KEYS[1], KEYS[2]
local me, mine, former, slots, room = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local lease, channels = tonumber(ARGV[6]), ARGV[7]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local counts, ends, changed, working = {}, {}, {}, 0
local gone = {}
local known = redis.call('HGETALL', key)
for i = 1, #known, 2 do
  local name = known[i]
  if name ~= '#' then
    local count, untilMs = string.match(known[i + 1], '^(%d+) (%d+)$')
    if name == former or tonumber(untilMs) < now then
      redis.call('HDEL', key, name)
      gone[name] = true
    else
      counts[name], ends[name] = tonumber(count), untilMs
      working = working + counts[name]
    end
  end
end
if next(gone) then
  for _, waiter in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
    if gone[string.match(waiter, '^(.*) %d+$')] then redis.call('ZREM', queue, waiter) end
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
    local given = math.min(tonumber(number), counts[me])
    counts[me], working = counts[me] - given, working - given
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
