/** Reasons why a limit of the listener ended a connection (docs/connections.md). Log and metrics use these names. */
export const connectionEnds = [
  'turnedAway',
  'stalledReaders',
  'pipelinedTooMuch',
  'late',
  'headersTooLarge',
  'malformed',
  'plainHttp',
  'tlsFailed',
] as const

/** One of `connectionEnds`. */
export type ConnectionEnd = (typeof connectionEnds)[number]
