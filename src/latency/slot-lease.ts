import type { MaybePromise } from '../lib/port.ts'
import type { Clock } from '../lib/clock.ts'
import type { SlotGrant, SlotRefusal, SlotResult } from './concurrency-limiter.ts'

/** A request that wants a slot, as the keeper of the slots sees it. */
export interface SlotHolder {
  readonly clock: Clock
  /** Calls back once when the request has been answered or its client has left; at once when that is past. */
  onEnd(listener: () => void): void
}

/** What a request holds of slots that are kept in this process. */
export class SlotLease implements SlotHolder {
  readonly clock: Clock
  /** Undefined for one that did not have to wait. */
  admission: Promise<SlotGrant | SlotRefusal> | undefined
  readonly #listeners: (() => void)[] = []
  #hasEnded = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  onEnd(listener: () => void): void {
    if (this.#hasEnded) listener()
    else this.#listeners.push(listener)
  }

  end(): void {
    this.#hasEnded = true
    for (const listener of this.#listeners.splice(0)) listener()
  }
}

/**
 * Opens the lease of a request.
 *
 * @param take gives a promise only where the request has to wait
 */
export function openSlotLease(
  clock: Clock,
  take: (holder: SlotHolder) => MaybePromise<SlotGrant | SlotRefusal>,
): SlotResult<SlotLease> {
  const lease = new SlotLease(clock)
  const taken = take(lease)
  if (typeof taken === 'string') return 'queue-full'
  if (!(taken instanceof Promise)) return { lease, grant: taken }
  lease.admission = taken
  return { lease }
}
