/** How the place stands in which several processes keep their limits and changes together. */
export interface SharedState {
  /** Whether it answers; while it does not, each process goes by limits of its own. */
  readonly up: boolean
  /** How many decisions on limits and slots this process has made alone, since the start. */
  readonly fallbacks: number
  /** A running mean of how long it takes to answer, in milliseconds; 0 before the first answer. */
  readonly roundTripMs: number
}
