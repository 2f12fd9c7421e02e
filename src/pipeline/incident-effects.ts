/** What an incident changes about a deployment while it lasts. 1 changes nothing. */
export interface IncidentEffects {
  /** Multiplies the time to the first token, and that of an answer that comes at once. */
  readonly firstTokenFactor: number
  /** Multiplies the time of each token. */
  readonly perTokenFactor: number
  /** Multiplies the deployment's limits. */
  readonly limitFactor: number
}
