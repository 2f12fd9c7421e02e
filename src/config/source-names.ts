/** What answers requests: the values of SIMULATOR_MODE. */
export const sourceNames = ['generate', 'record', 'replay'] as const

/** One of `sourceNames`. */
export type SourceName = (typeof sourceNames)[number]
