import type { AnswerError, AnswerEvent, AnswerReader, AnswerWriter } from '../answer/answer-events.ts'
import { textBody } from '../answer/body.ts'
import { PushedChunks } from '../answer/pushed-chunks.ts'
import { reasonOf } from '../lib/error-text.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { ReportedFailure, type Reply } from '../pipeline/reply.ts'
import { isEventStream } from '../pipeline/stream-events.ts'
import { answerForms, type WriteContext } from '../wire/answer-forms.ts'
import type { ApiForm } from '../wire/conversion.ts'
import { eventStreamType } from '../wire/sse.ts'
import { ByteSource, StreamEvents, unreadable } from './answer-source.ts'
import { convertedHeaders, failedReply, rejectedReply, statusOf } from './convert-error.ts'
import { ClientDisconnected, UpstreamFailure, upstreamError } from './upstream-failure.ts'
import { noteFailure } from './watch-stream.ts'

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
    source.close()
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
  return failedReply(exchange, reply, error, conversion)
}

async function convertStream(
  exchange: Exchange,
  reply: Reply,
  bytes: ByteSource,
  conversion: AnswerConversion,
  onBodyFailure: (why: string) => void,
): Promise<Reply> {
  const source = new StreamEvents(bytes, answerForms[conversion.answered].createReader())
  const opening = await source.read(conversion.isStreamed ? 'start' : 'end')
  if (!conversion.isStreamed) {
    bytes.discard()
    return completeReply(exchange, reply, opening, conversion)
  }
  const failed = opening.findIndex((event) => event.kind === 'error')
  const error = opening[failed]
  if (error?.kind === 'error' && !opening.slice(0, failed).some(isToken)) {
    bytes.discard()
    return replyToError(exchange, reply, error.error, conversion)
  }
  const writer = new StreamWriter(exchange, reply, conversion, onBodyFailure)
  reply.headers = convertedHeaders(reply.headers, eventStreamType)
  reply.body = { kind: 'live', chunks: convertedChunks(bytes, source, opening, writer) }
  return reply
}

/** The body of a converted stream. It ends with the last event of the answer, also if the connection stays open. */
function convertedChunks(
  bytes: ByteSource,
  source: StreamEvents,
  opening: readonly AnswerEvent[],
  writer: StreamWriter,
): PushedChunks {
  return new PushedChunks((sink) => {
    let hasBegun = false
    let isOver = false
    /** Passes on what the events become. Returns false to pause. */
    const pass = (events: readonly AnswerEvent[]): boolean => {
      const text = writer.write(events) + (source.isDone ? writer.end() : '')
      const goesOn = text === '' || sink.write(Buffer.from(text))
      if (!source.isDone) return goesOn
      isOver = true
      bytes.discard()
      sink.end()
      return true
    }
    const fail = (cause: unknown): void => {
      if (isOver) return
      isOver = true
      const { text, error } = writer.fail(cause)
      if (text !== '') sink.write(Buffer.from(text))
      sink.fail(error)
    }
    const attempt = (events: () => readonly AnswerEvent[]): boolean => {
      try {
        return pass(events())
      } catch (error) {
        bytes.close()
        fail(error)
        return false
      }
    }
    const flow = bytes.pushTo({
      write: (chunk) => isOver || attempt(() => source.push(chunk)),
      end: () => void (isOver || attempt(() => source.end())),
      fail,
    })
    // The sink must not be called before the flow is returned.
    void Promise.resolve().then(() => {
      if (isOver) return
      hasBegun = true
      if (attempt(() => opening) && !isOver) flow.resume()
    })
    return {
      resume: () => {
        if (hasBegun && !isOver) flow.resume()
      },
      cancel() {
        if (isOver) return
        isOver = true
        flow.cancel()
      },
    }
  })
}

/** Writes the events of a stream, and sets usage and the time of the first token of its reply. */
class StreamWriter {
  readonly #exchange: Exchange
  readonly #reply: Reply
  readonly #writer: AnswerWriter
  readonly #origin: string
  readonly #onBodyFailure: (why: string) => void

  constructor(
    exchange: Exchange,
    reply: Reply,
    { asked, context, origin }: AnswerConversion,
    onBodyFailure: (why: string) => void,
  ) {
    this.#exchange = exchange
    this.#reply = reply
    this.#writer = answerForms[asked].createWriter(context())
    this.#origin = origin
    this.#onBodyFailure = onBodyFailure
  }

  write(events: readonly AnswerEvent[]): string {
    let text = ''
    for (const event of events) text += this.#writer.write(this.#observed(event))
    return text
  }

  end(): string {
    return this.#writer.end()
  }

  /** Returns the error event for a connection that failed, and the error for the carrier. */
  fail(cause: unknown): { readonly text: string; readonly error: unknown } {
    if (cause instanceof ClientDisconnected || this.#exchange.ended) return { text: '', error: cause }
    this.#onBodyFailure(reasonOf(cause))
    const failure =
      cause instanceof UpstreamFailure ? cause : unreadable(this.#origin, 'it has an unknown form.')
    const { code, message } = failure
    noteFailure(this.#exchange, this.#reply, code, upstreamError(failure).status)
    const text = this.#writer.write(asFailure({ kind: 'error', error: { code, message } }))
    return { text: text + this.#writer.end(), error: new ReportedFailure(cause) }
  }

  #observed(event: AnswerEvent): AnswerEvent {
    if (event.kind === 'usage') this.#reply.usage = event.usage
    else if (event.kind === 'error') {
      const { code, type } = event.error
      const failure = asFailure(event)
      const isInvalid = failure.error.code === 'UpstreamAnswerInvalid'
      noteFailure(this.#exchange, this.#reply, failure.error.code, isInvalid ? 502 : statusOf(event.error))
      this.#onBodyFailure(`the upstream reported an error in the stream (${code ?? type}).`)
      return failure
    } else if (this.#reply.firstTokenMs === undefined && isToken(event)) {
      markFirstToken(this.#exchange, this.#reply)
    }
    return event
  }
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
