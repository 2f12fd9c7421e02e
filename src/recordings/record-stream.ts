import type { Exchange } from '../pipeline/exchange.ts'
import type { Logger } from '../lib/logger.ts'
import { asBuffer } from '../lib/as-buffer.ts'
import type { RecordedBody } from './interaction.ts'
import { largestRecordedBody, largestRoom, type RecordTape } from './record-tape.ts'

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
  /** Rejects with what the source throws. */
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
export async function finishTape(
  { exchange, tape, keep, logger, keepsErrors, onTooLarge }: Omit<PassOnParts, 'from' | 'sentMs'>,
  durationMs: number,
): Promise<boolean | undefined> {
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
  logger.info(exchange.logFields, message)
  return undefined
}
