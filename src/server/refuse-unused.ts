import type { Simulator } from './simulator.ts'
import { OperatorError } from '../lib/operator-error.ts'

/**
 * Tells at the end which recordings no request has used, where the configuration asks for it.
 *
 * @throws {OperatorError} RECORDINGS_UNUSED
 */
export function refuseUnused({
  config,
  recordings: { replay },
}: Pick<Simulator, 'config' | 'recordings'>): void {
  if (!config.defaultResource.recordings.replay.strict || !replay) return
  const unused = replay.unused()
  if (unused.length === 0) return
  const list = unused.map((place) => `\n  ${place}`).join('')
  const count = unused.length === 1 ? '1 recording was' : `${unused.length} recordings were`
  throw new OperatorError(
    'RECORDINGS_UNUSED',
    `Could not pass the run (REPLAY_STRICT): ${count} never used. Remove what no test needs any more:${list}`,
  )
}
