import type { ReplayConfig } from '../config/recordings-config.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { RecentMap } from '../lib/recent-map.ts'
import type { EntryList, RecordingEntry } from './recording-entry.ts'

/** Test names come from clients, so what is kept of them is bounded: in each of two generations, as many as this. */
const rememberedTests = 1_000

/** Counts the turns of requests at a place that many processes ask, so that they replay as one. */
export interface TurnCounter {
  /**
   * How many requests came before this one.
   *
   * @param list what was recorded for the request, the same text in every process
   * @param test undefined for a request that names none
   */
  next(list: string, test: string | undefined): number | Promise<number>
}

/** Says which recording of a request's is next, for each test alone. */
export class ReplayTurns {
  readonly #config: ReplayConfig
  readonly #elsewhere: TurnCounter | undefined
  readonly #turnsByTest = new RecentMap<string, Map<EntryList, number>>(rememberedTests)

  /** @param elsewhere counts in the place of this process */
  constructor(config: ReplayConfig, elsewhere?: TurnCounter) {
    this.#config = config
    this.#elsewhere = elsewhere
  }

  /** The recording that answers the exchange; counts it as used up. Undefined for an empty list. */
  next(
    list: EntryList,
    exchange: Exchange,
  ): RecordingEntry | undefined | Promise<RecordingEntry | undefined> {
    const { entries } = list
    const count = entries.length
    if (count <= 1) return entries[0]
    const { repeat } = this.#config
    if (repeat === 'seed') return entries[exchange.random.below(count)]
    const pick = (turn: number): RecordingEntry | undefined =>
      entries[repeat === 'cycle' ? turn % count : Math.min(turn, count - 1)]
    const turn = this.#count(list, exchange)
    return turn instanceof Promise ? turn.then(pick) : pick(turn)
  }

  /** Forgets the turns of all tests; those of requests that name none stand in their lists. */
  clear(): void {
    this.#turnsByTest.clear()
  }

  #count(list: EntryList, { headers }: Exchange): number | Promise<number> {
    const test = headers[this.#config.testHeader]
    const name = test === undefined ? undefined : String(test)
    if (this.#elsewhere) return this.#elsewhere.next(nameOf(list), name)
    if (name === undefined) return list.turn++
    let turns = this.#turnsByTest.get(name)
    if (!turns) this.#turnsByTest.set(name, (turns = new Map()))
    const turn = turns.get(list) ?? 0
    turns.set(list, turn + 1)
    return turn
  }
}

function nameOf({ entries, query, apiVersion }: EntryList): string {
  return JSON.stringify([entries[0]?.key, query, apiVersion])
}
