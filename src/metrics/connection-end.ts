/** Why a connection was ended by a limit of the listener (docs/connections.md). The words stand in the log and in the metrics. */
export const connectionEnds = [
  'turnedAway',
  'stalledReaders',
  'pipelinedTooMuch',
  'late',
  'headersTooLarge',
  'malformed',
] as const

/** One of `connectionEnds`. */
export type ConnectionEnd = (typeof connectionEnds)[number]
