import type { AnswerError, AnswerEvent, AnswerReader } from '../answer/answer-events.ts'
import { textBody } from '../answer/body.ts'
import { reasonOf } from '../lib/error-text.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { ReportedFailure, type Reply } from '../pipeline/reply.ts'
import { isEventStream } from '../pipeline/stream-events.ts'
import { answerForms, type WriteContext } from '../wire/answer-forms.ts'
import type { ApiForm } from '../wire/conversion.ts'
import { eventStreamType } from '../wire/sse.ts'
import { ByteSource, StreamSource, unreadable } from './answer-source.ts'
import { convertedHeaders, failedReply, rejectedReply, statusOf } from './convert-error.ts'
import { ClientDisconnected, UpstreamFailure, upstreamError } from './upstream-failure.ts'

/** How the answer to a request is converted. */
export interface AnswerConversion {
  /** API of the caller. */
  readonly asked: ApiForm
  /** API of the upstream. */
  readonly answered: ApiForm
  /** Whether the caller asks for a stream. */
  readonly isStreamed: boolean
  /** Creates the facts for the writer. */
  readonly context: () => WriteContext
  /** Scheme, host and port of the upstream. */
  readonly origin: string
}

/**
 * Converts the answer of an upstream to the API of the caller. A stream is converted while it arrives. A caller that asks for a stream
 * gets one if the upstream sends none, and the reverse. An error keeps its status, also as the first event of a stream. Changes the
 * reply.
 *
 * @param onBodyFailure called with the reason if a stream fails after its start
 * @throws {UpstreamFailure} for an answer that cannot be read
 */
export async function convertAnswer(
  exchange: Exchange,
  reply: Reply,
  conversion: AnswerConversion,
  onBodyFailure: (why: string) => void,
): Promise<Reply> {
  const { body, status } = reply
  if (body.kind !== 'live') throw new Error('Could not convert an answer: it is not that of an upstream.')
  const source = new ByteSource(body.chunks, conversion.origin)
  if (status >= 400) {
    const text = (await source.readAll()).toString()
    return rejectedReply(exchange, reply, text, conversion)
  }
  if (status !== 200) {
    await source.close()
    throw unreadable(conversion.origin, `its status is ${status}.`)
  }
  const first = await source.firstByte()
  if (first !== OPENING_BRACE && isEventStream(reply.headers)) {
    return convertStream(exchange, reply, source, conversion, onBodyFailure)
  }
  const text = (await source.readAll()).toString()
  const { read, createReader } = answerForms[conversion.answered]
  // Some services send events with the content type of JSON.
  const events = /^\s*(?:data|event|id|retry)?:/.test(text) ? eventsIn(text, createReader()) : read(text)
  return completeReply(exchange, reply, events, conversion)
}

const OPENING_BRACE = 0x7b

function eventsIn(text: string, reader: AnswerReader): AnswerEvent[] {
  const splitter = new EventSplitter()
  const frames = [...splitter.push(Buffer.from(text)), splitter.rest()]
  return [...frames.flatMap((frame) => reader.push(frame.toString())), ...reader.end()]
}

/** Converts an answer that has arrived as a whole. */
function completeReply(
  exchange: Exchange,
  reply: Reply,
  events: readonly AnswerEvent[],
  conversion: AnswerConversion,
): Reply {
  for (const event of events) if (event.kind === 'usage') reply.usage = event.usage
  const error = events.find((event) => event.kind === 'error')?.error
  if (error) return replyToError(exchange, reply, error, conversion)
  const { createWriter, write } = answerForms[conversion.asked]
  const context = conversion.context()
  if (!conversion.isStreamed) {
    reply.headers = convertedHeaders(reply.headers, 'application/json')
    reply.body = textBody(write(events, context))
    return reply
  }
  const writer = createWriter(context)
  const text = events.map((event) => writer.write(event)).join('') + writer.end()
  async function* chunks(): AsyncGenerator<Buffer, undefined> {
    markFirstToken(exchange, reply)
    yield Buffer.from(text)
  }
  reply.headers = convertedHeaders(reply.headers, eventStreamType)
  reply.body = { kind: 'live', chunks: chunks() }
  return reply
}

/** The reply for an error before the caller has received any of the answer. */
function replyToError(
  exchange: Exchange,
  reply: Reply,
  error: AnswerError,
  conversion: AnswerConversion,
): Reply {
  if (error.code === 'invalid_answer') throw unreadable(conversion.origin, error.message)
  return failedReply(exchange, reply, error)
}

async function convertStream(
  exchange: Exchange,
  reply: Reply,
  bytes: ByteSource,
  conversion: AnswerConversion,
  onBodyFailure: (why: string) => void,
): Promise<Reply> {
  const { asked, answered, isStreamed, context, origin } = conversion
  const source = new StreamSource(bytes, answerForms[answered].createReader())
  if (!isStreamed) {
    const all: AnswerEvent[] = []
    for (let events = await source.next(); events; events = await source.next()) all.push(...events)
    await source.close()
    return completeReply(exchange, reply, all, conversion)
  }
  const opening: AnswerEvent[] = []
  while (!source.hasStarted) {
    const events = await source.next()
    if (!events) break
    opening.push(...events)
  }
  const failed = opening.findIndex((event) => event.kind === 'error')
  const error = opening[failed]
  if (error?.kind === 'error' && !opening.slice(0, failed).some(isToken)) {
    await source.close()
    return replyToError(exchange, reply, error.error, conversion)
  }

  async function* chunks(): AsyncGenerator<Buffer, undefined> {
    const writer = answerForms[asked].createWriter(context())
    const written = (events: readonly AnswerEvent[]): string => {
      let text = ''
      for (const event of events) {
        if (event.kind === 'usage') reply.usage = event.usage
        else if (event.kind === 'error') {
          const { code } = asFailure(event).error
          noteFailure(exchange, reply, code, code === 'UpstreamAnswerInvalid' ? 502 : statusOf(event.error))
          onBodyFailure(
            `the upstream reported an error in the stream (${event.error.code ?? event.error.type}).`,
          )
        } else if (reply.firstTokenMs === undefined && isToken(event)) markFirstToken(exchange, reply)
        text += writer.write(event.kind === 'error' ? asFailure(event) : event)
      }
      return text
    }
    try {
      for (let events: readonly AnswerEvent[] | undefined = opening; events; events = await source.next()) {
        const text = written(events) + (source.isDone ? writer.end() : '')
        if (text !== '') yield Buffer.from(text)
      }
    } catch (cause) {
      if (cause instanceof ClientDisconnected || exchange.ended) throw cause
      onBodyFailure(reasonOf(cause))
      const code = cause instanceof UpstreamFailure ? cause.code : 'UpstreamAnswerInvalid'
      const { message } =
        cause instanceof UpstreamFailure ? cause : unreadable(origin, 'it has an unknown form.')
      noteFailure(exchange, reply, code, cause instanceof UpstreamFailure ? upstreamError(cause).status : 502)
      yield Buffer.from(writer.write(asFailure({ kind: 'error', error: { code, message } })) + writer.end())
      throw new ReportedFailure(cause)
    } finally {
      await source.close()
    }
  }
  reply.headers = convertedHeaders(reply.headers, eventStreamType)
  reply.body = { kind: 'live', chunks: chunks() }
  return reply
}

/** Notes a failure within a stream, for metrics, journal and log. */
function noteFailure(exchange: Exchange, reply: Reply, code: string | null, status: number): void {
  reply.streamErrorStatus ??= status
  if (exchange.upstreamCall) exchange.upstreamCall.answerCode ??= code ?? undefined
}

/** Sets when a stream passed on its first token. */
function markFirstToken(exchange: Exchange, reply: Reply): void {
  reply.firstTokenMs ??= exchange.clock.nowMs() - exchange.startedMs
}

/** Whether an event has a part of the output of the model. */
function isToken(event: AnswerEvent): boolean {
  switch (event.kind) {
    case 'text':
    case 'refusal':
    case 'thought':
      return event.text !== ''
    case 'call':
    case 'arguments':
    case 'audio':
    case 'item':
      return true
    default:
      return false
  }
}

type ErrorEvent = Extract<AnswerEvent, { kind: 'error' }>

/** The error as it is reported in a stream: one of the reader gets the code of a failure of the upstream. */
function asFailure(event: ErrorEvent): ErrorEvent {
  const { error } = event
  const isOfReader = error.code === 'invalid_answer'
  if (!isOfReader && error.type !== undefined) return event
  const code = isOfReader ? 'UpstreamAnswerInvalid' : error.code
  return { kind: 'error', error: { ...error, code, type: error.type ?? 'server_error' } }
}
