import type { EventsBody } from '../../answer/body.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { eventsOfModel, modelReply } from '../../pipeline/reply-headers.ts'
import type { Reply } from '../../pipeline/reply.ts'
import type { ServiceError } from '../../wire/errors.ts'
import { boolean, integerBetween } from '../../wire/validation/checks.ts'
import { type Check, type Fault, faultError, plainFault, prefixPath } from '../../wire/validation/fault.ts'
import type { ResponseRecord } from './response-archive.ts'
import { streamResponse, writtenItems } from './stream-response.ts'

/** The query of a stored response that is read as a stream. */
export interface ResumeQuery {
  /** Sequence number after which the stream starts; -1 for all events. */
  readonly startingAfter: number
  readonly obfuscates: boolean
}

const sequenceNumber = integerBetween(0, Number.MAX_SAFE_INTEGER)

/**
 * Reads the parameters of a stream from a query. Returns undefined without `stream=true`. The texts of errors are those for bodies.
 *
 * @returns a 400 for an invalid parameter
 */
export function readResumeQuery(query: URLSearchParams): ResumeQuery | ServiceError | undefined {
  const after = valueOf(query, 'starting_after', numberOf)
  const isStream = valueOf(query, 'stream', booleanOf)
  const obfuscates = valueOf(query, 'include_obfuscation', booleanOf)
  const fault =
    named('stream', boolean, isStream) ??
    named('starting_after', sequenceNumber, after) ??
    named('include_obfuscation', boolean, obfuscates) ??
    (after !== undefined && isStream !== true ? needsStream : undefined)
  if (fault) return faultError(fault)
  if (isStream !== true) return undefined
  return { startingAfter: (after as number | undefined) ?? -1, obfuscates: obfuscates !== false }
}

/** The text is that for `stream_options` (captured); the service's text for this parameter is not. */
const needsStream = plainFault(
  'starting_after',
  "The 'starting_after' parameter is only allowed when 'stream' is enabled.",
)

/**
 * Streams a stored response after a sequence number: the same events as when it was created, also if it was created without a stream.
 * The events of a background response that is still running follow when they are due. After the last number the stream is empty.
 */
export function resumeResponse(
  exchange: Exchange,
  record: ResponseRecord,
  { startingAfter, obfuscates }: ResumeQuery,
): Reply {
  const { isCancelled } = record.progress
  const whole = streamResponse(record, isCancelled ? [] : writtenItems(record), obfuscates, () => {})
  const skipped = Math.min(startingAfter + 1, whole.count)
  // Each event draws its padding, so earlier ones are rendered as well.
  let rendered = 0
  const body: EventsBody = {
    kind: 'events',
    count: whole.count - skipped,
    stepOf: (index) => index,
    render(index) {
      for (; rendered < skipped; rendered++) whole.render(rendered)
      return whole.render(index + skipped)
    },
  }
  const reply = modelReply(eventsOfModel, body)
  const { clock, startedMs } = exchange
  if (record.request.background === true && !isCancelled) {
    const lastStep = Math.max(1, whole.stepOf(whole.count - 1))
    const offsetMs = clock.nowMs() - startedMs - clock.epochMs()
    const stepsMs = Float64Array.from({ length: body.count }, (_, index) =>
      Math.max(0, offsetMs + record.progress.dueMs(whole.stepOf(index + skipped) / lastStep)),
    )
    reply.schedule = { stepsMs, endMs: stepsMs.at(-1) ?? 0 }
  }
  return reply
}

function valueOf(query: URLSearchParams, name: string, parse: (text: string) => unknown): unknown {
  const text = query.get(name)
  return text === null ? undefined : parse(text)
}

/** The fault of a parameter of a query, if it is given. */
export function named(name: string, check: Check, value: unknown): Fault | undefined {
  const fault = value === undefined ? undefined : check(value)
  return fault && prefixPath(`.${name}`, fault)
}

function booleanOf(text: string): boolean | string {
  return text === 'true' || (text === 'false' ? false : text)
}

/** Text that is not a number is reported as text. */
export function numberOf(text: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}
