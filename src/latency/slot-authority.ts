import type { Concurrency } from '../config/deployment-latency.ts'
import type { Clock } from '../lib/clock.ts'
import type { Occupancy } from '../limits/occupancy.ts'

/** A request that wants a slot, such as an Exchange. */
export interface SlotHolder {
  readonly clock: Clock
  /** Calls back once when the request has been answered or its client has left; at once when that is past. */
  onEnd(listener: () => void): void
}

/** What a request asks of the slots of its deployment. */
export interface SlotQuestion {
  readonly resource: string
  /** The deployment's name. */
  readonly deployment: string
  /** Undefined: there is a slot for everyone. */
  readonly concurrency: Concurrency | undefined
  /** Multiplies the timeout of the queue. */
  readonly timeScale: number
}

/** A slot; the end of its holder gives it back. */
export interface SlotGrant {
  /** How many other requests the deployment works on. */
  readonly others: number
  /** Whether the request had to wait for it. */
  readonly waited: boolean
}

/** Why a request got no slot; `left` means that its client did not wait for it. */
export type SlotRefusal = 'queue-full' | 'timed-out' | 'left'

/**
 * Gives the slots of deployments to requests, first come, first served: in this process, or at a place that many processes
 * ask, so that they have the same slots together. An answer that is known at once is given without a promise.
 */
export interface SlotAuthority {
  /** Takes a slot, or waits for one. */
  take(question: SlotQuestion, holder: SlotHolder): SlotGrant | SlotRefusal | Promise<SlotGrant | SlotRefusal>
  /** The deployments that have had such a request, as far as is known here. */
  occupancy(): Iterable<Occupancy>
}
