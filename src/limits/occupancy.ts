/** Current use of the slots of a deployment. */
export interface Occupancy {
  /** Identity of the resource (`ResourceConfig.id`), or its name in metrics. */
  readonly resource: string
  readonly deployment: string
  /** Requests in progress. */
  readonly working: number
  /** Requests that wait for a slot. */
  readonly waiting: number
  /** Infinity without a limit. */
  readonly slots: number
}

/** Current utilization of the provisioned throughput of a deployment. */
export interface Utilization {
  /** Identity of the resource (`ResourceConfig.id`), or its name in metrics. */
  readonly resource: string
  readonly deployment: string
  /** 1 is 100 %; a burst can exceed it. */
  readonly share: number
}

/** The configured limits of a deployment per minute. */
export interface MinuteLimits {
  /** Name of the resource. */
  readonly resource: string
  readonly deployment: string
  /** Undefined if tokens are not limited. */
  readonly tokens: number | undefined
  readonly requests: number
}
