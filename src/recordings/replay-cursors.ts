import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { defaultResourceName, type RecordingsConfig, type ReplayConfig } from '../config/config.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { MaybePromise, Port } from '../lib/port.ts'
import { RecentMap } from '../lib/caches.ts'
import type { EntryList, RecordingEntry } from './interaction.ts'

/** Counts how often requests that were recorded several times have been answered. */
export interface ReplayCursors {
  /**
   * How many requests came before this one.
   *
   * @param list what was recorded for the request, the same text in every process
   * @param test undefined for a request that names none
   */
  next(list: string, test: string | undefined): MaybePromise<number>
  /** Starts all of them at the first recording again. */
  clear?(): MaybePromise<void>
}

export const replayCursorsPort: Port<ReplayCursors> = {
  name: 'cursors',
  methods: { next: { kind: 'request' } },
}

/** Test names come from clients, so what is kept of them is bounded: in each of two generations, as many as this. */
const MAX_CACHED_TESTS = 1_000

/** The cursors of this process. */
export class LocalCursors implements ReplayCursors {
  readonly #untested = new Map<string, number>()
  readonly #byTest = new RecentMap<string, Map<string, number>>(MAX_CACHED_TESTS)

  next(list: string, test: string | undefined): number {
    const cursors = test === undefined ? this.#untested : this.#cursorsOf(test)
    const count = cursors.get(list) ?? 0
    cursors.set(list, count + 1)
    return count
  }

  clear(): void {
    this.#untested.clear()
    this.#byTest.clear()
  }

  #cursorsOf(test: string): Map<string, number> {
    let cursors = this.#byTest.get(test)
    if (!cursors) this.#byTest.set(test, (cursors = new Map()))
    return cursors
  }
}

/** Says which recording of a request is next, for each test alone. */
export class RecordingChoice {
  readonly #config: ReplayConfig
  readonly #cursors: ReplayCursors
  readonly #scope: string

  constructor({ dir, match, replay }: RecordingsConfig, cursors: ReplayCursors) {
    this.#config = replay
    this.#cursors = cursors
    // Another folder, and other rules, have cursors of their own. Other machines may have the folder elsewhere.
    const scope = createHash('sha256').update(JSON.stringify([basename(dir), match, replay]))
    this.#scope = scope.digest('base64').slice(0, 12)
  }

  /** The recording that answers the exchange; counts it as used up. Undefined for an empty list. */
  next(
    list: EntryList,
    exchange: Exchange,
  ): MaybePromise<RecordingEntry | undefined> {
    const { entries, query, apiVersion } = list
    const count = entries.length
    if (count <= 1) return entries[0]
    const { repeat, testHeader } = this.#config
    if (repeat === 'seed') return entries[exchange.random.below(count)]
    const pick = (cursor: number): RecordingEntry | undefined =>
      entries[repeat === 'cycle' ? cursor % count : Math.min(cursor, count - 1)]
    const { headers, resource } = exchange
    const test = headers[testHeader]
    const own = resource === defaultResourceName ? '' : `${resource} `
    const name = `${this.#scope}${own}${entries[0]?.key ?? ''} ${apiVersion} ${query}`
    const cursor = this.#cursors.next(name, test === undefined ? undefined : String(test))
    return cursor instanceof Promise ? cursor.then(pick) : pick(cursor)
  }
}
