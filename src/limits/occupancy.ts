/** How busy a deployment is at this moment. */
export interface Occupancy {
  readonly resource: string
  readonly deployment: string
  /** Requests that it works on. */
  readonly working: number
  /** Requests that wait for a slot. */
  readonly waiting: number
  /** Infinite for a deployment without a limit. */
  readonly slots: number
}

/** How much of a deployment's provisioned throughput is in use at this moment. */
export interface Utilization {
  readonly resource: string
  readonly deployment: string
  /** 1 is 100 %; a burst may push it past that. */
  readonly share: number
}

/** The limits of a deployment in a minute, as they are configured. */
export interface MinuteLimits {
  readonly resource: string
  readonly deployment: string
  /** Absent: tokens are not limited. */
  readonly tokens: number | undefined
  readonly requests: number
}
