import { RedisScript } from './redis-script.ts'

/**
 * Puts changes in the place of those of a version: KEYS where they are; ARGV the version that they are based on, their own,
 * the changes as JSON, how many milliseconds they are kept, the channel that it is told on, and the message. Gives 1, and
 * where another version is there, 0 with that version and its changes.
 */
export const offerScript = new RedisScript(`
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return { 0, version, redis.call('HGET', KEYS[1], 'overlay') or '' } end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'overlay', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return { 1 }
`)
