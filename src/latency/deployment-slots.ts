import type { MaybePromise } from '../lib/port.ts'
import type { Concurrency } from '../config/deployment-latency.ts'
import {
  type SlotRefusal,
  type SlotHolder,
  type ConcurrencyLimiter,
  type SlotGrant,
  type SlotRequest,
  type SlotResult,
  openSlotLease,
  type SlotLease,
} from './concurrency-limiter.ts'
import type { Clock } from '../lib/clock.ts'
import type { Occupancy } from '../limits/occupancy.ts'

/** What became of a request that asked for a slot. */
export type Admission = 'granted' | SlotRefusal

interface Waiter {
  /** Undefined once the waiter has its answer, so that nothing of its request is held. */
  settle: ((admission: Admission) => void) | undefined
}

/** How many waiters that are settled may stay in the list before it is swept. */
const MAX_SETTLED_WAITERS = 1_000

/** The requests that one deployment works on, and those that wait for it: first come, first served. */
export class DeploymentSlots {
  #working = 0
  #slots = Infinity
  #waiting = 0
  #waiters: Waiter[] = []
  #next = 0

  /** How many requests have a slot. */
  get working(): number {
    return this.#working
  }

  /** How many requests wait for one. */
  get waiting(): number {
    return this.#waiting
  }

  /** How many slots there were at the last request; infinite without a limit. */
  get slots(): number {
    return this.#slots
  }

  /**
   * Takes a slot, which the end of its holder gives back. A promise is given only where the request has to wait.
   *
   * @param concurrency undefined: there is a slot for everyone
   * @param timeScale multiplies the timeout of the queue
   */
  take(holder: SlotHolder, concurrency: Concurrency | undefined, timeScale: number): MaybePromise<Admission> {
    this.#slots = concurrency?.slots ?? Infinity
    this.#admitWaiting()
    if (!concurrency || this.#working < this.#slots) {
      this.#grant(holder)
      return 'granted'
    }
    if (this.#waiting >= concurrency.queueLength) return 'queue-full'
    return this.#wait(holder, concurrency.queueTimeoutMs * timeScale)
  }

  #grant(holder: SlotHolder): void {
    this.#working++
    holder.onEnd(() => {
      this.#working--
      this.#admitWaiting()
    })
  }

  #wait(holder: SlotHolder, timeoutMs: number): Promise<Admission> {
    return new Promise((resolve) => {
      const { clock } = holder
      const settle = (admission: Admission): void => {
        waiter.settle = undefined
        this.#waiting--
        stopTimer()
        if (admission === 'granted') this.#grant(holder)
        else this.#sweep()
        resolve(admission)
      }
      const waiter: Waiter = { settle }
      const stopTimer = clock.at(clock.nowMs() + timeoutMs, () => waiter.settle?.('timed-out'))
      this.#waiting++
      this.#waiters.push(waiter)
      holder.onEnd(() => waiter.settle?.('left'))
    })
  }

  #admitWaiting(): void {
    while (this.#working < this.#slots && this.#next < this.#waiters.length) {
      this.#waiters[this.#next++]?.settle?.('granted')
    }
    this.#sweep()
  }

  /** Those who are settled stay in the list for a while, which costs less than to take each out of its middle. */
  #sweep(): void {
    const settled = this.#waiters.length - this.#waiting
    if (settled < MAX_SETTLED_WAITERS || settled < this.#waiting) return
    this.#waiters = this.#waiters.filter(({ settle }) => settle)
    this.#next = 0
  }
}

interface Tracked {
  readonly resource: string
  readonly deployment: string
  readonly slots: DeploymentSlots
}

/** The slots of all deployments, kept in this process. */
export class SlotTable implements ConcurrencyLimiter<SlotLease> {
  readonly #clock: Clock
  /** By resource and deployment. Only deployments of the file have slots or load, so the file bounds the table. */
  readonly #byKey = new Map<string, Tracked>()

  /** @param clock that of the exchanges */
  constructor(clock: Clock) {
    this.#clock = clock
  }

  take({ resource, deployment, concurrency, timeScale }: SlotRequest): SlotResult<SlotLease> {
    const slots = this.#slotsOf(resource, deployment)
    const answer = (admission: Admission, waited: boolean): SlotGrant | SlotRefusal =>
      admission === 'granted' ? { others: slots.working - 1, waited } : admission
    return openSlotLease(this.#clock, (holder) => {
      const taken = slots.take(holder, concurrency, timeScale)
      return typeof taken === 'string'
        ? answer(taken, false)
        : taken.then((admission) => answer(admission, true))
    })
  }

  async wait({ admission }: SlotLease): Promise<SlotGrant | SlotRefusal | undefined> {
    return admission
  }

  end(lease: SlotLease): void {
    lease.end()
  }

  *occupancy(): Generator<Occupancy> {
    for (const { resource, deployment, slots } of this.#byKey.values()) {
      yield { resource, deployment, working: slots.working, waiting: slots.waiting, slots: slots.slots }
    }
  }

  #slotsOf(resource: string, deployment: string): DeploymentSlots {
    const key = `${resource}/${deployment}`
    let tracked = this.#byKey.get(key)
    if (!tracked) this.#byKey.set(key, (tracked = { resource, deployment, slots: new DeploymentSlots() }))
    return tracked.slots
  }
}
