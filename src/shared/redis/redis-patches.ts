import { SerialQueue } from '../../lib/queues.ts'
import { randomUUID } from 'node:crypto'
import type { LiveConfig } from '../../config/live-config.ts'
import type { Overlay, OverlayStore } from '../../config/overlay.ts'
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
if version ~= ARGV[1] then return { 0, version, redis.call('HGET', KEYS[1], 'overlay') or '' } end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'overlay', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return { 1 }
`)

/** How long changes are kept when no simulator is left that has them. */
const keptMs = 86_400_000

/** How often a simulator puts that end off. */
const renewedMs = 3_600_000

/** What shared changes are made from. */
export interface RedisPatchesParts {
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
  readonly overlay: Overlay | undefined
}

/** Shares the changes of a configuration with all simulators that have the same Redis and prefix. */
export function createRedisPatches({
  connection,
  prefix,
  live,
  clock,
  logger,
}: RedisPatchesParts): RedisPatches {
  const key = `${prefix}config`
  const channel = `${prefix}changes`
  const id = randomUUID()
  /** Which version changes are of; those that are made while Redis is away are of the version that they are based on. */
  const versions = new WeakMap<Overlay, number>()
  const versionOf = (overlay: Overlay): number => versions.get(overlay) ?? 0
  const resetListeners: (() => void)[] = []
  const syncs = new SerialQueue()

  const read = async (): Promise<Stored> => {
    const [version, overlay] = (await connection.send(['HMGET', key, 'version', 'overlay'])) as (
      string | null
    )[]
    return storedOf(version, overlay)
  }

  const write = async (overlay: Overlay, base: number, version: number): Promise<Stored | undefined> => {
    const message = JSON.stringify({ from: id, kind: 'config', version })
    const reply = (await offerScript.run(connection, key, [
      String(base),
      String(version),
      JSON.stringify(overlay),
      String(keptMs),
      channel,
      message,
    ])) as [number, string?, string?]
    if (reply[0] !== 1) return storedOf(reply[1], reply[2])
    versions.set(overlay, version)
    return undefined
  }

  const store: OverlayStore = {
    async offer(overlay, base) {
      const baseVersion = versionOf(base)
      try {
        const found = await write(overlay, baseVersion, baseVersion + 1)
        if (!found) return 'kept'
        if (found.version > baseVersion && found.overlay) {
          versions.set(found.overlay, found.version)
          return found.overlay
        }
        // Redis has lost what was there: it is put back together with the change.
        if (!(await write(overlay, found.version, baseVersion + 1))) return 'kept'
      } catch {
        // Told in the log by the connection.
      }
      versions.set(overlay, baseVersion)
      return 'away'
    },
  }

  const syncOnce = async (): Promise<void> => {
    const stored = await read()
    const { overlay } = stored
    if (overlay) versions.set(overlay, stored.version)
    const held = versionOf(live.overlay)
    if (overlay && stored.version > held) {
      const { problems } = await live.adopt(() =>
        stored.version > versionOf(live.overlay) ? overlay : undefined,
      )
      if (problems.length > 0) {
        logger.warn({ problems }, 'What another simulator has changed is wrong here, and was not taken over.')
      }
    } else if (stored.version < held) {
      // Redis was started anew: what is put back is what all of them had.
      await write(live.overlay, stored.version, held)
    }
    await live.offerAgain()
  }
  const sync = (): Promise<void> => syncs.run(syncOnce).catch(() => {})

  live.store = store
  connection.onUp(() => void sync())
  const hear = (text: string): void => {
    const message = messageOf(text)
    if (!message || message.from === id) return
    if (message.kind === 'config') void sync()
    if (message.kind === 'reset') for (const listener of resetListeners) listener()
  }

  let stopRenewal: StopTimer = () => {}
  const renew = (): void => {
    connection.send(['PEXPIRE', key, String(keptMs)]).catch(() => {})
    stopRenewal = clock.at(clock.nowMs() + renewedMs, renew)
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

function storedOf(version: string | null | undefined, overlay: string | null | undefined): Stored {
  return {
    version: Number(version ?? 0),
    overlay: overlay ? (JSON.parse(overlay) as Overlay) : undefined,
  }
}

function messageOf(text: string): { readonly from?: string; readonly kind?: string } | undefined {
  try {
    const message: unknown = JSON.parse(text)
    return typeof message === 'object' && message !== null ? message : undefined
  } catch {
    return undefined
  }
}
