/** How busy a deployment is at this moment. */
export interface Occupancy {
  readonly deployment: string
  /** Requests that it works on. */
  readonly working: number
  /** Requests that wait for a slot. */
  readonly waiting: number
  /** Infinite for a deployment without a limit. */
  readonly slots: number
}
