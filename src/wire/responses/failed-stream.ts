import { readEvent } from '../../lib/server-sent-events.ts'
import { errorEventJson, type FailureOrder, type StreamFailure } from '../stream-failures.ts'
import { dataEvent } from '../sse.ts'
import { singleEvent } from './item-events.ts'
import { type AnsweredResponse, responseObject } from './response-object.ts'
import { escapeNonAscii } from './write-json.ts'

/** The events that end a stream with a failure: `error` and `response.failed`. `created` is the first event of the stream. */
export function failureEvents(
  failure: StreamFailure,
  created: string,
  sequence: number,
  order: FailureOrder = 'error-first',
): string[] {
  const isErrorFirst = order === 'error-first'
  const error = `event: error\n${dataEvent(escapeNonAscii(errorEventJson(failure, isErrorFirst ? sequence : sequence + 1)))}`
  const failed = failedEvent(
    created,
    isErrorFirst ? failure : undefined,
    isErrorFirst ? sequence + 1 : sequence,
  )
  if (failed === undefined) return [error]
  return isErrorFirst ? [error, failed] : [failed, error]
}

/** The events of a response that fails before any output. */
export function failedStream(
  record: AnsweredResponse,
  failure: StreamFailure,
  order: FailureOrder,
): string[] {
  const stage = record.request.background === true ? 'queued' : 'in_progress'
  const start = (type: string, sequence: number): string =>
    singleEvent(`response.${type}`, () => ({ response: responseObject(record, stage) })).render(0, sequence)
  const created = start('created', 0)
  // Captured sequence numbers: 1 for an exceeded rate limit, 2 for a missing deployment and for failures behind the front end.
  const startsWork = failure.code !== 'rate_limit_exceeded'
  const opening = startsWork ? [created, start('in_progress', 1)] : [created]
  return [...opening, ...failureEvents(failure, created, opening.length, order)]
}

/**
 * Derives the event `response.failed` from the text of the event `response.created`, so that it repeats all members of the response.
 * Returns undefined if the text is another event.
 */
function failedEvent(
  created: string,
  failure: StreamFailure | undefined,
  sequence: number,
): string | undefined {
  const { data } = readEvent(created)
  if (data === undefined || !/"type"\s*:\s*"response\.created"/.test(data)) return undefined
  const error = failure && escapeNonAscii(JSON.stringify({ code: failure.code, message: failure.message }))
  // The members of the response precede its texts. In a text, quotes are escaped.
  const json = data
    .replace(/"response\.created"/, '"response.failed"')
    .replace(/"status"(\s*:\s*)"(?:in_progress|queued)"/, '"status"$1"failed"')
    .replace(/"error"(\s*:\s*)null/, (member, colon: string) => (error ? `"error"${colon}${error}` : member))
    .replace(numberOf(data), `"sequence_number":${sequence}`)
  return `event: response.failed\n${dataEvent(json)}`
}

const lastMember = /"sequence_number"\s*:\s*\d+(?=\s*\}\s*$)/
const anyMember = /"sequence_number"\s*:\s*\d+/

/** Azure writes the number at the end of the event, OpenAI before the response. */
function numberOf(data: string): RegExp {
  return lastMember.test(data) ? lastMember : anyMember
}
