import { parseFields } from '../../lib/record.ts'
import { SerialQueue } from '../../lib/queues.ts'
import { randomUUID } from 'node:crypto'
import type { LiveConfig } from '../../config/live-config.ts'
import type { Patches, PatchStore } from '../../config/patches.ts'
import type { Clock, StopTimer } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { RedisConnection } from './redis-connection.ts'
import { RedisScript } from './redis-script.ts'

/**
 * Replaces the stored changes if their version matches. KEYS: the changes. ARGV: expected version, new version, changes as JSON,
 * time to live in ms, channel, message to publish. Returns 1 on success. Otherwise returns 0, the stored version and its changes.
 */
const offerScript = new RedisScript(`
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return { 0, version, redis.call('HGET', KEYS[1], 'patches') or '' } end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'patches', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return { 1 }
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

interface Stored {
  readonly version: number
  readonly patches: Patches | undefined
}

/** Shares the changes of a configuration with all simulators that have the same Redis and prefix. */
export function createRedisPatches({
  connection,
  prefix,
  live,
  clock,
  logger,
}: RedisPatchesOptions): RedisPatches {
  const key = `${prefix}config`
  const channel = `${prefix}changes`
  const id = randomUUID()
  /** Versions of changes. Changes made without Redis have the version that they are based on. */
  const versions = new WeakMap<Patches, number>()
  const versionOf = (patches: Patches): number => versions.get(patches) ?? 0
  const resetListeners: (() => void)[] = []
  const syncs = new SerialQueue()

  const read = async (): Promise<Stored> => {
    const reply = await connection.send(['HMGET', key, 'version', 'patches'])
    const [version, patches] = reply as (string | null)[]
    return storedOf(version, patches)
  }

  const write = async (patches: Patches, base: number, version: number): Promise<Stored | undefined> => {
    const message = JSON.stringify({ from: id, kind: 'config', version })
    const reply = (await offerScript.run(connection, key, [
      String(base),
      String(version),
      JSON.stringify(patches),
      String(RETENTION_MS),
      channel,
      message,
    ])) as [number, string?, string?]
    if (reply[0] !== 1) return storedOf(reply[1], reply[2])
    versions.set(patches, version)
    return undefined
  }

  const store: PatchStore = {
    async offer(patches, base) {
      const baseVersion = versionOf(base)
      try {
        const found = await write(patches, baseVersion, baseVersion + 1)
        if (!found) return 'stored'
        if (found.version > baseVersion && found.patches) {
          versions.set(found.patches, found.version)
          return found.patches
        }
        // Redis lost its data. Restore it together with the change.
        if (!(await write(patches, found.version, baseVersion + 1))) return 'stored'
      } catch {
        // The connection logs it.
      }
      versions.set(patches, baseVersion)
      return 'later'
    },
  }

  const syncOnce = async (): Promise<void> => {
    const stored = await read()
    const { patches } = stored
    if (patches) versions.set(patches, stored.version)
    const ownVersion = versionOf(live.patches)
    // Redis lost its data. Restore the shared changes.
    if (stored.version < ownVersion) await write(live.patches, stored.version, ownVersion)
    const { problems, dropped } = await live.adopt(() =>
      patches && stored.version > versionOf(live.patches) ? patches : undefined,
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

function storedOf(version: string | null | undefined, patches: string | null | undefined): Stored {
  return {
    version: Number(version ?? 0),
    patches: patches ? (JSON.parse(patches) as Patches) : undefined,
  }
}
