import type { Exchange } from '../../pipeline/exchange.ts'
import { isValidHeaderValue } from './head-template.ts'
import { isFinalStatus, isValidHeaderName } from './parts.ts'
import type { Reply } from '../../pipeline/reply.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'

/** The invalid part of a head. */
export type HeadFault = 'status' | 'phrase' | 'header name' | 'header value'

/** Called when a head could not be sent unchanged. */
export type OnInvalidHead = (exchange: Exchange, faults: readonly HeadFault[]) => void

/**
 * Repairs a head that a carrier has rejected, so that the answer can still be sent: removes headers with an invalid name,
 * percent-encodes invalid characters of values, removes an invalid reason phrase, and replaces a status that is not final by
 * 500. Not called for valid heads, so it may be slow.
 */
export function sanitizeHead(reply: Reply): HeadFault[] {
  const faults = new Set<HeadFault>()
  if (!isFinalStatus(reply.status)) {
    faults.add('status')
    reply.status = 500
  }
  if (reply.reason !== undefined && !isValidHeaderValue(reply.reason)) {
    faults.add('phrase')
    delete reply.reason
  }
  const { raw } = reply.headers
  for (let index = raw.length - 2; index >= 0; index -= 2) {
    const [name = '', value = ''] = raw.slice(index, index + 2)
    // Node accepts a Trailer header only with chunks, and no answer has trailers.
    if (!isValidHeaderName(name) || name.toLowerCase() === 'trailer') {
      faults.add('header name')
      raw.splice(index, 2)
    } else if (!isValidHeaderValue(value)) {
      faults.add('header value')
      raw[index + 1] = value.replace(invalidCharacters, percentEncode)
    }
  }
  return [...faults]
}

const invalidCharacters = /[^\t\x20-\x7e\x80-\xff]/gu

function percentEncode(character: string): string {
  return Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '%$&')
}

/** The same cause usually affects many heads; this keeps the log short. */
const LOG_INTERVAL_MS = 60_000

/** Creates a callback that logs invalid heads: each kind of fault at most once a minute. */
export function createHeadReports(clock: Clock, logger: Logger): OnInvalidHead {
  const loggedMs = new Map<HeadFault, number>()
  return ({ method, path }, faults) => {
    const nowMs = clock.nowMs()
    const due = faults.filter((fault) => nowMs - (loggedMs.get(fault) ?? -Infinity) >= LOG_INTERVAL_MS)
    if (due.length === 0) return
    for (const fault of due) loggedMs.set(fault, nowMs)
    logger.warn(
      { method, path, faults: due },
      'Could not send the head of an answer unchanged. Invalid parts were removed or percent-encoded. Fix the extension or the recording that it comes from.',
    )
  }
}
