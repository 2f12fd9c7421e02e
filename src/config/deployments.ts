import type { Model } from '../wire/models/models.ts'
import type { FaultRule } from './fault-rule.ts'
import type { LimitProfileName } from './deployment-limits.ts'
import type { DeploymentLatency } from './deployment-latency.ts'
import type { SourceName } from './source-names.ts'

/** A named model with its limits, as a client addresses it. */
export interface Deployment {
  readonly name: string
  readonly model: Model
  /** What answers its requests; absent leaves it to the mode. */
  readonly source?: SourceName
  /** Tokens in a minute; absent means that tokens are not limited. */
  readonly tokensPerMinute?: number
  /** Requests in a minute; absent leaves it to the limiter to derive it from `tokensPerMinute`. */
  readonly requestsPerMinute?: number
  /** Seconds of the span in which requests are counted: 1, 10 or 60; absent means 10. */
  readonly requestsSliceSeconds?: number
  /** The era whose limiter this is; absent means the setting's. */
  readonly limitProfile?: LimitProfileName
  /** Makes this a provisioned deployment with so many throughput units; the limits above then do not apply. */
  readonly provisionedThroughputUnits?: number
  /** The pay-as-you-go deployment that answers what this provisioned one refuses. */
  readonly spilloverTo?: string
  /** Numbers in an embedding when the request names no `dimensions`; absent means the model's own size. */
  readonly embeddingSize?: number
  /** How its answers take their time; absent leaves it to the settings. */
  readonly latency?: DeploymentLatency
  /** What goes wrong with it; they come before those of all deployments. */
  readonly faults?: readonly FaultRule[]
}
