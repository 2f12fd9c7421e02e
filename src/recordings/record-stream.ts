import type { Exchange } from '../pipeline/exchange.ts'
import { ReportedFailure } from '../pipeline/reported-failure.ts'
import { reasonOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import { asBuffer } from '../lib/as-buffer.ts'
import type { RecordedBody } from './interaction.ts'
import { largestRecordedBody, largestRoom, type RecordTape } from './record-tape.ts'
import { CallerLeft, UpstreamFailure, upstreamError } from '../upstream/upstream-failure.ts'

const bytesPerMegabyte = 1024 * 1024

/** What passing on an answer needs. */
export interface PassOnParts {
  readonly exchange: Exchange
  readonly from: {
    readonly chunks: AsyncIterable<Uint8Array>
    /** Whether the length of the body is known beforehand. */
    readonly hasLength: boolean
  }
  /** When the request was sent, on the clock's monotonic scale. */
  readonly sentMs: number
  readonly tape: RecordTape
  /** Stores the body of a complete answer; gives false when that failed, which it has reported. */
  readonly keep: (body: RecordedBody, durationMs: number) => Promise<boolean>
  readonly logger: Logger
  /** Called instead of `keep` for a body that is too large to be recorded. */
  readonly onTooLarge: (why: string) => void
  /** Whether a stream with an error event in it is stored. */
  readonly keepsErrors: boolean
}

/** An answer on its way through. */
export interface PassedOn {
  /** Rejects with what the source throws, the `UpstreamFailure` of an upstream. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** After the end: whether storing worked; undefined where the answer was not to be stored. */
  readonly isStored: boolean | undefined
}

/**
 * Passes on an answer as it comes and takes it down; its end is passed on once it is stored. What is interrupted is not
 * stored, unless the stream had said that it was at its end.
 */
export function passOn(parts: PassOnParts): PassedOn {
  const { exchange, from, sentMs, tape, logger } = parts
  const { clock, method, path } = exchange
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
    } finally {
      if (!isSettled && tape.isTerminated) await settle()
      else if (!isSettled) logger.debug({ method, path }, 'An interrupted answer is not recorded.')
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
export async function finishTape(
  { exchange, tape, keep, logger, keepsErrors, onTooLarge }: Omit<PassOnParts, 'from' | 'sentMs'>,
  durationMs: number,
): Promise<boolean | undefined> {
  const { method, path } = exchange
  if (tape.isTooLarge) {
    const megabytes = largestRecordedBody / bytesPerMegabyte
    const all = largestRoom / bytesPerMegabyte
    onTooLarge(
      `It has more than ${megabytes} MB, or the large answers under way have more than ${all} MB together. Ask for less at a time.`,
    )
    return undefined
  }
  const body = tape.finish(durationMs)
  if (!tape.hasError || keepsErrors) return keep(body, durationMs)
  const message = 'A stream with an error in it is not recorded. RECORDING_ERRORS=on would do so.'
  logger.info({ method, path }, message)
  return undefined
}

/**
 * Lets a stream that fails on its way say so, before its connection is cut: an error event, in the envelope of the
 * service, which the official clients raise as an error. In the midst of an event there is the cut alone, for whatever is sent
 * would be read as a part of that event. A stream that has said that it is at its end ends in order.
 */
export async function* tellFailure(
  chunks: AsyncIterable<Uint8Array>,
  isEventStream: boolean,
  { exchange, tape, logger }: Pick<PassOnParts, 'exchange' | 'tape' | 'logger'>,
): AsyncGenerator<Uint8Array, undefined> {
  try {
    yield* chunks
  } catch (error) {
    if (error instanceof CallerLeft || exchange.ended) throw error
    if (isEventStream && tape.isTerminated) return
    const { method, path } = exchange
    const message = reasonOf(error)
    logger.warn({ method, path }, `An answer broke on its way and is not recorded: ${message}`)
    if (isEventStream && tape.isBetweenEvents && error instanceof UpstreamFailure) {
      yield Buffer.from(`\n\ndata: ${upstreamError(error).body}\n\n`)
    }
    throw new ReportedFailure(error)
  }
}
