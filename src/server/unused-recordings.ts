import { OperatorError } from '../lib/operator-error.ts'
import type { Simulator } from './simulator.ts'

/**
 * The recordings that no request has used, of the folders for which REPLAY_STRICT asks: `recordings/chat.yaml:12`. Undefined where
 * there is no such folder.
 */
export function unusedRecordings({ recordings }: Pick<Simulator, 'recordings'>): string[] | undefined {
  const strict = recordings.flatMap(({ config, replay }) => (config.replay.strict && replay ? [replay] : []))
  return strict.length === 0 ? undefined : strict.flatMap((replay) => replay.unused())
}

/**
 * Tells at the end which recordings no request has used.
 *
 * @throws {OperatorError} RECORDINGS_UNUSED
 */
export function failOnUnusedRecordings(unused: readonly string[] = []): void {
  if (unused.length === 0) return
  const list = unused.map((place) => `\n  ${place}`).join('')
  const count = unused.length === 1 ? '1 recording was' : `${unused.length} recordings were`
  throw new OperatorError(
    'RECORDINGS_UNUSED',
    `Could not pass the run (REPLAY_STRICT): ${count} never used. Remove what no test needs any more:${list}`,
  )
}
