import { isDeepStrictEqual } from 'node:util'
import type { Config, ResourceView, RecordingsConfig, Upstream } from '../config/config.ts'
import { configSecrets } from '../config/redact-config.ts'
import { replaysRecordings, type SourceName, writesRecordings } from '../config/source-names.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Forwarder } from '../pipeline/extension.ts'
import type { Source } from '../pipeline/stage.ts'
import { createRecorder, type Recorder } from '../recordings/record-mode.ts'
import type { RecordingLoss } from '../recordings/loss-reports.ts'
import { createReplay, type Replay } from '../recordings/replay-mode.ts'
import type { ReplayCursors } from '../recordings/replay-cursors.ts'
import { createForward, createForwardSource, type Forward } from '../upstream/forward.ts'
import { createUpstreamClient, type UpstreamClient } from '../upstream/upstream-client.ts'

/** What a folder of recordings is used for. */
export interface RecordingsInUse {
  readonly config: RecordingsConfig
  /** Writes to the folder; undefined where nothing is recorded. */
  readonly recorder: Recorder | undefined
  /** Answers from the folder; undefined where nothing is replayed. */
  readonly replay: Replay | undefined
}

/** What the table is made from. */
export interface SourceTableOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** The configuration of the moment. */
  readonly config: () => Config
  readonly generate: Source
  readonly forwarder: Forwarder | undefined
  /** Called for each answer that could not be recorded. */
  readonly onRecordingLost?: (loss: RecordingLoss) => void
  /** Of requests that were recorded several times. */
  readonly cursors: ReplayCursors
}

/** One folder of recordings: at most one recorder and one index, whoever records and replays. */
interface Folder {
  readonly recorder: Recorder
  replay: Replay | undefined
  isOpen: boolean
}

interface Connected {
  readonly client: UpstreamClient
  readonly forward: Forward
}

/**
 * What answers requests, by source, with the folders and the upstreams of all configurations that there were. Those of a
 * configuration that was left stay until the end: requests that began with them are still answered by them, and the next
 * change may go back to them.
 */
export class SourceTable {
  readonly #parts: SourceTableOptions
  readonly #folders = new MapByValue<RecordingsConfig, Folder>()
  readonly #upstreams = new MapByValue<Upstream, Connected>()
  #secretLists: readonly (readonly string[])[] = []
  #secrets: readonly string[] = []

  /** What answers, by source. */
  readonly handlers: Readonly<Record<SourceName, Source>>

  constructor(parts: SourceTableOptions) {
    this.#parts = parts
    this.handlers = {
      generate: parts.generate,
      record: (exchange) =>
        this.#folder(exchange.config).recorder.answer(exchange, this.#upstream(exchange.config).forward),
      replay: (exchange) => this.#replay(exchange.config).answer(exchange),
      forward: createForwardSource((exchange) => this.#upstream(exchange.config).forward, parts.logger),
    }
  }

  /** The recordings that a resource uses. @throws {OperatorError} for recordings that cannot be read */
  of(config: ResourceView): RecordingsInUse {
    return {
      config: config.recordings,
      recorder: writesRecordings(config) ? this.#folder(config).recorder : undefined,
      replay: replaysRecordings(config) ? this.#replay(config) : undefined,
    }
  }

  /** The recordings that the resources of a configuration use, each folder once, whichever resources have it. */
  inUse({ resources }: Config): readonly RecordingsInUse[] {
    const used = new Map<Folder, RecordingsInUse>()
    for (const view of resources.values()) {
      const { config, recorder, replay } = this.of(view)
      if (!recorder && !replay) continue
      const folder = this.#folder(view)
      const known = used.get(folder)
      used.set(folder, { config, recorder: recorder ?? known?.recorder, replay: replay ?? known?.replay })
    }
    return [...used.values()]
  }

  /**
   * Makes a configuration ready for its first request.
   *
   * @throws {OperatorError} for recordings that cannot be read, or a folder that cannot be written
   */
  async open(config: ResourceView): Promise<void> {
    const { recorder } = this.of(config)
    const folder = this.#folder(config)
    if (!recorder || folder.isOpen) return
    await recorder.open()
    folder.isOpen = true
  }

  /** Writes and closes everything. @throws {OperatorError} RECORDINGS_UNWRITABLE when something is lost by that */
  async close(): Promise<void> {
    try {
      for (const { recorder } of this.#folders.values()) await recorder.close()
    } finally {
      for (const { client } of this.#upstreams.values()) client.close()
    }
  }

  #folder({ recordings }: ResourceView): Folder {
    return this.#folders.get(recordings, () => {
      const { clock, logger, onRecordingLost } = this.#parts
      const recorder = createRecorder({
        recordings,
        secrets: this.#allSecrets,
        clock,
        logger,
        onStored: (interaction) => folder.replay?.add(interaction),
        onLost: onRecordingLost,
      })
      const folder: Folder = { recorder, replay: undefined, isOpen: false }
      return folder
    })
  }

  #replay(config: ResourceView): Replay {
    const folder = this.#folder(config)
    const { logger, generate, cursors } = this.#parts
    return (folder.replay ??= createReplay({
      recordings: config.recordings,
      secrets: this.#allSecrets,
      logger,
      generate,
      record: this.handlers.record,
      cursors,
    }))
  }

  #upstream({ upstream, connections }: ResourceView): Connected {
    // The configuration is checked: what forwards has an upstream.
    if (!upstream) throw new Error('There is no upstream to forward to.')
    return this.#upstreams.get(upstream, () => {
      const { clock, logger, forwarder } = this.#parts
      const credential = (): string => upstream.key
      const { headerLimitKb } = connections
      const client = createUpstreamClient({ upstream, credential, headerLimitKb, clock, logger })
      return { client, forward: createForward({ client, forwarder, clock, logger }) }
    })
  }

  /** Every key of the moment, the same list as long as they are the same. */
  readonly #allSecrets = (): readonly string[] => {
    const lists = [
      configSecrets(this.#parts.config()),
      ...Array.from(this.#upstreams.values(), ({ client }) => client.secrets()),
    ]
    const isSame =
      lists.length === this.#secretLists.length && lists.every((list, at) => list === this.#secretLists[at])
    if (!isSame) {
      this.#secretLists = lists
      this.#secrets = [...new Set(lists.flat())]
    }
    return this.#secrets
  }
}

/** A map whose keys are the same where they are equal in depth; objects that were looked up before are found at once. */
class MapByValue<K extends object, V> {
  readonly #byIdentity = new WeakMap<K, V>()
  readonly #entries: (readonly [key: K, value: V])[] = []

  get(key: K, make: () => V): V {
    const known = this.#byIdentity.get(key)
    if (known !== undefined) return known
    const equal = this.#entries.find(([other]) => isDeepStrictEqual(other, key))
    const value = equal ? equal[1] : make()
    if (!equal) this.#entries.push([key, value])
    this.#byIdentity.set(key, value)
    return value
  }

  *values(): Generator<V> {
    for (const [, value] of this.#entries) yield value
  }
}
