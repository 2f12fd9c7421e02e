import { hopByHop } from '../pipeline/end-to-end-headers.ts'
import { hasNoBody, isEventStream } from '../pipeline/stream-events.ts'
import { endToEndHeaders } from '../pipeline/end-to-end-headers.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { type EventsBody, type LiveBody, textBody, type WholeBody } from '../answer/body.ts'
import type { HeaderList, Reply } from '../pipeline/reply.ts'
import type { RecordingLoss } from './loss-reports.ts'
import type { Logger } from '../lib/logger.ts'
import { asBuffer } from '../lib/buffers.ts'
import type { Interaction, RecordedBody, HeaderPairs } from './interaction.ts'
import {
  BodyRecorder,
  type MemoryBudget,
  MAX_RECORDED_BODY_BYTES,
  MAX_LARGE_BODIES_BYTES,
} from './body-recorder.ts'
import { usageOfBody, usageOfEvents } from '../wire/read-usage.ts'
import { bodyHash } from './match-request.ts'

/** Dependencies of `recordReply`. */
export interface RecordReplyDeps {
  /** Whether errors are recorded, and streams that contain an error event. */
  readonly recordsErrors: boolean
  readonly logger: Logger
  /** Memory for all answers in progress. */
  readonly budget: MemoryBudget
  /** Called with cause and advice for an answer that should be recorded and is not. */
  readonly onLost: (loss: RecordingLoss, exchange: Exchange, why: string) => void
  /** Stores an interaction. Reports a failure and resolves with false. */
  readonly store: (exchange: Exchange, interaction: Interaction) => Promise<boolean>
}

/** The reply of another service. */
interface ForwardedResponse {
  readonly exchange: Exchange
  readonly reply: Reply
  /** The address of the request, including its query. */
  readonly uri: string
  /** When the request was forwarded, on the clock's monotonic scale. */
  readonly sentMs: number
}

/** Response header of an answer that could not be recorded. The log has the reason. */
const failedHeader = ['x-aoai-sim-recording', 'failed'] as const

/**
 * Records a reply, and returns the reply for the client. A live body is recorded while it is passed on; any other body is stored
 * first. Adds the usage in the body to the reply.
 */
export async function recordReply(
  { exchange, reply, uri, sentMs }: ForwardedResponse,
  { recordsErrors, logger, budget, store, onLost }: RecordReplyDeps,
): Promise<Reply> {
  const { status, reason = '', body } = reply
  // Copies the headers, because other stages add to those of the reply.
  const head: AnswerHead = { uri, status, reason, headers: recordedHeaders(reply.headers) }
  const timesPieces = body.kind === 'live' && head.headers.get('content-length') === undefined
  const recorder = new BodyRecorder(
    body.kind === 'events' || isEventStream(reply.headers),
    budget,
    timesPieces,
  )
  const shouldStore = status < 400 || recordsErrors
  const storeBody = async (recorded: RecordedBody, durationMs: number): Promise<boolean> => {
    if (status < 400) addUsage(reply, recorded)
    return !shouldStore || store(exchange, recordInteraction(exchange, head, recorded, durationMs))
  }
  const onTooLarge = (why: string): void => {
    if (shouldStore) onLost('tooLarge', exchange, why)
  }
  const options = { exchange, sentMs, recorder, storeBody, logger, recordsErrors, onTooLarge }

  if (body.kind === 'live') return recordLive(reply, body, options)
  const durationMs =
    body.kind === 'whole' ? recordWhole(reply, body, options) : recordEvents(reply, body, options)
  try {
    return withFailedHeader(reply, await finishRecording(options, durationMs))
  } finally {
    recorder.close()
  }
}

type RecordOptions = Omit<TeeOptions, 'source'>

async function recordLive(reply: Reply, body: LiveBody, options: RecordOptions): Promise<Reply> {
  const { exchange } = options
  const { headers, status } = reply
  const live = teeStream({
    ...options,
    source: { chunks: body.chunks, hasLength: headers.get('content-length') !== undefined },
  })
  reply.body = { kind: 'live', chunks: live.chunks }
  if (!hasNoBody(exchange.method, status)) return reply
  // The client has the complete answer after the headers, so it is stored first.
  for await (const _ of live.chunks);
  reply.body = { kind: 'live', chunks: emptyBody() }
  return withFailedHeader(reply, live.isStored)
}

/** Returns the duration of the answer, in milliseconds from the forwarding of the request. */
function recordWhole(reply: Reply, body: WholeBody, { exchange, sentMs, recorder }: RecordOptions): number {
  const content = body.render()
  const bytes = typeof content === 'string' ? Buffer.from(content) : asBuffer(content)
  reply.body = textBody(bytes)
  const elapsedMs = exchange.clock.nowMs() - sentMs
  const durationMs = Math.max(elapsedMs, (reply.schedule?.endMs ?? 0) + exchange.startedMs - sentMs)
  recorder.push(bytes, durationMs)
  return durationMs
}

/** Returns the duration of the answer, in milliseconds from the forwarding of the request. */
function recordEvents(reply: Reply, body: EventsBody, { exchange, sentMs, recorder }: RecordOptions): number {
  const { schedule } = reply
  const elapsedMs = exchange.clock.nowMs() - sentMs
  const elapsedAt = (dueMs = 0): number => Math.max(elapsedMs, dueMs + exchange.startedMs - sentMs)
  const events = Array.from({ length: body.count }, (_, index) => body.render(index))
  reply.body = { ...body, stepOf: (index) => body.stepOf(index), render: (index) => events[index] ?? '' }
  for (const [index, event] of events.entries()) {
    recorder.push(Buffer.from(event), elapsedAt(schedule?.stepsMs[body.stepOf(index)] ?? schedule?.endMs))
  }
  return elapsedAt(schedule?.endMs)
}

function withFailedHeader(reply: Reply, isStored: boolean | undefined): Reply {
  if (isStored === false) reply.headers.append(...failedHeader)
  return reply
}

/** The end-to-end headers, without the placeholder for an unknown content-length. */
function recordedHeaders(all: HeaderList): HeaderList {
  const headers = endToEndHeaders(all)
  if (headers.get('content-length') === '') headers.delete('content-length')
  return headers
}

/** Adds the billed tokens to the reply, for the metrics. */
function addUsage(reply: Reply, body: RecordedBody): void {
  if (reply.usage) return
  const usage =
    body.kind === 'bytes'
      ? usageOfBody(asBuffer(body.bytes))
      : usageOfEvents(body.events.map(({ text }) => text))
  if (usage) reply.usage = usage
}

async function* emptyBody(): AsyncGenerator<Uint8Array, undefined> {}

/** The recorded options of an answer except the body. */
interface AnswerHead {
  /** The address of the request, including its query. */
  readonly uri: string
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
}

/** Request headers that belong to a connection or its HTTP client. */
const unrecordedHeaders: ReadonlySet<string> = new Set([
  ...hopByHop,
  'accept-encoding',
  'content-length',
  'expect',
  'host',
])

/** Creates an interaction, which still contains secrets. @param durationMs of the call to the upstream */
function recordInteraction(
  exchange: Exchange,
  { uri, status, reason, headers }: AnswerHead,
  body: RecordedBody,
  durationMs: number,
): Interaction {
  const hasBody = exchange.body.length > 0
  return {
    request: {
      method: exchange.method,
      uri,
      headers: requestHeaders(exchange),
      body: hasBody ? exchange.body : undefined,
      bodyHash: hasBody ? bodyHash(exchange.body, exchange.headers['content-type']) : undefined,
    },
    response: {
      status: { code: status, message: reason === '' ? undefined : reason },
      headers: [...headers],
      body,
      durationMs,
    },
    contextValues: { recorded_at: new Date(exchange.clock.epochMs()).toISOString() },
  }
}

function requestHeaders({ headers }: Exchange): HeaderPairs {
  return Object.entries(headers).flatMap(([name, value = []]) =>
    unrecordedHeaders.has(name) ? [] : [value].flat().map((text) => [name, text] as const),
  )
}

const BYTES_PER_MEGABYTE = 1024 * 1024

/** Options of `teeStream`. */
interface TeeOptions {
  readonly exchange: Exchange
  readonly source: {
    readonly chunks: AsyncIterable<Uint8Array>
    /** Whether the length of the body is known in advance. */
    readonly hasLength: boolean
  }
  /** When the request was sent, on the clock's monotonic scale. */
  readonly sentMs: number
  readonly recorder: BodyRecorder
  /** Stores the body of a complete answer. Reports a failure and resolves with false. */
  readonly storeBody: (body: RecordedBody, durationMs: number) => Promise<boolean>
  readonly logger: Logger
  /** Called instead of `storeBody` for a body that is too large to be recorded. */
  readonly onTooLarge: (why: string) => void
  /** Whether a stream that contains an error event is stored. */
  readonly recordsErrors: boolean
}

/** A stream that is passed on and recorded. */
interface TeedStream {
  /** Rejects with what the source throws. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** After the end: whether the answer was stored; undefined if it should not be. */
  readonly isStored: boolean | undefined
}

/**
 * Passes on an answer as it arrives, and records it. The end is passed on after the answer is stored. An interrupted answer is
 * not stored, unless its terminal event had arrived.
 */
function teeStream(options: TeeOptions): TeedStream {
  const { exchange, source, sentMs, recorder, logger } = options
  const { clock } = exchange
  let isStored: boolean | undefined

  const settle = async (): Promise<void> => {
    isStored = await finishRecording(options, clock.nowMs() - sentMs)
  }

  async function* chunks(): AsyncGenerator<Buffer, undefined> {
    let isSettled = false
    let held: Buffer | undefined
    try {
      for await (const bytes of source.chunks) {
        const chunk = asBuffer(bytes)
        recorder.push(chunk, clock.nowMs() - sentMs)
        // For a client, a body of known length ends with its last byte. Holds it back until the answer is stored.
        if (held) yield held
        if (source.hasLength) held = chunk
        else yield chunk
      }
      isSettled = true
      await settle()
      if (held) yield held
    } catch (error) {
      // Sends the bytes that arrived before the failure.
      if (held && !isSettled) yield held
      throw error
    } finally {
      if (!isSettled && recorder.isTerminated) await settle()
      else if (!isSettled) logger.debug(exchange.logFields, 'An interrupted answer is not recorded.')
      recorder.close()
    }
  }

  return {
    chunks: chunks(),
    get isStored() {
      return isStored
    },
  }
}

/**
 * Stores a recorded body, unless it is too large or contains an error event that should not be recorded. Returns whether it was
 * stored; undefined if it should not be.
 */
async function finishRecording(
  { exchange, recorder, storeBody, logger, recordsErrors, onTooLarge }: Omit<TeeOptions, 'source' | 'sentMs'>,
  durationMs: number,
): Promise<boolean | undefined> {
  if (recorder.isTooLarge) {
    const megabytes = MAX_RECORDED_BODY_BYTES / BYTES_PER_MEGABYTE
    const all = MAX_LARGE_BODIES_BYTES / BYTES_PER_MEGABYTE
    onTooLarge(
      `It has more than ${megabytes} MB, or the large answers in progress have more than ${all} MB together. Send fewer or smaller requests at the same time.`,
    )
    return undefined
  }
  const body = recorder.finish(durationMs)
  if (!recorder.hasError || recordsErrors) return storeBody(body, durationMs)
  const message = 'A stream with an error event is not recorded. Set RECORDING_ERRORS=on to record it.'
  logger.info(exchange.logFields, message)
  return undefined
}
