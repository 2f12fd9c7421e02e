import type { Model } from '../wire/models/models.ts'
import type { FaultRule } from './fault-rules.ts'
import type { DeploymentLatency } from './deployment-latency.ts'
import type { Given } from './mapping-schema.ts'
import type { DeploymentEntry } from './resolve-deployment.ts'

/** What a deployment has as its entry in the deployment file says it. */
type SameInEntry = Given<Omit<DeploymentEntry, 'model' | 'latency' | 'faults'>>

/** A named model with its limits, as a client addresses it. */
export interface Deployment extends SameInEntry {
  readonly name: string
  /** The model that its entry names, or the nearest known one. */
  readonly model: Model
  /** How its answers take their time; absent leaves it to the settings. */
  readonly latency?: DeploymentLatency
  /** What goes wrong with it; they come before those of all deployments. */
  readonly faults?: readonly FaultRule[]
}
