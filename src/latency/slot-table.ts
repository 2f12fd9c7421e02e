import type { Clock } from '../lib/clock.ts'
import type { Occupancy } from '../limits/occupancy.ts'
import type {
  ConcurrencyLimiter,
  SlotGrant,
  SlotRefusal,
  SlotRequest,
  SlotResult,
} from './concurrency-limiter.ts'
import { type Admission, DeploymentSlots } from './deployment-slots.ts'
import { openSlotLease, type SlotLease } from './slot-lease.ts'

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
