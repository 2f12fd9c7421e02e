import type { Clock, StopTimer } from '../../lib/clock.ts'
import { createSystemClock } from '../../lib/system-clock.ts'
import { version } from '../../lib/version.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import { type EventSource, JsonText, type ServerSentEvent } from '../event-stream.ts'
import type { Simulator } from '../simulator.ts'
import { LiveReader } from './live-reading.ts'
import { LiveEntries } from './live-entries.ts'
import type { LiveConfigChange, LiveHello, LiveIncidentChange } from './live-stats.ts'
import { LiveVersions } from './live-versions.ts'
import { clockKind, incidentState } from './simulator-state.ts'

/** Minimum time between two readings. */
const INTERVAL_MS = 1_000

/** A reading takes at most 1 % of a core. */
const MIN_INTERVAL_PER_COST = 100

/** Minimum time between two reports of failed readings. */
const FAILURE_REPORT_MS = 60_000

/** Dependencies of `LiveFeed`. */
export interface LiveFeedOptions {
  readonly simulator: Simulator
  /** The metrics of all processes. */
  readonly metrics: Pick<Metrics, 'toJson'>
  /** Start of the simulator on the monotonic scale of its clock. */
  readonly startedMs: number
  /** Real time, also if the simulator has a virtual clock. */
  readonly clock?: Clock
  /** CPU time of this process so far, in milliseconds. */
  readonly cpuMs?: () => number
}

interface Change {
  version: number
  readonly data: object
}

/**
 * Reads the figures at an interval while there are readers, and passes on what happens in between. All readers share one reading. Each
 * gets the newest state when it reads, so a slow one has no backlog.
 */
export class LiveFeed {
  readonly #simulator: Simulator
  readonly #clock: Clock
  readonly #cpuMs: () => number
  readonly #reader: LiveReader
  readonly #startedMs: number
  readonly #versions = new LiveVersions()
  readonly #entries: LiveEntries
  readonly #notify = new Set<() => void>()
  #stopTimer: StopTimer = () => {}
  #isReading = false
  /** Version of the last reading before there was a reader. It is old. */
  #oldVersion = 0
  #readAtMs: number | undefined
  #failedAtMs = -Infinity
  #changes = 0
  #config: Change | undefined
  /** Versions of the last change, by resource. */
  readonly #incidents = new Map<string, number>()

  constructor(options: LiveFeedOptions) {
    const { simulator, metrics, startedMs, clock = createSystemClock(), cpuMs = processCpuMs } = options
    this.#simulator = simulator
    this.#startedMs = startedMs
    this.#clock = clock
    this.#cpuMs = cpuMs
    this.#reader = new LiveReader(simulator, metrics, startedMs)
    const sources = { logs: simulator.logRing, traces: simulator.traces }
    this.#entries = new LiveEntries(sources, clock, () => this.#notifyAll())
    simulator.live.onChange(({ resources }, origin) => {
      for (const name of this.#incidents.keys()) if (!resources.has(name)) this.#incidents.delete(name)
      const data: LiveConfigChange = { at: this.#now(), what: origin }
      this.#config = { version: ++this.#changes, data }
      this.#notifyAll()
    })
    simulator.incidents.onState((resource) => {
      this.#incidents.set(resource, ++this.#changes)
      this.#notifyAll()
    })
  }

  /**
   * Opens a source of events.
   *
   * @param resource only of this resource; undefined: all
   */
  open(resource: string | undefined): EventSource {
    let hasGreeted = false
    let seenVersion = 0
    let seenChanges = this.#changes
    const nextEntries = this.#entries.open(resource)
    return {
      next: async () => {
        const events: ServerSentEvent[] = []
        if (!hasGreeted) {
          hasGreeted = true
          events.push({ event: 'hello', data: this.#hello() })
        }
        if (this.#changes > seenChanges) {
          events.push(...this.#changesSince(seenChanges, resource))
          seenChanges = this.#changes
        }
        const { version: newest } = this.#versions
        const isNew = newest > Math.max(seenVersion, this.#oldVersion)
        if (isNew) {
          events.push({
            event: 'stats',
            data: new JsonText(this.#versions.textSince(seenVersion, resource)),
          })
          seenVersion = newest
        }
        events.push(...nextEntries(isNew))
        return events
      },
      subscribe: (onMore) => this.#subscribe(onMore),
    }
  }

  #subscribe(onMore: () => void): () => void {
    this.#notify.add(onMore)
    if (this.#notify.size === 1) this.#start()
    else onMore()
    return () => {
      if (this.#notify.delete(onMore) && this.#notify.size === 0) this.#stop()
    }
  }

  #start(): void {
    this.#reader.restart()
    this.#oldVersion = this.#versions.version
    this.#readAtMs = undefined
    this.#entries.start()
    void this.#read()
  }

  #stop(): void {
    this.#stopTimer()
    this.#entries.stop()
  }

  async #read(): Promise<void> {
    // A reading of the readers before continues.
    if (this.#isReading) return
    this.#isReading = true
    const startMs = this.#clock.nowMs()
    const startCpuMs = this.#cpuMs()
    let slowestMs = 0
    try {
      let windowMs = 0
      const reading = await this.#reader.read(() => {
        const nowMs = this.#clock.nowMs()
        windowMs = this.#readAtMs === undefined ? 0 : nowMs - this.#readAtMs
        this.#readAtMs = nowMs
        return windowMs / 1_000
      })
      slowestMs = reading.tookMs
      this.#versions.update(reading, { at_ms: this.#clock.epochMs(), window_ms: Math.round(windowMs) })
      this.#notifyAll()
    } catch (error) {
      if (startMs - this.#failedAtMs >= FAILURE_REPORT_MS) this.#simulator.onPageFailure(error)
      this.#failedAtMs = startMs
    } finally {
      this.#isReading = false
    }
    if (this.#notify.size === 0) return
    const ownMs = Math.min(this.#clock.nowMs() - startMs, this.#cpuMs() - startCpuMs)
    const intervalMs = Math.max(INTERVAL_MS, MIN_INTERVAL_PER_COST * Math.max(ownMs, slowestMs))
    this.#stopTimer()
    this.#stopTimer = this.#clock.at(startMs + intervalMs, () => void this.#read())
  }

  #notifyAll(): void {
    for (const notify of this.#notify) notify()
  }

  #changesSince(seen: number, only: string | undefined): ServerSentEvent[] {
    const events: ServerSentEvent[] = []
    if (this.#config && this.#config.version > seen) events.push({ event: 'config', data: this.#config.data })
    for (const [resource, runner] of this.#simulator.incidents) {
      if ((this.#incidents.get(resource) ?? 0) <= seen || (only !== undefined && resource !== only)) continue
      const data: LiveIncidentChange = { at: this.#now(), resource, ...incidentState(runner) }
      events.push({ event: 'incident', data })
    }
    return events
  }

  #hello(): LiveHello {
    const { clock, config } = this.#simulator
    const uptimeMs = clock.nowMs() - this.#startedMs
    return {
      version,
      mode: config.defaultResource.mode,
      clock: clockKind(this.#simulator),
      started_at: new Date(clock.epochMs() - uptimeMs).toISOString(),
      interval_ms: INTERVAL_MS,
    }
  }

  #now(): string {
    return new Date(this.#clock.epochMs()).toISOString()
  }
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
