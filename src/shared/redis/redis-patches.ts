import { parseFields } from '../../lib/record.ts'
import { SerialQueue } from '../../lib/queues.ts'
import { randomUUID } from 'node:crypto'
import type { LiveConfig } from '../../config/live-config.ts'
import { changedFields, type FieldChanges, withFields } from '../../config/patch-fields.ts'
import { noChanges, type Patches, type PatchStore } from '../../config/patches.ts'
import type { Clock, StopTimer } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { RedisConnection } from './redis-connection.ts'
import { RedisScript } from './redis-script.ts'

/** Number of the last changes in Redis. A simulator that lacks more of them reads all fields. */
const KEPT_CHANGES = 64

/**
 * The changes are one hash: `version`, a field `=name` for each field of the patches (`changedFields`), and `#version` for the last
 * changes of fields.
 *
 * Changes the fields if the version matches. KEYS: the hash. ARGV: expected version, new version, time to live in ms, channel,
 * message to publish, changes as JSON or empty to replace all fields, number of removed fields, their names, and names and values of
 * the others. Returns 1 on success, else 0.
 */
const offerScript = new RedisScript(`
local key, removed = KEYS[1], tonumber(ARGV[7])
if (redis.call('HGET', key, 'version') or '0') ~= ARGV[1] then return 0 end
if ARGV[6] == '' then
  redis.call('DEL', key)
else
  redis.call('HSET', key, '#' .. ARGV[2], ARGV[6])
  redis.call('HDEL', key, '#' .. (tonumber(ARGV[2]) - ${KEPT_CHANGES}))
end
for index = 8, 7 + removed do redis.call('HDEL', key, '=' .. ARGV[index]) end
for index = 8 + removed, #ARGV, 2 do redis.call('HSET', key, '=' .. ARGV[index], ARGV[index + 1]) end
redis.call('HSET', key, 'version', ARGV[2])
redis.call('PEXPIRE', key, ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
`)

/**
 * Reads what has changed. KEYS: the hash. ARGV: the known version. Returns the version, 1 with the changes since the known version, or
 * 0 with all fields and values.
 */
const readScript = new RedisScript(`
local key, known = KEYS[1], tonumber(ARGV[1])
local version = redis.call('HGET', key, 'version') or '0'
local now, changes = tonumber(version), {}
if known <= now and now - known <= ${KEPT_CHANGES} then
  for number = known + 1, now do
    local change = redis.call('HGET', key, '#' .. number)
    if not change then return { version, 0, redis.call('HGETALL', key) } end
    changes[#changes + 1] = change
  end
  return { version, 1, changes }
end
return { version, 0, redis.call('HGETALL', key) }
`)

/** Changes expire this long after the last simulator has stopped. */
const RETENTION_MS = 86_400_000

/** How often a running simulator extends that time. */
const RENEWAL_INTERVAL_MS = 3_600_000

export interface RedisPatchesOptions {
  readonly connection: RedisConnection
  /** Prefix of keys and channels. */
  readonly prefix: string
  /** The configuration to share. Changes of other simulators are applied to it. */
  readonly live: LiveConfig
  readonly clock: Clock
  readonly logger: Logger
}

/** Configuration changes since start-up that all simulators share. */
export interface RedisPatches {
  /** Applies the changes of others and starts to share. Without Redis this happens when Redis is back. */
  start(): Promise<void>
  /** Makes other simulators reset their local state. Shared changes and limits do not need it. */
  publishReset(): Promise<void>
  /** Adds a listener for resets of other simulators. */
  onReset(listener: () => void): void
  close(): void
}

/** The changes in Redis, with their version. Version 0 has no changes. */
interface Stored {
  readonly version: number
  readonly patches: Patches
}

/** Shares the changes of a configuration with all simulators that have the same Redis and prefix. */
export function createRedisPatches({
  connection,
  prefix,
  live,
  clock,
  logger,
}: RedisPatchesOptions): RedisPatches {
  const key = `${prefix}config:fields`
  const channel = `${prefix}changes`
  const id = randomUUID()
  /** Versions of changes. Changes made without Redis have the version that they are based on. */
  const versions = new WeakMap<Patches, number>()
  const versionOf = (patches: Patches): number => versions.get(patches) ?? 0
  /** The last content of Redis that was read or written here. */
  let known: Stored = { version: 0, patches: noChanges }
  const resetListeners: (() => void)[] = []
  const syncs = new SerialQueue()

  const setKnown = (version: number, patches: Patches): Stored => {
    known = { version, patches }
    versions.set(patches, version)
    return known
  }

  const read = async (): Promise<Stored> => {
    const from = known
    const reply = await readScript.run(connection, key, [String(from.version)])
    const [version, isPart, found] = reply as [string, number, string[]]
    if (isPart === 0) return setKnown(Number(version), patchesOf(found))
    if (Number(version) === from.version) return from
    const changes = found.map((json) => JSON.parse(json) as FieldChanges)
    return setKnown(Number(version), changes.reduce(withFields, from.patches))
  }

  /**
   * Stores patches under a new version.
   *
   * @param expected the version in Redis. If it is the known one, and the next one is stored, only the fields that differ are sent.
   * @returns whether Redis had the expected version
   */
  const write = async (patches: Patches, expected: number, version: number): Promise<boolean> => {
    const isPart = expected === known.version && version === expected + 1
    const changes = changedFields(isPart ? known.patches : undefined, patches)
    const pairs = Object.entries(changes.set).flatMap(([field, value]) => [field, JSON.stringify(value)])
    const isStored = await offerScript.run(connection, key, [
      String(expected),
      String(version),
      String(RETENTION_MS),
      channel,
      JSON.stringify({ from: id, kind: 'config', version }),
      isPart ? JSON.stringify(changes) : '',
      String(changes.removed.length),
      ...changes.removed,
      ...pairs,
    ])
    if (isStored !== 1) return false
    setKnown(version, patches)
    return true
  }

  const store: PatchStore = {
    async offer(patches, base) {
      const baseVersion = versionOf(base)
      try {
        if (await write(patches, baseVersion, baseVersion + 1)) return 'stored'
        const found = await read()
        if (found.version > baseVersion) return found.patches
        // Redis lost its data. Restore it together with the change.
        if (await write(patches, found.version, baseVersion + 1)) return 'stored'
      } catch {
        // The connection logs it.
      }
      versions.set(patches, baseVersion)
      return 'later'
    },
  }

  const syncOnce = async (): Promise<void> => {
    const last = known
    let stored = await read()
    // Redis lost its data. Restore the shared changes; later ones follow.
    if (stored.version < last.version) {
      await write(last.patches, stored.version, last.version)
      stored = await read()
    }
    const { version, patches } = stored
    const { problems, dropped } = await live.adopt(() =>
      version > versionOf(live.patches) ? patches : undefined,
    )
    if (problems.length > 0) {
      logger.warn({ problems }, 'Could not apply the configuration change of another simulator.')
    }
    if (dropped.length > 0) {
      logger.warn(
        { problems: dropped },
        'Could not share changes that were made without Redis: they do not fit the changes of another simulator. Make them again.',
      )
    }
  }
  const sync = (): Promise<void> => syncs.run(syncOnce).catch(() => {})

  live.store = store
  connection.onUp(() => void sync())
  const onMessage = (text: string): void => {
    const { from, kind } = parseFields(text)
    if (from === id) return
    if (kind === 'config') void sync()
    if (kind === 'reset') for (const listener of resetListeners) listener()
  }

  let stopRenewal: StopTimer = () => {}
  const renew = (): void => {
    connection.send(['PEXPIRE', key, String(RETENTION_MS)]).catch(() => {})
    stopRenewal = clock.at(clock.nowMs() + RENEWAL_INTERVAL_MS, renew)
  }
  renew()

  return {
    async start() {
      await connection.onMessage(channel, onMessage)
      await sync()
    },
    async publishReset() {
      await connection.send(['PUBLISH', channel, JSON.stringify({ from: id, kind: 'reset' })]).catch(() => {})
    },
    onReset(listener) {
      resetListeners.push(listener)
    },
    close() {
      stopRenewal()
      delete live.store
    },
  }
}

/** Returns the patches of a hash: alternating names of fields and values. */
function patchesOf(hash: readonly string[]): Patches {
  const set: Record<string, unknown> = {}
  for (let index = 0; index < hash.length; index += 2) {
    const [field = '', json = ''] = hash.slice(index, index + 2)
    if (field.startsWith('=')) set[field.slice(1)] = JSON.parse(json)
  }
  return withFields(noChanges, { set, removed: [] })
}
