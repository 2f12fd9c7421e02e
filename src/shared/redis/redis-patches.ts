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
 * Puts changes in the place of those of a version: KEYS where they are; ARGV the version that they are based on, their own,
 * the changes as JSON, how many milliseconds they are kept, the channel that it is told on, and the message. Gives 1, and
 * where another version is there, 0 with that version and its changes.
 */
const offerScript = new RedisScript(`
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return { 0, version, redis.call('HGET', KEYS[1], 'patches') or '' } end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'patches', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return { 1 }
`)

/** How long changes are kept when no simulator is left that has them. */
const RETENTION_MS = 86_400_000

/** How often a simulator puts that end off. */
const RENEWED_MS = 3_600_000

/** What shared changes are made from. */
export interface RedisPatchesOptions {
  readonly connection: RedisConnection
  /** What keys and channels begin with. */
  readonly prefix: string
  /** Its changes are shared from now on, and those of others are made to it. */
  readonly live: LiveConfig
  readonly clock: Clock
  readonly logger: Logger
}

/** The changes since the start, which all simulators have together. */
export interface RedisPatches {
  /** Begins to share, and takes over what others have changed; while Redis is away that waits until it comes back. */
  start(): Promise<void>
  /** Tells the others to forget what they have noted; changes and limits are shared without it. */
  tellReset(): Promise<void>
  /** Hears that another simulator was told to begin anew. */
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
  /** Which version changes are of; those that are made while Redis is away are of the version that they are based on. */
  const versions = new WeakMap<Patches, number>()
  const versionOf = (patches: Patches): number => versions.get(patches) ?? 0
  const resetListeners: (() => void)[] = []
  const syncs = new SerialQueue()

  const read = async (): Promise<Stored> => {
    const [version, patches] = (await connection.send(['HMGET', key, 'version', 'patches'])) as (
      string | null
    )[]
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
        // Redis has lost what was there: it is put back together with the change.
        if (!(await write(patches, found.version, baseVersion + 1))) return 'stored'
      } catch {
        // Told in the log by the connection.
      }
      versions.set(patches, baseVersion)
      return 'unavailable'
    },
  }

  const syncOnce = async (): Promise<void> => {
    const stored = await read()
    const { patches } = stored
    if (patches) versions.set(patches, stored.version)
    const held = versionOf(live.patches)
    if (patches && stored.version > held) {
      const { problems } = await live.adopt(() =>
        stored.version > versionOf(live.patches) ? patches : undefined,
      )
      if (problems.length > 0) {
        logger.warn({ problems }, 'What another simulator has changed is wrong here, and was not taken over.')
      }
    } else if (stored.version < held) {
      // Redis was started anew: what is put back is what all of them had.
      await write(live.patches, stored.version, held)
    }
    await live.offerAgain()
  }
  const sync = (): Promise<void> => syncs.run(syncOnce).catch(() => {})

  live.store = store
  connection.onUp(() => void sync())
  const hear = (text: string): void => {
    const { from, kind } = parseFields(text)
    if (from === id) return
    if (kind === 'config') void sync()
    if (kind === 'reset') for (const listener of resetListeners) listener()
  }

  let stopRenewal: StopTimer = () => {}
  const renew = (): void => {
    connection.send(['PEXPIRE', key, String(RETENTION_MS)]).catch(() => {})
    stopRenewal = clock.at(clock.nowMs() + RENEWED_MS, renew)
  }
  renew()

  return {
    async start() {
      await connection.onMessage(channel, hear)
      await sync()
    },
    async tellReset() {
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
