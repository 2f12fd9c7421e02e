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
