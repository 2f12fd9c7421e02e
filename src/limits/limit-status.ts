/** How one limit stands. Times in milliseconds from now. */
export interface WindowStatus {
  readonly limit: number
  readonly used: number
  /** Never below 0, although a burst may use more than the limit. */
  readonly remaining: number
  /** The span that it is counted over. */
  readonly windowMs: number
  /** Until one more is let in; 0 where it is now. */
  readonly freeInMs: number
  /** Until all that was used has left the window. */
  readonly emptyInMs: number
}

/** How the limits of a pay-as-you-go deployment stand. */
export interface PayAsYouGoStatus {
  readonly kind: 'pay-as-you-go'
  /** Undefined where tokens are not limited. */
  readonly tokens: WindowStatus | undefined
  /** In the span in which requests are refused. */
  readonly requests: WindowStatus
  /** As the headers tell them. */
  readonly requestsInMinute: WindowStatus
}

/** How a provisioned deployment stands. */
export interface ProvisionedStatus {
  readonly kind: 'provisioned'
  /** Share of the throughput in use: 1 is 100 %. */
  readonly utilization: number
  /** Milliseconds until the next request is let in; 0 where it is now. */
  readonly freeInMs: number
  /** Milliseconds until all work is done. */
  readonly emptyInMs: number
}
