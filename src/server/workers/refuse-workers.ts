import type { Config } from '../../config/config.ts'
import { configError } from '../../config/resolve-inputs.ts'

/**
 * Refuses what several processes cannot do as one.
 *
 * @param what completes "Could not ...": `start`
 * @throws {OperatorError} CONFIG_INVALID
 */
export function refuseWithWorkers({ clock, resources }: Config, count: number, what: string): void {
  const problems: string[] = []
  const got = `(got WORKERS=${count})`
  const advice = 'Set WORKERS=1'
  const views = [...resources.values()]
  const recording = views.find(({ sources }) => sources.includes('record'))
  if (recording) {
    const what = recording.mode === 'record' ? 'SIMULATOR_MODE=record' : 'A deployment with source: record'
    problems.push(`${what} writes its files from one process ${got}. ${advice} while you record.`)
  }
  if (
    views.some(
      ({ sources, recordings }) => sources.includes('replay') && recordings.replay.onMiss === 'record',
    )
  ) {
    problems.push(
      `REPLAY_ON_MISS=record writes its files from one process ${got}. ${advice} while you record, or choose another REPLAY_ON_MISS.`,
    )
  }
  if (clock === 'virtual') {
    problems.push(`SIMULATOR_CLOCK=virtual is the clock of one process ${got}. ${advice} for it.`)
  }
  if (problems.length > 0) throw configError(what, problems)
}
