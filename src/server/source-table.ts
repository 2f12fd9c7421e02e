import { isDeepStrictEqual } from 'node:util'
import type { KnownSecrets } from '../config/redact-config.ts'
import type { Config, HostConfig, ResourceView, RecordingsConfig } from '../config/config.ts'
import type { LiveConfig } from '../config/live-config.ts'
import { resourceChanges } from '../config/resource-ids.ts'
import type { Upstream } from '../config/upstreams.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { answerWithoutUpstream } from './answer-without-upstream.ts'
import { upstreamOf } from '../pipeline/upstream-of.ts'
import { replaysRecordings, type SourceName, writesRecordings } from '../config/source-names.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Random } from '../lib/random.ts'
import type { Forwarder } from '../pipeline/extension.ts'
import type { Source } from '../pipeline/stage.ts'
import { createRecorder, type Recorder, type RecordResult } from '../recordings/record-mode.ts'
import type { RecordingLoss } from '../recordings/loss-reports.ts'
import { createReplay, folderIdOf, type Replay } from '../recordings/replay-mode.ts'
import type { RecordingUseSink } from '../recordings/recording-use.ts'
import { RecordingActivity } from './recording-activity.ts'
import type { ReplayCursors } from '../recordings/replay-cursors.ts'
import { createForward, createForwardSource, type Forward } from '../upstream/forward.ts'
import type { UpstreamLog } from '../journal/upstream-log.ts'
import type { Environment } from '../upstream/proxy.ts'
import type { UpstreamCheck } from '../upstream/verify-upstream.ts'
import { createUpstreamClient, type UpstreamClient } from '../upstream/upstream-client.ts'

/** A recordings folder in use. */
export interface RecordingsInUse {
  /** Identifies the folder with its settings. */
  readonly id: string
  readonly config: RecordingsConfig
  /** Names of the resources that use it. */
  readonly resources: readonly string[]
  /** Whether requests are recorded. */
  readonly records: boolean
  /** Writes to the folder; undefined if nothing was or is recorded. */
  readonly recorder: Recorder | undefined
  /** Answers from the folder; undefined if nothing is replayed. */
  readonly replay: Replay | undefined
}

/** Options of `SourceTable`. */
export interface SourceTableOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Returns the current configuration. */
  readonly config: () => Config
  /** Returns the keys that recordings must not contain; the same array while they do not change. */
  readonly secrets: KnownSecrets['list']
  readonly generate: Source
  readonly forwarder: Forwarder | undefined
  /** Called for each answer that could not be recorded. */
  readonly onRecordingLost?: (loss: RecordingLoss) => void
  /** Variables that name a proxy for upstreams. */
  readonly env: Environment
  /** Is notified of all attempts, and writes an entry for each forwarded request. */
  readonly upstreamLog: UpstreamLog
  /** Logs failures of forwarded requests when they happen. They are in the entry of the request as well. */
  readonly forwardLogger: Logger
  /** Positions in repeated recordings. */
  readonly cursors: ReplayCursors
  /** For the ids of recorded requests. */
  readonly random: Random
  /** The primary, which keeps misses and counts of this worker; undefined if this process keeps them. */
  readonly recordingUse: RecordingUseSink | undefined
}

/** A recordings folder: one recorder and one index for all deployments and resources. */
interface Folder {
  readonly id: string
  readonly recorder: Recorder
  replay: Replay | undefined
  isOpen: boolean
}

interface UpstreamConnection {
  readonly client: UpstreamClient
  readonly forward: Forward
}

/**
 * The sources, with the recordings folders and upstreams of the current and all earlier configurations. Those of earlier configurations
 * stay open: running requests use them, and a later change can return to them.
 */
export class SourceTable {
  readonly #options: SourceTableOptions
  readonly #folders = new MapByValue<RecordingsConfig, Folder>(({ dir }) => dir)
  readonly #upstreams = new MapByValue<Upstream, UpstreamConnection>(({ endpoint }) => endpoint)
  #secretLists: readonly (readonly string[])[] = []
  #secrets: readonly string[] = []

  /** How recordings are used. */
  readonly activity: RecordingActivity
  /** The handler of each source. */
  readonly handlers: Readonly<Record<SourceName, Source>>

  constructor(options: SourceTableOptions) {
    this.#options = options
    const { config, clock, random, recordingUse: primary } = options
    this.activity = new RecordingActivity({ config, clock, random, primary, sources: this })
    const { watch } = options.upstreamLog
    const record = watch((exchange) =>
      this.#folder(exchange.config).recorder.answer(exchange, this.#upstream(exchange).forward),
    )
    const forward = watch(
      createForwardSource((exchange) => this.#upstream(exchange).forward, options.forwardLogger),
    )
    this.handlers = {
      generate: options.generate,
      record: (exchange) => answerWithoutUpstream(exchange) ?? record(exchange),
      replay: (exchange) => this.#replay(exchange.config).answer(exchange),
      forward: (exchange) => answerWithoutUpstream(exchange) ?? forward(exchange),
    }
  }

  /**
   * Returns the recordings that a resource uses.
   *
   * @throws {OperatorError} if recordings cannot be read
   */
  recordingsOf(config: ResourceView): Omit<RecordingsInUse, 'id' | 'resources'> {
    const { recorder, isOpen } = this.#folder(config)
    const records = writesRecordings(config)
    return {
      config: config.recordings,
      records,
      recorder: records || isOpen ? recorder : undefined,
      replay: replaysRecordings(config) ? this.#replay(config) : undefined,
    }
  }

  /** Returns the recordings that a configuration uses, each folder once. */
  inUse({ resources }: Config): readonly RecordingsInUse[] {
    const used = new Map<Folder, RecordingsInUse>()
    for (const [name, view] of resources) {
      const { config, records, recorder, replay } = this.recordingsOf(view)
      if (!recorder && !replay) continue
      const folder = this.#folder(view)
      const known = used.get(folder)
      used.set(folder, {
        id: folder.id,
        config,
        resources: [...(known?.resources ?? []), name],
        records: records || known?.records === true,
        recorder: recorder ?? known?.recorder,
        replay: replay ?? known?.replay,
      })
    }
    return [...used.values()]
  }

  /**
   * Reads the recordings of the present configuration, and prepares those of each later one before it applies.
   *
   * @throws {OperatorError} if recordings cannot be read
   */
  follow(live: LiveConfig): void {
    for (const view of live.current.resources.values()) this.recordingsOf(view)
    live.prepare = async (next) => {
      const { added, changed } = resourceChanges(live.current, next)
      await this.openAll([...added, ...changed])
    }
  }

  /**
   * Prepares the recordings of a resource for its first request.
   *
   * @throws {OperatorError} if recordings cannot be read, or the folder cannot be written
   */
  async open(config: ResourceView): Promise<void> {
    const { recorder } = this.recordingsOf(config)
    if (recorder) await this.#open(this.#folder(config))
  }

  /** Prepares the recordings of several resources. */
  async openAll(views: Iterable<readonly [name: string, view: ResourceView]>): Promise<void> {
    for (const [, view] of views) await this.open(view)
  }

  async #open(folder: Folder): Promise<void> {
    if (folder.isOpen) return
    await folder.recorder.open()
    folder.isOpen = true
  }

  /**
   * Forwards one exchange and records the answer, also if the source of the exchange does not record.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE if the folder cannot be written
   */
  async record(exchange: Exchange): Promise<RecordResult> {
    const folder = this.#folder(exchange.config)
    await this.#open(folder)
    const { forward } = this.#upstream(exchange)
    let result: Promise<RecordResult> | undefined
    const source = this.#options.upstreamLog.watch(async () => {
      result = folder.recorder.record(exchange, forward)
      return (await result).reply
    })
    await source(exchange)
    if (!result) throw new Error('The request was not recorded.')
    return result
  }

  /**
   * Writes recordings, and closes folders and upstreams.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE if recordings are lost
   */
  async close(): Promise<void> {
    this.activity.close()
    try {
      for (const { recorder } of this.#folders.values()) await recorder.close()
    } finally {
      for (const { client } of this.#upstreams.values()) client.close()
    }
  }

  #folder({ recordings }: ResourceView): Folder {
    return this.#folders.get(recordings, () => {
      const { clock, logger, onRecordingLost } = this.#options
      const recorder = createRecorder({
        recordings,
        secrets: this.#allSecrets,
        clock,
        logger,
        onStored: (interaction, written) => folder.replay?.add(interaction, written),
        onLost: onRecordingLost,
      })
      const folder: Folder = { id: folderIdOf(recordings), recorder, replay: undefined, isOpen: false }
      return folder
    })
  }

  #replay(config: ResourceView): Replay {
    const folder = this.#folder(config)
    const { logger, generate, cursors, recordingUse } = this.#options
    return (folder.replay ??= createReplay({
      id: folder.id,
      recordings: config.recordings,
      secrets: this.#allSecrets,
      logger,
      generate,
      record: this.handlers.record,
      forward: this.handlers.forward,
      isWritten: writesRecordings(config),
      cursors,
      use: { onMissed: this.activity.missed, isReported: recordingUse !== undefined },
    }))
  }

  /** Sends one request that costs nothing to an upstream. Returns whether it works. */
  verify(upstream: Upstream): Promise<UpstreamCheck> {
    return this.#connection(upstream, this.#options.config()).client.verify()
  }

  #upstream(exchange: Exchange): UpstreamConnection {
    const { upstream } = upstreamOf(exchange) ?? {}
    if (!upstream) throw new Error('Could not forward: no upstream is configured.')
    return this.#connection(upstream, exchange.config)
  }

  #connection(upstream: Upstream, { connections }: HostConfig): UpstreamConnection {
    return this.#upstreams.get(upstream, () => {
      const { clock, logger, forwardLogger, forwarder, upstreamLog: observer, env } = this.#options
      const { headerLimitKb } = connections
      const client = createUpstreamClient({ upstream, headerLimitKb, env, clock, logger, observer })
      return { client, forward: createForward({ client, forwarder, clock, logger: forwardLogger }) }
    })
  }

  /** Returns all current keys; the same array while they do not change. */
  readonly #allSecrets = (): readonly string[] => {
    const lists = [
      this.#options.secrets(),
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

/**
 * A map that compares keys by deep equality. Objects that were looked up before are found by identity, and only keys with the same
 * hash are compared.
 */
class MapByValue<K extends object, V> {
  readonly #byIdentity = new WeakMap<K, V>()
  readonly #entries = new Map<string, (readonly [key: K, value: V])[]>()
  readonly #hashOf: (key: K) => string

  /** @param hashOf returns the same text for equal keys */
  constructor(hashOf: (key: K) => string) {
    this.#hashOf = hashOf
  }

  get(key: K, make: () => V): V {
    const known = this.#byIdentity.get(key)
    if (known !== undefined) return known
    const hash = this.#hashOf(key)
    const entries = this.#entries.get(hash) ?? []
    const equal = entries.find(([other]) => isDeepStrictEqual(other, key))
    const value = equal ? equal[1] : make()
    if (!equal) this.#entries.set(hash, [...entries, [key, value]])
    this.#byIdentity.set(key, value)
    return value
  }

  *values(): Generator<V> {
    for (const entries of this.#entries.values()) for (const [, value] of entries) yield value
  }
}
