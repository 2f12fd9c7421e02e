import { RedisScript } from './redis-script.ts'

/**
 * The journal of all simulators consists of a hash of counters, a stream of batches of events as simulators sent them, a hash of
 * heads (`h<id>`) and bodies (`b<id>`) of requests, and a hash of the last batch of each simulator.
 */

/**
 * Adds a batch of events. A batch that was added before is ignored.
 *
 * KEYS: counters; stream; heads and bodies; senders; a key that exists while each batch is to be published. ARGV: sender; number
 * of its batch; minimum id of the next request; maximum number of requests and of events; maximum bytes of events, of heads and
 * of bodies; time to live in ms; channel on which every thousandth event is published; number of events; the events as JSON;
 * then a head and a body (or nothing) for each request that starts. Returns the time of Redis in ms and the id of the next request.
 */
export const addEventsScript = new RedisScript(`
local meta, notes, parts, senders = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local time = redis.call('TIME')
local now = string.format('%d.%03d', time[1] * 1000 + math.floor(time[2] / 1000), time[2] % 1000)
if tonumber(ARGV[2]) <= tonumber(redis.call('HGET', senders, ARGV[1]) or 0) then
  return { now, redis.call('HGET', meta, 'next') or '0' }
end

local fields = { 'born', 'next', 'head', 'body', 'heads', 'bodies', 'count', 'bytes', 'all' }
local found, m = redis.call('HMGET', meta, unpack(fields)), {}
for i = 2, #fields do m[fields[i]] = tonumber(found[i] or 0) end
local floor = tonumber(ARGV[3])
if not found[1] then
  m.next, m.head, m.body = floor, floor, floor
end

local first = m.next
for i = 13, #ARGV, 2 do
  redis.call('HSET', parts, 'h' .. m.next, ARGV[i])
  m.heads = m.heads + #ARGV[i]
  if #ARGV[i + 1] > 0 then
    redis.call('HSET', parts, 'b' .. m.next, ARGV[i + 1])
    m.bodies = m.bodies + #ARGV[i + 1]
  end
  m.next = m.next + 1
end
local function drop(which, number)
  local field = string.format('%s%d', which, number)
  local bytes = redis.call('HSTRLEN', parts, field)
  if bytes > 0 then redis.call('HDEL', parts, field) end
  return bytes
end
while m.head < m.next and (m.next - m.head > tonumber(ARGV[4]) or m.heads > tonumber(ARGV[7])) do
  m.heads, m.head = m.heads - drop('h', m.head), m.head + 1
end
while m.body < m.next and (m.body < m.head or m.bodies > tonumber(ARGV[8])) do
  m.bodies, m.body = m.bodies - drop('b', m.body), m.body + 1
end

local more = tonumber(ARGV[11])
redis.call('XADD', notes, '*', 's', ARGV[1], 'f', string.format('%d', first), 'c', ARGV[11], 'n', ARGV[12])
m.count, m.bytes, m.all = m.count + more, m.bytes + #ARGV[12], m.all + more
while m.count > tonumber(ARGV[5]) or m.bytes > tonumber(ARGV[6]) do
  local oldest = redis.call('XRANGE', notes, '-', '+', 'COUNT', '1')[1]
  if not oldest then break end
  redis.call('XDEL', notes, oldest[1])
  m.count, m.bytes = m.count - tonumber(oldest[2][6]), m.bytes - #oldest[2][8]
end

local set = { 'born', found[1] or now }
for i = 2, #fields do
  set[#set + 1], set[#set + 2] = fields[i], string.format('%d', m[fields[i]])
end
redis.call('HSET', meta, unpack(set))
redis.call('HSET', senders, ARGV[1], ARGV[2])
for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], ARGV[9]) end
if redis.call('EXISTS', KEYS[5]) == 1 then redis.call('PUBLISH', ARGV[10], '["noted"]') end
if math.floor(m.all / 1000) > math.floor((m.all - more) / 1000) then redis.call('PUBLISH', ARGV[10], '["wake"]') end
return { now, string.format('%d', m.next) }
`)

/**
 * Reads batches. KEYS: counters, stream. ARGV: id of the batch to start after, maximum number of batches, bytes after which to
 * stop. Returns the creation time of the journal (empty if there is no journal), the id of the next request, and the batches.
 */
export const readEventsScript = new RedisScript(`
local found = redis.call('HMGET', KEYS[1], 'born', 'next')
local batches, bytes = {}, 0
for _, batch in ipairs(redis.call('XRANGE', KEYS[2], ARGV[1], '+', 'COUNT', ARGV[2] + 1)) do
  if bytes > tonumber(ARGV[3]) then break end
  -- Redis 6.0 has no exclusive ranges.
  if batch[1] ~= ARGV[1] then batches[#batches + 1], bytes = batch, bytes + #batch[2][8] end
end
return { found[1] or '', found[2] or '0', batches }
`)

/** Clears the journal. KEYS: counters, stream, heads and bodies. ARGV: minimum id of the next request, time to live in ms. */
export const clearJournalScript = new RedisScript(`
local meta, time = KEYS[1], redis.call('TIME')
local next = redis.call('HGET', meta, 'next') or ARGV[1]
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
local now = string.format('%d.%03d', time[1] * 1000 + math.floor(time[2] / 1000), time[2] % 1000)
redis.call('HSET', meta, 'born', now, 'next', next, 'head', next, 'body', next)
redis.call('PEXPIRE', meta, ARGV[2])
`)
