import type { TurnCounter } from '../../recordings/replay-turns.ts'
import { RecentMap } from '../../lib/recent-map.ts'
import type { Peer } from '../../shared/rpc/peer.ts'

/** What a worker asks of the turns of requests that were recorded several times. */
export type TurnMethods = {
  'turns.next': (asked: readonly [list: string, test: string | null]) => number
}

/** Names of tests come from clients; so many are remembered in each of two generations. */
const rememberedTests = 1_000

/** Counts the turns for all workers. */
export class TurnDesk {
  readonly #untested = new Map<string, number>()
  readonly #byTest = new RecentMap<string, Map<string, number>>(rememberedTests)

  readonly methods: TurnMethods = {
    'turns.next': ([list, test]) => {
      const turns = test === null ? this.#untested : this.#turnsOf(test)
      const turn = turns.get(list) ?? 0
      turns.set(list, turn + 1)
      return turn
    },
  }

  /** Begins all turns anew. */
  clear(): void {
    this.#untested.clear()
    this.#byTest.clear()
  }

  #turnsOf(test: string): Map<string, number> {
    let turns = this.#byTest.get(test)
    if (!turns) this.#byTest.set(test, (turns = new Map()))
    return turns
  }
}

/** The turns of a worker: the primary counts them. */
export function remoteTurns(primary: Peer<TurnMethods>): TurnCounter {
  return { next: (list, test) => primary.call('turns.next', [list, test ?? null]) }
}
