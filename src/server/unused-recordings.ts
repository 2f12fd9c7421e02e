import { OperatorError } from '../lib/operator-error.ts'
import type { Simulator } from './simulator.ts'

/**
 * Lists the recordings that no request has used, such as `recordings/chat.yaml:12`, in folders with REPLAY_STRICT. Returns undefined if
 * there is no such folder.
 */
export function unusedRecordings({ recordings }: Pick<Simulator, 'recordings'>): string[] | undefined {
  const strict = recordings.flatMap(({ config, replay }) => (config.replay.strict && replay ? [replay] : []))
  return strict.length === 0 ? undefined : strict.flatMap((replay) => replay.unused())
}

/**
 * Throws an error that lists the recordings that no request has used.
 *
 * @throws {OperatorError} RECORDINGS_UNUSED
 */
export function failOnUnusedRecordings(unused: readonly string[] = []): void {
  if (unused.length === 0) return
  const list = unused.map((location) => `\n  ${location}`).join('')
  const count = unused.length === 1 ? '1 recording was' : `${unused.length} recordings were`
  throw new OperatorError(
    'RECORDINGS_UNUSED',
    `Could not pass the run (REPLAY_STRICT): ${count} never used. Remove the recordings that no test needs:${list}`,
  )
}
