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

/** Result of a request for a slot. */
export type Admission = 'granted' | SlotRefusal

interface Waiter {
  /** Undefined after the waiter has its result, so that its request can be garbage-collected. */
  settle: ((admission: Admission) => void) | undefined
}

/** Number of settled waiters that can remain in the list before it is compacted. */
const MAX_SETTLED_WAITERS = 1_000

/** The slots of a deployment and their queue (FIFO). */
export class DeploymentSlots {
  #working = 0
  #slots = Infinity
  #waiting = 0
  #waiters: Waiter[] = []
  #next = 0

  /** Number of requests with a slot. */
  get working(): number {
    return this.#working
  }

  /** Number of requests in the queue. */
  get waiting(): number {
    return this.#waiting
  }

  /** Number of slots at the last request; Infinity without a limit. */
  get slots(): number {
    return this.#slots
  }

  /**
   * Takes a slot, which is returned when its holder ends. Returns a promise only if the request must wait.
   *
   * @param concurrency undefined: slots are not limited
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
        else this.#compact()
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
    this.#compact()
  }

  /** Removes settled waiters from time to time, which is cheaper than removing each one. */
  #compact(): void {
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

/** The slots of all deployments in this process. */
export class SlotTable implements ConcurrencyLimiter<SlotLease> {
  readonly #clock: Clock
  /** By resource and deployment. Only configured deployments have slots or load, so the size is limited. */
  readonly #byKey = new Map<string, Tracked>()

  /** @param clock the clock of the exchanges */
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

  retainResources(ids: ReadonlySet<string>): void {
    for (const [key, { resource }] of this.#byKey) if (!ids.has(resource)) this.#byKey.delete(key)
  }

  #slotsOf(resource: string, deployment: string): DeploymentSlots {
    const key = `${resource}/${deployment}`
    let tracked = this.#byKey.get(key)
    if (!tracked) this.#byKey.set(key, (tracked = { resource, deployment, slots: new DeploymentSlots() }))
    return tracked.slots
  }
}
