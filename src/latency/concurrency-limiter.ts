import type { Concurrency } from '../config/deployment-latency.ts'
import type { MaybePromise, Port } from '../lib/port.ts'
import type { Occupancy } from '../limits/occupancy.ts'
import type { Clock } from '../lib/clock.ts'

/** What a request asks of the slots of its deployment. */
export interface SlotRequest {
  readonly resource: string
  /** The deployment's name. */
  readonly deployment: string
  /** Undefined: there is a slot for everyone. */
  readonly concurrency: Concurrency | undefined
  /** Multiplies the timeout of the queue. */
  readonly timeScale: number
}

/** A slot. */
export interface SlotGrant {
  /** How many other requests the deployment works on. */
  readonly others: number
  /** Whether the request had to wait for it. */
  readonly waited: boolean
}

/** Why a request got no slot; `left` means that it was ended before. */
export type SlotRefusal = 'queue-full' | 'timed-out' | 'left'

/** A request that has a slot, or one that is to `wait` for it. */
export type SlotResult<Lease = unknown> =
  | { readonly lease: Lease; readonly grant: SlotGrant }
  | { readonly lease: Lease; readonly grant?: undefined }
  | 'queue-full'

/**
 * Gives the slots of deployments to requests, first come, first served: in this process, or at a place that many processes
 * ask, so that they have the same slots together. An answer that is known at once is given without a promise.
 */
export interface ConcurrencyLimiter<Lease = unknown> {
  /** Takes a slot, or a place in the queue. Whoever gets a lease ends it, whatever comes of it. */
  take(request: SlotRequest): MaybePromise<SlotResult<Lease>>
  /** Waits for the slot of a lease without one; undefined for a lease that is not known. */
  wait(lease: Lease): Promise<SlotGrant | SlotRefusal | undefined>
  /** Gives the slot back, or leaves the queue: the request has been answered, or its client has left. */
  end(lease: Lease): void
  /** The deployments that have had such a request, as far as is known here. */
  occupancy?(): Iterable<Occupancy>
}

export const concurrencyLimiterPort: Port<ConcurrencyLimiter> = {
  name: 'slots',
  methods: {
    take: { kind: 'request', lease: 'opens' },
    wait: { kind: 'request', lease: 'uses' },
    end: { kind: 'notification', lease: 'ends' },
  },
  releaseLease: (limiter, lease) => limiter.end(lease),
}

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
