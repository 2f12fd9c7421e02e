import type { Exchange } from '../pipeline/exchange.ts'
import type { Logger } from '../platform/logger.ts'
import type { RecordedBody } from './interaction.ts'
import { largestRecordedBody, type RecordTape } from './record-tape.ts'
import type { UpstreamAnswer } from './upstream-call.ts'
import { CallerLeft, UpstreamFailure, upstreamError } from './upstream-failure.ts'

/** What passing on an answer needs. */
export interface PassOnParts {
  readonly exchange: Exchange
  readonly from: UpstreamAnswer
  /** When the request was sent, on the clock's monotonic scale. */
  readonly sentMs: number
  readonly tape: RecordTape
  /** Stores the body of a complete answer; gives false when that failed, which it has reported. */
  readonly keep: (body: RecordedBody, durationMs: number) => Promise<boolean>
  readonly logger: Logger
  /** Whether a stream with an error event in it is stored. */
  readonly keepsErrors: boolean
}

/** An answer on its way through. */
export interface PassedOn {
  /** Rejects with the `UpstreamFailure` when the upstream fails. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** After the end: whether storing worked; undefined where the answer was not to be stored. */
  readonly isStored: boolean | undefined
}

/**
 * Passes on an answer as it comes and takes it down; its end is passed on once it is stored. What is interrupted is not
 * stored, unless the stream had said that it was at its end.
 */
export function passOn(parts: PassOnParts): PassedOn {
  const { exchange, from, sentMs, tape, keep, logger, keepsErrors } = parts
  const { clock, method, path } = exchange
  let isStored: boolean | undefined

  const settle = async (): Promise<void> => {
    const durationMs = clock.nowMs() - sentMs
    if (tape.isTooLarge) {
      const message = `An answer of more than ${largestRecordedBody} bytes was passed on but is not recorded.`
      logger.warn({ method, path }, message)
      return
    }
    const body = tape.finish(durationMs)
    if (!tape.hasError || keepsErrors) isStored = await keep(body, durationMs)
    else {
      const message = 'A stream with an error in it is not recorded. RECORDING_ERRORS=on would do so.'
      logger.info({ method, path }, message)
    }
  }

  async function* walk(): AsyncGenerator<Buffer, undefined> {
    let isSettled = false
    let last: Buffer | undefined
    try {
      for await (const chunk of from.chunks) {
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
 * Lets a stream that fails on its way say so, before its connection is cut: an error event, in the envelope of the
 * service, which the official clients raise as an error.
 */
export async function* tellFailure(
  chunks: AsyncIterable<Uint8Array>,
  isEventStream: boolean,
  { method, path }: Exchange,
  logger: Logger,
): AsyncGenerator<Uint8Array, undefined> {
  try {
    yield* chunks
  } catch (error) {
    if (error instanceof CallerLeft) throw error
    const message = error instanceof Error ? error.message : String(error)
    logger.warn({ method, path }, `An answer broke on its way and is not recorded: ${message}`)
    if (isEventStream && error instanceof UpstreamFailure) {
      yield Buffer.from(`\n\ndata: ${upstreamError(error).body}\n\n`)
    }
    throw error
  }
}
