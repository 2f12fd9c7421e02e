import type { Exchange } from '../../pipeline/exchange.ts'
import { isProperValue } from './head-form.ts'
import { isFinalStatus, isProperName } from './parts.ts'
import type { Reply } from '../../pipeline/reply.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'

/** What of a head could not be sent. */
export type HeadFault = 'status' | 'phrase' | 'header name' | 'header value'

/** Hears of a head that could not be sent as it was. */
export type OnMendedHead = (exchange: Exchange, faults: readonly HeadFault[]) => void

/**
 * Makes a head that a carrier has refused one that can be sent, so that it does not cost the answer: a header without a proper
 * name goes, characters that a value cannot have are percent-encoded, a phrase is the standard one, and what is no final status
 * is 500. Heads that can be sent never come here, so it may take its time.
 */
export function mendHead(reply: Reply): HeadFault[] {
  const faults = new Set<HeadFault>()
  if (!isFinalStatus(reply.status)) {
    faults.add('status')
    reply.status = 500
  }
  if (reply.reason !== undefined && !isProperValue(reply.reason)) {
    faults.add('phrase')
    delete reply.reason
  }
  const { raw } = reply.headers
  for (let index = raw.length - 2; index >= 0; index -= 2) {
    const [name = '', value = ''] = raw.slice(index, index + 2)
    // Node takes a trailer only in front of chunks, and no answer has one.
    if (!isProperName(name) || name.toLowerCase() === 'trailer') {
      faults.add('header name')
      raw.splice(index, 2)
    } else if (!isProperValue(value)) {
      faults.add('header value')
      raw[index + 1] = value.replace(improper, escaped)
    }
  }
  return [...faults]
}

const improper = /[^\t\x20-\x7e\x80-\xff]/gu

function escaped(character: string): string {
  return Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '%$&')
}

/** What breaks one head breaks many, and must not flood the log. */
const INTERVAL_MS = 60_000

/** Makes what logs heads that could not be sent as they were: each kind of fault once a minute at most. */
export function createHeadReports(clock: Clock, logger: Logger): OnMendedHead {
  const toldMs = new Map<HeadFault, number>()
  return ({ method, path }, faults) => {
    const nowMs = clock.nowMs()
    const untold = faults.filter((fault) => nowMs - (toldMs.get(fault) ?? -Infinity) >= INTERVAL_MS)
    if (untold.length === 0) return
    for (const fault of untold) toldMs.set(fault, nowMs)
    logger.warn(
      { method, path, faults: untold },
      'An answer had a head that cannot be sent. It was sent without that, or with it escaped. Mend the extension or the recording that it comes from.',
    )
  }
}
