import type { Fault, FaultPosition } from '../config/fault-schema.ts'
import { namedErrors, usualRetryAfterSeconds } from '../wire/named-errors.ts'
import { wireFormatOf } from '../wire/envelopes.ts'
import { streamError } from '../wire/errors.ts'
import { drawMs } from '../config/distribution.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import type { AnswerOverride } from '../pipeline/answer-override.ts'
import type { EventsBody } from '../answer/body.ts'
import type { Reply } from '../pipeline/reply.ts'
import { isEventStream } from '../pipeline/should-stream.ts'
import { delayReply } from '../pipeline/delay-reply.ts'
import { scheduleOf, shift } from '../pipeline/shift-reply.ts'
import type { Random } from '../lib/random.ts'
import {
  breakEvent,
  endAfter,
  readEvents,
  splitEvent,
  stallAfter,
  type StreamedReply,
} from './fault-events.ts'

type ErrorFault = Extract<Fault, { kind: 'error' }>

/** The error that stands in the place of an answer. */
export function errorInstead(exchange: Exchange, fault: ErrorFault): Reply {
  const { deployment, route, config, apiVersion, body } = exchange
  const requestId = exchange.modelRequestId
  const retryAfterSeconds = fault.retryAfterSeconds ?? usualRetryAfterSeconds(fault.error)
  const error = namedErrors[fault.error]({
    deployment: deployment?.name ?? '',
    model: deployment?.model.name ?? '',
    contextTokens: deployment?.model.contextTokens ?? 0,
    region: config.region,
    operation: route?.operation ?? 'chatCompletions',
    apiVersion,
    bodyBytes: body.length,
    retryAfterSeconds: retryAfterSeconds ?? 0,
    requestId,
  })
  return refuse(error, {
    ...(error.layer === 'model' && { 'x-request-id': requestId }),
    ...(retryAfterSeconds !== undefined && {
      'retry-after': String(retryAfterSeconds),
      'retry-after-ms': String(retryAfterSeconds * 1_000),
    }),
  })
}

/** What a fault decides about a generated answer before it is made; undefined for the others. */
export function forcedBy(fault: Fault): AnswerOverride | undefined {
  if (fault.kind === 'refusal') return { refusal: fault.text }
  if (fault.kind !== 'contentFilter') return undefined
  return {
    verdict:
      fault.finds === 'prompt'
        ? { kind: 'prompt', category: fault.category }
        : { kind: fault.finds, category: fault.category },
  }
}

/** A fault that an answer suffers on its way out. Undefined where this answer cannot suffer it. Changes a live reply itself. */
export async function disturbAny(
  reply: Reply,
  fault: Fault,
  exchange: Exchange,
  random: Random,
): Promise<Reply | undefined> {
  if (reply.body.kind !== 'live' || fault.kind === 'cutBeforeHeaders')
    return applyFault(reply, fault, exchange, random)
  // What is on its way from elsewhere can be held back as a whole; for all else its events have to be known.
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
      return { ...reply, interruption: { at: shareOf(fault), how: fault.ms } }
    case 'cut':
      return { ...reply, interruption: { at: shareOf(fault), how: 'reset' } }
    case 'truncate':
      return { ...reply, interruption: { at: shareOf(fault), how: 'close' } }
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
      // Without a place, all but the end is sent: `[DONE]`, or what tells that a response is complete.
      return endAfter(reply, hasPosition(fault) ? eventsBefore(body, fault) : body.count - 1)
    case 'errorEvent': {
      const format = wireFormatOf(exchange.route?.operation)
      const error = streamError(fault.message)
      return endAfter(reply, eventsBefore(body, fault), (index) => format.writeErrorEvent(error, index))
    }
    case 'malformedEvent':
      return breakEvent(reply, eventsBefore(body, fault))
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

/** In the midst, unless the fault says where. */
function shareOf({ afterShare = 0.5 }: FaultPosition): number {
  return afterShare
}

/** How many events come before the fault: one at least, and never the last one. */
function eventsBefore({ count }: EventsBody, place: FaultPosition): number {
  const wanted = place.afterEvents ?? Math.floor(count * shareOf(place))
  return Math.max(1, Math.min(wanted, count - 2))
}
