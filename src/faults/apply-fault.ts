import type { Fault, FaultPosition } from '../config/fault-rules.ts'
import { namedErrors, defaultRetryAfterSeconds, rateLimitTypeOf } from '../wire/named-errors.ts'
import { wireFormatOf } from '../wire/envelopes.ts'
import { serverError, type ServiceError, streamError } from '../wire/errors.ts'
import { streamFailureOf } from '../wire/stream-failures.ts'
import { withoutUndefined } from '../config/mapping-file.ts'
import { drawMs } from '../config/distribution.ts'
import type { Exchange, AnswerOverride } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { type EventsBody, listedEvents } from '../answer/body.ts'
import {
  type Reply,
  type Schedule,
  delayReply,
  scheduleOf,
  shift,
  ReportedFailure,
} from '../pipeline/reply.ts'
import { isEventStream } from '../pipeline/stream-events.ts'
import type { Operation } from '../wire/route.ts'
import type { Random } from '../lib/random.ts'
import { asBuffer } from '../lib/buffers.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'

type FaultOf<K extends Fault['kind']> = Extract<Fault, { kind: K }>

/** Creates the error of a fault, which replaces the answer. */
export function errorReply(exchange: Exchange, fault: FaultOf<'error' | 'streamFailure'>): Reply {
  const { deployment, route, config, apiVersion, body } = exchange
  const requestId = exchange.modelRequestId
  const retryAfterSeconds = fault.retryAfterSeconds ?? defaultRetryAfterSeconds(fault.error)
  const named = namedErrors[fault.error]({
    deployment: deployment?.name ?? '',
    model: deployment?.model.errorName ?? '',
    contextTokens: deployment?.model.contextTokens ?? 0,
    region: config.region,
    operation: route?.operation ?? 'chatCompletions',
    isDated: route?.dated ?? true,
    apiVersion,
    bodyBytes: body.length,
    retryAfterSeconds: retryAfterSeconds ?? 0,
    requestId,
  })
  const error = fault.kind === 'error' ? named : inStream(named, fault)
  if (fault.error === 'temporaryAdjustment') lowerLimit(exchange)
  const limitType = exchange.rateLimits && rateLimitTypeOf(fault.error)
  return refuse(error, {
    ...(error.layer === 'model' && { 'x-request-id': requestId }),
    ...(retryAfterSeconds !== undefined && {
      'retry-after': String(retryAfterSeconds),
      'retry-after-ms': String(retryAfterSeconds * 1_000),
    }),
    ...(limitType !== undefined && { 'x-ratelimit-type': limitType }),
  })
}

/** Share of the configured limit that a temporary adjustment leaves. No amount is published. */
const ADJUSTED_SHARE = 0.5

/**
 * Lowers the token limit in headers, as a temporary rate limit adjustment does: "x-ratelimit-limit-tokens in response headers is lower
 * than your deployment's configured TPM" (Microsoft Learn, quota). All of it is used.
 */
function lowerLimit(exchange: Exchange): void {
  const { rateLimits } = exchange
  if (!rateLimits?.tokens) return
  const limit = Math.max(1, Math.round(rateLimits.tokens.limit * ADJUSTED_SHARE))
  const { renewalSeconds } = rateLimits.tokens
  const tokens = { limit, remaining: 0, renewalSeconds, resetMs: renewalSeconds * 1_000 }
  exchange.rateLimits = { ...rateLimits, tokens }
}

function inStream(error: ServiceError, fault: FaultOf<'streamFailure'>): ServiceError {
  const { type, code, message, order } = fault
  const changes = withoutUndefined({ type, code, message })
  return { ...error, inStream: { ...streamFailureOf(error), ...changes }, streamOrder: order }
}

/** How a fault changes the generation of an answer; undefined for faults that apply to the finished answer. */
export function overrideOf(fault: Fault): AnswerOverride | undefined {
  if (fault.kind === 'refusal') return { refusal: fault.text }
  if (fault.kind === 'tierDowngrade') return { downgraded: true }
  if (fault.kind !== 'contentFilter') return undefined
  if (fault.finds === 'nothing') return { verdict: { kind: 'unjudged' } }
  return {
    verdict:
      fault.finds === 'prompt'
        ? { kind: 'prompt', category: fault.category }
        : { kind: fault.finds, category: fault.category },
  }
}

/** Applies a fault to an answer. Returns undefined if the fault does not apply to it. Modifies a live reply in place. */
export async function applyFaultToReply(
  reply: Reply,
  fault: Fault,
  exchange: Exchange,
  random: Random,
): Promise<Reply | undefined> {
  if (reply.body.kind !== 'live' || fault.kind === 'cutBeforeHeaders')
    return applyFault(reply, fault, exchange, random)
  // A live reply can be delayed as a whole. All other faults need its events.
  if (fault.kind === 'delay') return delayReply(exchange, reply, drawMs(fault.ms, random))
  if (fault.kind === 'stall' && !hasPosition(fault)) return delayReply(exchange, reply, fault.ms)
  return isEventStream(reply.headers)
    ? applyFault(await readEvents(reply), fault, exchange, random)
    : undefined
}

function applyFault(reply: Reply, fault: Fault, exchange: Exchange, random: Random): Reply | undefined {
  switch (fault.kind) {
    case 'delay':
      return shift(reply, drawMs(fault.ms, random), exchange)
    case 'cutBeforeHeaders':
      return { ...reply, interruption: { at: 'head', how: 'reset' } }
    case 'stall':
      if (!hasPosition(fault)) return shift(reply, fault.ms, exchange)
      break
    default:
  }
  return isStreamed(reply) ? applyToStream(reply, fault, exchange) : applyToWhole(reply, fault)
}

function applyToWhole(reply: Reply, fault: Fault): Reply | undefined {
  switch (fault.kind) {
    case 'stall':
      return { ...reply, interruption: { at: positionShare(fault), how: fault.ms } }
    case 'cut':
      return { ...reply, interruption: { at: positionShare(fault), how: 'reset' } }
    case 'truncate':
      return { ...reply, interruption: { at: positionShare(fault), how: 'close' } }
    default:
      return undefined
  }
}

function applyToStream(reply: StreamedReply, fault: Fault, exchange: Exchange): Reply | undefined {
  const { body } = reply
  switch (fault.kind) {
    case 'stall':
      return stallAfter(reply, scheduleOf(reply, exchange), eventsBefore(body, fault), fault.ms)
    case 'cut':
      return { ...endAfter(reply, eventsBefore(body, fault)), interruption: { at: 1, how: 'reset' } }
    case 'truncate':
      // Without a position, all events except the last one are sent: `[DONE]`, or the one that completes a response.
      return endAfter(reply, hasPosition(fault) ? eventsBefore(body, fault) : body.count - 1)
    case 'errorEvent':
      return endWithError(reply, eventsBefore(body, fault), fault, exchange)
    case 'malformedEvent':
      return malformEvent(reply, eventsBefore(body, fault))
    case 'splitEvent':
      return splitEvent(reply, scheduleOf(reply, exchange), eventsBefore(body, fault), fault)
    default:
      return undefined
  }
}

function isStreamed(reply: Reply): reply is StreamedReply {
  return reply.body.kind === 'events'
}

function hasPosition({ afterEvents, afterShare }: FaultPosition): boolean {
  return afterEvents !== undefined || afterShare !== undefined
}

/** The position of a fault in the answer as a share; default: the middle. */
function positionShare({ afterShare = 0.5 }: FaultPosition): number {
  return afterShare
}

/** Number of events before the fault: at least one, and never all. */
function eventsBefore({ count }: EventsBody, position: FaultPosition): number {
  const events = position.afterEvents ?? Math.floor(count * positionShare(position))
  return Math.max(1, Math.min(events, count - 2))
}

/** A reply that is a stream. */
export type StreamedReply = Reply & { readonly body: EventsBody }

/** Limit for reading a live stream to find the position of a fault. The rest is not sent. */
const MAX_READ_BYTES = 8 * 1024 * 1024

/** Reads a live stream to its end to find the position of a fault. If the stream is interrupted, the answer is cut there. */
async function readEvents(reply: Reply): Promise<Reply> {
  const { body, headers } = reply
  if (body.kind !== 'live') return reply
  const splitter = new EventSplitter()
  const events: string[] = []
  let bytes = 0
  let isWhole = false
  try {
    for await (const chunk of body.chunks) {
      for (const event of splitter.push(asBuffer(chunk))) events.push(event.toString())
      bytes += chunk.byteLength
      if (bytes > MAX_READ_BYTES) break
    }
    isWhole = bytes <= MAX_READ_BYTES
  } catch (error) {
    if (!(error instanceof ReportedFailure)) throw error
  }
  const rest = splitter.rest()
  if (rest.length > 0) events.push(rest.toString())
  headers.delete('Content-Length')
  headers.set('Transfer-Encoding', 'chunked')
  reply.body = listedEvents(events)
  if (!isWhole) reply.interruption = { at: 1, how: 'close' }
  return reply
}

/** Ends a stream after its first events. */
function endAfter(reply: StreamedReply, events: number): Reply {
  return endWith(reply, Math.min(events, reply.body.count), [], (index) => reply.body.render(index))
}

/** Ends a stream after its first events with the events of an error. */
function endWithError(
  reply: StreamedReply,
  events: number,
  { type, code, message }: FaultOf<'errorEvent'>,
  { route, modelRequestId }: Exchange,
): Reply {
  const { body } = reply
  const sent = Math.min(events, body.count)
  const first = body.render(0)
  const usual = usualStreamError(route?.operation, modelRequestId)
  const error = { ...usual, ...withoutUndefined({ type, code, message }) }
  const last = wireFormatOf(route?.operation).writeErrorEvents(error, sent, first)
  return endWith(reply, sent, last, (index) => (index === 0 ? first : body.render(index)))
}

/** Most errors in streams of Anthropic report that the service is overloaded (public reports). */
function usualStreamError(operation: Operation | undefined, requestId: string): ServiceError {
  if (operation === 'messages') return { ...streamError('Overloaded'), type: 'overloaded_error' }
  return operation === 'responses' ? serverError(requestId) : streamError()
}

function endWith(
  reply: StreamedReply,
  sent: number,
  last: readonly string[],
  render: (index: number) => string,
): Reply {
  const { body } = reply
  return {
    ...reply,
    body: {
      kind: 'events',
      count: sent + last.length,
      stepOf: (index) => body.stepOf(Math.min(index, body.count - 1)),
      render: (index) => last[index - sent] ?? render(index),
    },
  }
}

/** Pauses a stream after its first events. */
function stallAfter(reply: StreamedReply, schedule: Schedule, events: number, ms: number): Reply {
  const { body } = reply
  const duesMs = dueTimes(body, schedule).map((dueMs, index) => (index < events ? dueMs : dueMs + ms))
  return eventsAt(reply, schedule, duesMs, (index) => body.render(index))
}

/** Truncates the JSON of one event of a stream. */
function malformEvent(reply: StreamedReply, at: number): Reply {
  const { body } = reply
  const render = (index: number): string =>
    index === at ? halfEvent(body.render(index)) : body.render(index)
  return {
    ...reply,
    body: { kind: 'events', count: body.count, stepOf: (index) => body.stepOf(index), render },
  }
}

function halfEvent(event: string): string {
  const end = event.trimEnd().length
  const start = event.indexOf('data: ') + 'data: '.length
  return `${event.slice(0, characterBoundary(event, start + Math.floor((end - start) / 2)))}\n\n`
}

/** Sends one event of a stream in several chunks. */
function splitEvent(
  reply: StreamedReply,
  schedule: Schedule,
  at: number,
  { parts, gapMs }: { readonly parts: number; readonly gapMs: number },
): Reply {
  const { body } = reply
  const before = dueTimes(body, schedule)
  const startMs = before[at] ?? schedule.endMs
  const endMs = startMs + (parts - 1) * gapMs
  const duesMs = Float64Array.from({ length: body.count + parts - 1 }, (_, index) => {
    if (index < at) return before[index] ?? 0
    if (index < at + parts) return startMs + (index - at) * gapMs
    return Math.max(endMs, before[index - parts + 1] ?? 0)
  })
  let event = ''
  return eventsAt(reply, schedule, duesMs, (index) => {
    if (index < at) return body.render(index)
    if (index >= at + parts) return body.render(index - parts + 1)
    if (index === at) event = body.render(at)
    return event.slice(pieceStart(event, index - at, parts), pieceStart(event, index - at + 1, parts))
  })
}

function pieceStart(event: string, piece: number, parts: number): number {
  return characterBoundary(event, Math.floor((event.length * piece) / parts))
}

/** The next index that does not split a surrogate pair. */
function characterBoundary(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at + 1 : at
}

/** Shifts a reply so that its first token, or the whole body, is due at a time from the start of the request. */
export function setFirstTokenTime(reply: Reply, firstMs: number, exchange: Exchange): Reply {
  const { stepsMs, endMs } = scheduleOf(reply, exchange)
  return shift(reply, firstMs - (stepsMs[0] ?? endMs), exchange)
}

/** When each event of a stream is due. */
function dueTimes(body: EventsBody, { stepsMs, endMs }: Schedule): Float64Array {
  return Float64Array.from({ length: body.count }, (_, index) => stepsMs[body.stepOf(index)] ?? endMs)
}

/** A stream with a due time for each event. Its headers stay due as in `schedule`. */
function eventsAt(
  reply: Reply,
  schedule: Schedule,
  duesMs: Float64Array,
  render: EventsBody['render'],
): Reply {
  const body: EventsBody = { kind: 'events', count: duesMs.length, stepOf: (index) => index, render }
  return { ...reply, body, schedule: { ...schedule, stepsMs: duesMs, endMs: duesMs.at(-1) ?? 0 } }
}
