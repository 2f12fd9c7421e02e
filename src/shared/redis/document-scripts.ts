import { RedisScript } from './redis-script.ts'

/**
 * Documents are two fields of one hash: `=name` what stays the same, `~name` what changes. `#bytes` is the sum of their
 * lengths, and a list has the names, the oldest first.
 */
const layout = `
local documents, order = KEYS[1], KEYS[2]
local function remove(name)
  local bytes = redis.call('HSTRLEN', documents, '=' .. name) + redis.call('HSTRLEN', documents, '~' .. name)
  if bytes > 0 then
    redis.call('HDEL', documents, '=' .. name, '~' .. name)
    redis.call('HINCRBY', documents, '#bytes', -bytes)
  end
  return bytes
end
`

/**
 * Puts a document behind all others and removes the oldest beyond the limits: KEYS the documents, their order; ARGV the name,
 * what stays, what changes, the most documents, the most bytes, and how many milliseconds all are kept from now.
 */
export const putScript = new RedisScript(`${layout}
local name, fixed, changing = ARGV[1], ARGV[2], ARGV[3]
if remove(name) > 0 then redis.call('LREM', order, -1, name) end
redis.call('HSET', documents, '=' .. name, fixed, '~' .. name, changing)
local bytes = redis.call('HINCRBY', documents, '#bytes', #fixed + #changing)
local count = redis.call('RPUSH', order, name)
while count > tonumber(ARGV[4]) or bytes > tonumber(ARGV[5]) do
  local oldest = redis.call('LPOP', order)
  if not oldest then break end
  bytes, count = bytes - remove(oldest), count - 1
end
redis.call('PEXPIRE', documents, ARGV[6])
redis.call('PEXPIRE', order, ARGV[6])
`)

/** Puts what changes of a document that is there: KEYS the documents; ARGV the name and what changes. */
export const changeScript = new RedisScript(`
local field = '~' .. ARGV[1]
local before = redis.call('HSTRLEN', KEYS[1], field)
if before == 0 then return end
redis.call('HSET', KEYS[1], field, ARGV[2])
redis.call('HINCRBY', KEYS[1], '#bytes', #ARGV[2] - before)
`)

/** Removes a document: KEYS the documents, their order; ARGV the name. */
export const removeScript = new RedisScript(`${layout}
if remove(ARGV[1]) > 0 then redis.call('LREM', order, -1, ARGV[1]) end
`)
