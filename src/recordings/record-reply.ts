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
import { BodyRecorder, type TapeRoom, MAX_RECORDED_BODY_BYTES, MAX_RESERVATION_BYTES } from './body-recorder.ts'
import { usageOfBody, usageOfEvents } from '../wire/read-usage.ts'
import { bodyHash } from './match-request.ts'

/** What recording replies needs. */
export interface RecordReplyDeps {
  /** Whether errors are recorded, and streams with an error event in them. */
  readonly keepsErrors: boolean
  readonly logger: Logger
  /** What all answers under way may take together. */
  readonly room: TapeRoom
  /** Called for an answer that is not recorded although it was to be, with the reason and what to do. */
  readonly onLost: (loss: RecordingLoss, exchange: Exchange, why: string) => void
  /** Stores an interaction; gives false when that failed, which it has reported. */
  readonly store: (exchange: Exchange, interaction: Interaction) => Promise<boolean>
}

/** A reply that came from elsewhere. */
interface ForwardedResponse {
  readonly exchange: Exchange
  readonly reply: Reply
  /** The address that was asked, query included. */
  readonly uri: string
  /** When the request was sent on, on the clock's monotonic scale. */
  readonly sentMs: number
}

/** Says in an answer that it is not in the recordings, and the log says why. */
const failedHeader = ['x-aoai-sim-recording', 'failed'] as const

/**
 * Records a reply, and gives it to be passed on: what comes live is taken down while it passes; what is known already is
 * stored before. Usage that its body tells goes into the reply.
 */
export async function recordReply(
  { exchange, reply, uri, sentMs }: ForwardedResponse,
  { keepsErrors, logger, room, store, onLost }: RecordReplyDeps,
): Promise<Reply> {
  const { status, reason = '', body } = reply
  // The recording is made of the headers as they came; those of the reply may get some more.
  const head: AnswerHead = { uri, status, reason, headers: recordedHeaders(reply.headers) }
  const tape = new BodyRecorder(body.kind === 'events' || isEventStream(reply.headers), room)
  const isWanted = status < 400 || keepsErrors
  const keep = async (recorded: RecordedBody, durationMs: number): Promise<boolean> => {
    if (status < 400) addUsage(reply, recorded)
    return !isWanted || store(exchange, recordInteraction(exchange, head, recorded, durationMs))
  }
  const onTooLarge = (why: string): void => {
    if (isWanted) onLost('tooLarge', exchange, why)
  }
  const parts = { exchange, sentMs, tape, keep, logger, keepsErrors, onTooLarge }

  if (body.kind === 'live') return passLive(reply, body, parts)
  const durationMs = body.kind === 'whole' ? tapeWhole(reply, body, parts) : tapeEvents(reply, body, parts)
  try {
    return marked(reply, await finishTape(parts, durationMs))
  } finally {
    tape.close()
  }
}

type BodyRecorderOptions = Omit<TeeOptions, 'from'>

async function passLive(reply: Reply, body: LiveBody, parts: BodyRecorderOptions): Promise<Reply> {
  const { exchange } = parts
  const { headers, status } = reply
  const live = teeStream({
    ...parts,
    from: { chunks: body.chunks, hasLength: headers.get('content-length') !== undefined },
  })
  reply.body = { kind: 'live', chunks: live.chunks }
  if (!hasNoBody(exchange.method, status)) return reply
  // Its head is its end, so it has to be stored before.
  for await (const _ of live.chunks);
  reply.body = { kind: 'live', chunks: nothing() }
  return marked(reply, live.isStored)
}

/** Gives how long the answer takes, in milliseconds from its being sent on. */
function tapeWhole(reply: Reply, body: WholeBody, { exchange, sentMs, tape }: BodyRecorderOptions): number {
  const content = body.render()
  const bytes = typeof content === 'string' ? Buffer.from(content) : asBuffer(content)
  reply.body = textBody(bytes)
  const elapsedMs = exchange.clock.nowMs() - sentMs
  const durationMs = Math.max(elapsedMs, (reply.schedule?.endMs ?? 0) + exchange.startedMs - sentMs)
  tape.push(bytes, durationMs)
  return durationMs
}

/** Gives how long the answer takes, in milliseconds from its being sent on. */
function tapeEvents(reply: Reply, body: EventsBody, { exchange, sentMs, tape }: BodyRecorderOptions): number {
  const { schedule } = reply
  const elapsedMs = exchange.clock.nowMs() - sentMs
  const takenMs = (dueMs = 0): number => Math.max(elapsedMs, dueMs + exchange.startedMs - sentMs)
  const events = Array.from({ length: body.count }, (_, index) => body.render(index))
  reply.body = { ...body, stepOf: (index) => body.stepOf(index), render: (index) => events[index] ?? '' }
  for (const [index, event] of events.entries()) {
    tape.push(Buffer.from(event), takenMs(schedule?.stepsMs[body.stepOf(index)] ?? schedule?.endMs))
  }
  return takenMs(schedule?.endMs)
}

function marked(reply: Reply, isStored: boolean | undefined): Reply {
  if (isStored === false) reply.headers.append(...failedHeader)
  return reply
}

/** Those of the message, without the place that is kept for a length that is not known yet. */
function recordedHeaders(all: HeaderList): HeaderList {
  const headers = endToEndHeaders(all)
  if (headers.get('content-length') === '') headers.delete('content-length')
  return headers
}

/** What the answer was billed for, so that it counts in the metrics. */
function addUsage(reply: Reply, body: RecordedBody): void {
  if (reply.usage) return
  const usage =
    body.kind === 'bytes'
      ? usageOfBody(asBuffer(body.bytes))
      : usageOfEvents(body.events.map(({ text }) => text))
  if (usage) reply.usage = usage
}

async function* nothing(): AsyncGenerator<Uint8Array, undefined> {}

/** What there is to record of an answer beside its body. */
interface AnswerHead {
  /** The address that was asked, query included. */
  readonly uri: string
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
}

/** Request headers that are not recorded: they belong to a connection or to its HTTP client. */
const notRecorded: ReadonlySet<string> = new Set([
  ...hopByHop,
  'accept-encoding',
  'content-length',
  'expect',
  'host',
])

/** Puts an interaction together, secrets still included. @param durationMs of the call upstream */
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
    notRecorded.has(name) ? [] : [value].flat().map((one) => [name, one] as const),
  )
}

const BYTES_PER_MEGABYTE = 1024 * 1024

/** What passing on an answer needs. */
interface TeeOptions {
  readonly exchange: Exchange
  readonly from: {
    readonly chunks: AsyncIterable<Uint8Array>
    /** Whether the length of the body is known beforehand. */
    readonly hasLength: boolean
  }
  /** When the request was sent, on the clock's monotonic scale. */
  readonly sentMs: number
  readonly tape: BodyRecorder
  /** Stores the body of a complete answer; gives false when that failed, which it has reported. */
  readonly keep: (body: RecordedBody, durationMs: number) => Promise<boolean>
  readonly logger: Logger
  /** Called instead of `keep` for a body that is too large to be recorded. */
  readonly onTooLarge: (why: string) => void
  /** Whether a stream with an error event in it is stored. */
  readonly keepsErrors: boolean
}

/** An answer on its way through. */
interface TeedStream {
  /** Rejects with what the source throws. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** After the end: whether storing worked; undefined where the answer was not to be stored. */
  readonly isStored: boolean | undefined
}

/**
 * Passes on an answer as it comes and takes it down; its end is passed on once it is stored. What is interrupted is not
 * stored, unless the stream had said that it was at its end.
 */
function teeStream(parts: TeeOptions): TeedStream {
  const { exchange, from, sentMs, tape, logger } = parts
  const { clock } = exchange
  let isStored: boolean | undefined

  const settle = async (): Promise<void> => {
    isStored = await finishTape(parts, clock.nowMs() - sentMs)
  }

  async function* walk(): AsyncGenerator<Buffer, undefined> {
    let isSettled = false
    let last: Buffer | undefined
    try {
      for await (const bytes of from.chunks) {
        const chunk = asBuffer(bytes)
        tape.push(chunk, clock.nowMs() - sentMs)
        // The end of a body of known length is its last byte, and what the client has it takes for recorded.
        if (last) yield last
        if (from.hasLength) last = chunk
        else yield chunk
      }
      isSettled = true
      await settle()
      if (last) yield last
    } catch (error) {
      // What came before the failure goes first.
      if (last && !isSettled) yield last
      throw error
    } finally {
      if (!isSettled && tape.isTerminated) await settle()
      else if (!isSettled) logger.debug(exchange.logFields, 'An interrupted answer is not recorded.')
      tape.close()
    }
  }

  return {
    chunks: walk(),
    get isStored() {
      return isStored
    },
  }
}

/**
 * Stores what a tape has taken down, unless it is too large, or holds an error that is not wanted. Gives whether storing
 * worked; undefined where the answer was not to be stored.
 */
async function finishTape(
  { exchange, tape, keep, logger, keepsErrors, onTooLarge }: Omit<TeeOptions, 'from' | 'sentMs'>,
  durationMs: number,
): Promise<boolean | undefined> {
  if (tape.isTooLarge) {
    const megabytes = MAX_RECORDED_BODY_BYTES / BYTES_PER_MEGABYTE
    const all = MAX_RESERVATION_BYTES / BYTES_PER_MEGABYTE
    onTooLarge(
      `It has more than ${megabytes} MB, or the large answers under way have more than ${all} MB together. Ask for less at a time.`,
    )
    return undefined
  }
  const body = tape.finish(durationMs)
  if (!tape.hasError || keepsErrors) return keep(body, durationMs)
  const message = 'A stream with an error in it is not recorded. RECORDING_ERRORS=on would do so.'
  logger.info(exchange.logFields, message)
  return undefined
}
