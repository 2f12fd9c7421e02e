import type { ReplayConfig } from '../config/recordings-config.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { RecentMap } from '../platform/recent-map.ts'
import type { EntryList, RecordingEntry } from './recording-entry.ts'

/** Test names come from clients, so what is kept of them is bounded: in each of two generations, as many as this. */
const rememberedTests = 1_000

/** Says which recording of a request's is next, for each test alone. */
export class ReplayTurns {
  readonly #config: ReplayConfig
  readonly #turnsByTest = new RecentMap<string, Map<EntryList, number>>(rememberedTests)

  constructor(config: ReplayConfig) {
    this.#config = config
  }

  /** The recording that answers the exchange; counts it as used up. Undefined for an empty list. */
  next(list: EntryList, exchange: Exchange): RecordingEntry | undefined {
    const { entries } = list
    const count = entries.length
    if (count <= 1) return entries[0]
    if (this.#config.repeat === 'seed') return entries[exchange.random.below(count)]
    const turn = this.#count(list, exchange)
    return entries[this.#config.repeat === 'cycle' ? turn % count : Math.min(turn, count - 1)]
  }

  #count(list: EntryList, { headers }: Exchange): number {
    const test = headers[this.#config.testHeader]
    if (test === undefined) return list.turn++
    const name = String(test)
    let turns = this.#turnsByTest.get(name)
    if (!turns) this.#turnsByTest.set(name, (turns = new Map()))
    const turn = turns.get(list) ?? 0
    turns.set(list, turn + 1)
    return turn
  }
}
