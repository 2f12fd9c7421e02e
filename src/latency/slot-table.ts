import type { Occupancy } from '../limits/occupancy.ts'
import type { SlotAuthority, SlotGrant, SlotHolder, SlotQuestion, SlotRefusal } from './slot-authority.ts'
import { type Admission, DeploymentSlots } from './deployment-slots.ts'

interface Tracked {
  readonly resource: string
  readonly deployment: string
  readonly slots: DeploymentSlots
}

/** The slots of all deployments of this process. */
export class SlotTable implements SlotAuthority {
  /** By resource and deployment. Only deployments of the file have slots or load, so the file bounds the table. */
  readonly #byKey = new Map<string, Tracked>()

  take(
    { resource, deployment, concurrency, timeScale }: SlotQuestion,
    holder: SlotHolder,
  ): SlotGrant | SlotRefusal | Promise<SlotGrant | SlotRefusal> {
    const slots = this.#slotsOf(resource, deployment)
    const taken = slots.take(holder, concurrency, timeScale)
    const answer = (admission: Admission, waited: boolean): SlotGrant | SlotRefusal =>
      admission === 'granted' ? { others: slots.working - 1, waited } : admission
    return typeof taken === 'string'
      ? answer(taken, false)
      : taken.then((admission) => answer(admission, true))
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
