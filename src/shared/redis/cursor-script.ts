import { RedisScript } from './redis-script.ts'

/**
 * Counts requests: KEYS the young counts, the old ones; ARGV how many the young ones may be, how many milliseconds all are kept
 * from now, and the names of what is counted, in order. Gives for each how many came before it. Where the young counts are too
 * many, they take the place of the old ones, which are forgotten: what is counted stays for at least as many others.
 */
export const countScript = new RedisScript(`
local young, old, reply = KEYS[1], KEYS[2], {}
for i = 3, #ARGV do
  local name = ARGV[i]
  local count = redis.call('HGET', young, name) or redis.call('HGET', old, name) or 0
  redis.call('HSET', young, name, count + 1)
  reply[#reply + 1] = tonumber(count)
  if redis.call('HLEN', young) >= tonumber(ARGV[1]) then redis.call('RENAME', young, old) end
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end
return reply
`)
