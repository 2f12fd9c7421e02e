import type {
  SlotAuthority,
  SlotGrant,
  SlotHolder,
  SlotQuestion,
  SlotRefusal,
} from '../../latency/slot-authority.ts'
import type { Peer } from '../../shared/rpc/peer.ts'
import type { SlotMethods } from './slot-messages.ts'

/** The slots of a worker: it asks the primary, so that all workers have one queue together. */
export class RemoteSlots implements SlotAuthority {
  readonly #primary: Peer<SlotMethods>
  #lastNumber = 0

  constructor(primary: Peer<SlotMethods>) {
    this.#primary = primary
  }

  take(
    { resource, deployment, concurrency, timeScale }: SlotQuestion,
    holder: SlotHolder,
  ): Promise<SlotGrant | SlotRefusal> {
    const number = ++this.#lastNumber
    const taken = this.#primary.call('slots.take', [
      number,
      resource,
      deployment,
      concurrency ?? null,
      timeScale,
    ])
    holder.onEnd(() => this.#primary.tell('slots.end', number))
    return taken
  }

  /** The metrics of all workers have it from the primary. */
  occupancy(): [] {
    return []
  }
}
