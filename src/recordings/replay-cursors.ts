import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { defaultResourceName, type RecordingsConfig, type ReplayConfig } from '../config/config.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { MaybePromise, Port } from '../lib/port.ts'
import { RecentMap } from '../lib/caches.ts'
import type { EntryList, RecordingEntry } from './interaction.ts'

/** Counts the replays of requests that were recorded several times. */
export interface ReplayCursors {
  /**
   * Returns how many requests preceded this one, and counts it.
   *
   * @param list id of the recordings of the request, the same in every process
   * @param test the name of the test; undefined if the request has none
   */
  next(list: string, test: string | undefined): MaybePromise<number>
  /** Resets all cursors, or those of one test, to the first recording. */
  clear?(test?: string): MaybePromise<void>
  /** Removes the cursors of resources that this process stores, by their identities. Lists begin with the identity and a space. */
  removeResources?(ids: readonly string[]): void
}

export const replayCursorsPort: Port<ReplayCursors> = {
  name: 'cursors',
  methods: { next: { kind: 'request' } },
}

/** Maximum number of tests in each of two generations. Clients choose test names, so their number must be bounded. */
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

  clear(test?: string): void {
    if (test !== undefined) {
      this.#byTest.get(test)?.clear()
      return
    }
    this.#untested.clear()
    this.#byTest.clear()
  }

  removeResources(ids: readonly string[]): void {
    const prefixes = ids.map((id) => `${id} `)
    for (const cursors of [this.#untested, ...this.#byTest.values()]) {
      for (const list of cursors.keys()) {
        if (prefixes.some((prefix) => list.startsWith(prefix))) cursors.delete(list)
      }
    }
  }

  #cursorsOf(test: string): Map<string, number> {
    let cursors = this.#byTest.get(test)
    if (!cursors) this.#byTest.set(test, (cursors = new Map()))
    return cursors
  }
}

/** Selects the next recording of a request, separately for each test. */
export class RecordingSelector {
  readonly #config: ReplayConfig
  readonly #cursors: ReplayCursors
  readonly #scope: string

  constructor({ dir, match, replay }: RecordingsConfig, cursors: ReplayCursors) {
    this.#config = replay
    this.#cursors = cursors
    // Each folder and each set of rules has separate cursors. The folder may have another path on other machines.
    const scope = createHash('sha256').update(JSON.stringify([basename(dir), match, replay]))
    this.#scope = scope.digest('base64').slice(0, 12)
  }

  /** Selects the recording for an exchange and advances the cursor. Undefined for an empty list. */
  next(list: EntryList, exchange: Exchange): MaybePromise<RecordingEntry | undefined> {
    const { entries, query, apiVersion, exactKey = '' } = list
    const count = entries.length
    if (count <= 1) return entries[0]
    const { repeat, testHeader } = this.#config
    if (repeat === 'seed') return entries[exchange.random.below(count)]
    const pick = (cursor: number): RecordingEntry | undefined =>
      entries[repeat === 'cycle' ? cursor % count : Math.min(cursor, count - 1)]
    const { headers, config } = exchange
    const test = headers[testHeader]
    const prefix = config.id === defaultResourceName ? '' : `${config.id} `
    const name = `${prefix}${this.#scope}${entries[0]?.key ?? ''}${exactKey} ${apiVersion} ${query}`
    const cursor = this.#cursors.next(name, test === undefined ? undefined : String(test))
    return cursor instanceof Promise ? cursor.then(pick) : pick(cursor)
  }
}
