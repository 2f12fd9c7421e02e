import type { Concurrency } from '../../config/deployment-latency.ts'
import type { SlotGrant, SlotRefusal } from '../../latency/slot-authority.ts'

/** A request that wants a slot; `number` is the worker's. */
export type SlotAsk = readonly [
  number: number,
  resource: string,
  deployment: string,
  concurrency: Concurrency | null,
  timeScale: number,
]

/** What a worker asks the slots of the primary. */
export type SlotMethods = {
  'slots.take': (ask: SlotAsk) => SlotGrant | SlotRefusal | Promise<SlotGrant | SlotRefusal>
  /** The request has been answered, or its client has left. */
  'slots.end': (number: number) => void
}
