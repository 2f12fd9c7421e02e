import type { Concurrency } from '../config/deployment-latency.ts'
import type { MaybePromise, Port } from '../lib/port.ts'
import type { Occupancy } from '../limits/occupancy.ts'
import type { Clock } from '../lib/clock.ts'

/** A request for a slot of a deployment. */
export interface SlotRequest {
  /** Identity of the resource (`ResourceConfig.id`). */
  readonly resource: string
  /** Name of the deployment. */
  readonly deployment: string
  /** Undefined: slots are not limited. */
  readonly concurrency: Concurrency | undefined
  /** Multiplies the timeout of the queue. */
  readonly timeScale: number
}

/** An assigned slot. */
export interface SlotGrant {
  /** Number of other requests in progress. */
  readonly others: number
  /** Whether the request waited in the queue. */
  readonly waited: boolean
}

/** Why a request has no slot. `left`: it ended while it was in the queue. */
export type SlotRefusal = 'queue-full' | 'timed-out' | 'left'

/** A slot, or a place in the queue (without `grant`, the request must call `wait`), or a refusal. */
export type SlotResult<Lease = unknown> =
  | { readonly lease: Lease; readonly grant: SlotGrant }
  | { readonly lease: Lease; readonly grant?: undefined }
  | 'queue-full'

/**
 * Assigns the slots of deployments to requests in order of arrival (FIFO), in this process or shared by several processes. Results
 * that are available immediately are returned without a promise.
 */
export interface ConcurrencyLimiter<Lease = unknown> {
  /** Takes a slot, or a place in the queue. The caller must end the lease in all cases. */
  take(request: SlotRequest): MaybePromise<SlotResult<Lease>>
  /** Waits for a slot in the queue; undefined for an unknown lease. */
  wait(lease: Lease): Promise<SlotGrant | SlotRefusal | undefined>
  /** Returns the slot, or leaves the queue, after the answer or when the client disconnects. */
  end(lease: Lease): void
  /** Occupancy of the deployments that had a request in this process. */
  occupancy?(): Iterable<Occupancy>
  /** Removes what this process stores for other resources than these identities. */
  retainResources?(ids: ReadonlySet<string>): void
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

/** A request that uses or waits for a slot. */
export interface SlotHolder {
  readonly clock: Clock
  /** Calls back once when the request ends; immediately if it has already ended. */
  onEnd(listener: () => void): void
}

/** The lease of a slot in this process. */
export class SlotLease implements SlotHolder {
  readonly clock: Clock
  /** Undefined if the request did not wait. */
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
 * @param take returns a promise only if the request must wait
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
