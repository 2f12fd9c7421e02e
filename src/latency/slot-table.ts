import type { Occupancy } from '../limits/occupancy.ts'
import type { SlotAuthority, SlotGrant, SlotHolder, SlotQuestion, SlotRefusal } from './slot-authority.ts'
import { type Admission, DeploymentSlots } from './deployment-slots.ts'

/** The slots of all deployments of this process. */
export class SlotTable implements SlotAuthority {
  /** By resource and deployment. Only deployments of the file have slots or load, so the file bounds the table. */
  readonly #byKey = new Map<string, DeploymentSlots>()

  take(
    { resource, deployment, concurrency, timeScale }: SlotQuestion,
    holder: SlotHolder,
  ): SlotGrant | SlotRefusal | Promise<SlotGrant | SlotRefusal> {
    const slots = this.#slotsOf(`${resource}/${deployment}`)
    const taken = slots.take(holder, concurrency, timeScale)
    const answer = (admission: Admission, waited: boolean): SlotGrant | SlotRefusal =>
      admission === 'granted' ? { others: slots.working - 1, waited } : admission
    return typeof taken === 'string'
      ? answer(taken, false)
      : taken.then((admission) => answer(admission, true))
  }

  *occupancy(): Generator<Occupancy> {
    for (const [key, { working, waiting, slots }] of this.#byKey) {
      yield { deployment: key.slice(key.indexOf('/') + 1), working, waiting, slots }
    }
  }

  #slotsOf(key: string): DeploymentSlots {
    let slots = this.#byKey.get(key)
    if (!slots) this.#byKey.set(key, (slots = new DeploymentSlots()))
    return slots
  }
}
