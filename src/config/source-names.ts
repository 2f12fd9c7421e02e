import type { ResourceConfig } from './config.ts'

/** What answers requests: the values of SIMULATOR_MODE. */
export const sourceNames = ['generate', 'record', 'replay'] as const

/** One of `sourceNames`. */
export type SourceName = (typeof sourceNames)[number]

/** Whether a configuration answers requests from recordings. */
export function replaysRecordings({ mode }: ResourceConfig): boolean {
  return mode === 'replay'
}

/** Whether a configuration writes recordings. */
export function writesRecordings({ mode, recordings }: ResourceConfig): boolean {
  return mode === 'record' || (mode === 'replay' && recordings.replay.onMiss === 'record')
}
