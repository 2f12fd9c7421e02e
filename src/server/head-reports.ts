import type { HeadFault, OnMendedHead } from './carriers/mend-head.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'

/** What breaks one head breaks many, and must not flood the log. */
const everyMs = 60_000

/** Makes what logs heads that could not be sent as they were: each kind of fault once a minute at most. */
export function createHeadReports(clock: Clock, logger: Logger): OnMendedHead {
  const toldMs = new Map<HeadFault, number>()
  return ({ method, path }, faults) => {
    const nowMs = clock.nowMs()
    const untold = faults.filter((fault) => nowMs - (toldMs.get(fault) ?? -Infinity) >= everyMs)
    if (untold.length === 0) return
    for (const fault of untold) toldMs.set(fault, nowMs)
    logger.warn(
      { method, path, faults: untold },
      'An answer had a head that cannot be sent. It was sent without that, or with it escaped. Mend the extension or the recording that it comes from.',
    )
  }
}
