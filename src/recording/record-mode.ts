import type { RecordingsConfig, Upstream } from '../config/recordings-config.ts'
import { errorReply } from '../pipeline/error-reply.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { HeaderList } from '../pipeline/header-list.ts'
import { textBody, type Reply, type Usage } from '../pipeline/reply.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { OperatorError } from '../platform/operator-error.ts'
import { asBuffer } from './body-hash.ts'
import { attemptCall, type Attempt } from './forward-attempts.ts'
import { forwardedHeaders, returnedHeaders } from './forward-headers.ts'
import type { Interaction, RecordedBody } from './interaction.ts'
import { passOn, tellFailure } from './record-stream.ts'
import { recordInteraction, type AnswerHead } from './record-interaction.ts'
import { RecordKeeper, type SaveReport } from './record-keeper.ts'
import { RecordTape } from './record-tape.ts'
import { createRedactor } from './redact-interaction.ts'
import { usageOfBody, usageOfEvents } from './replay-usage.ts'
import { UpstreamConnections } from './upstream-call.ts'
import { CallerLeft, UpstreamFailure, upstreamError } from './upstream-failure.ts'
import { parseUpstreamTarget, upstreamPath } from './upstream-target.ts'
import { serialiseInteraction } from './yaml-format.ts'

/** What a recorder is made from. */
export interface RecorderParts {
  readonly upstream: Upstream
  readonly recordings: RecordingsConfig
  /** The simulator's own key, which must not get into a file either. */
  readonly apiKey: string
  readonly clock: Clock
  readonly logger: Logger
  /** Hears of each interaction that has been stored, as it was stored. */
  readonly onStored?: (interaction: Interaction) => void
}

/** Forwards requests to the real service, and records what it answers. */
export interface Recorder {
  /**
   * Makes the folder, and takes away what a killed process left half written.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE
   */
  open(): Promise<void>
  /** Answers an exchange as the upstream does; never rejects for what the upstream or the disk do. */
  forward(exchange: Exchange): Promise<Reply>
  /** Writes what is kept in memory. */
  save(): Promise<SaveReport>
  /**
   * Writes everything, and closes files and connections.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE when something is lost by that
   */
  close(): Promise<void>
}

/** nginx's status for a client that left before its answer: nobody sees it but the metrics. */
const clientLeftStatus = 499

/** Says in an answer that it is not in the recordings, and the log says why. */
const failedHeader = ['x-aoai-sim-recording', 'failed'] as const

/** Makes the recorder of one upstream and one folder. Nothing is opened before `open` or the first request. */
export function createRecorder(parts: RecorderParts): Recorder {
  const { upstream, recordings, apiKey, clock, logger, onStored } = parts
  const target = parseUpstreamTarget(upstream.endpoint)
  const connections = new UpstreamConnections(target, upstream, clock)
  const redactor = createRedactor(recordings.redact, [upstream.key, apiKey])
  const keeper = new RecordKeeper(recordings, logger)

  /** Stores an interaction, or says in the log why not; tells whether it is stored. */
  const store = async (exchange: Exchange, whole: Interaction): Promise<boolean> => {
    const { method, path } = exchange
    try {
      const interaction = redactor.interaction(whole)
      await keeper.keep(path, serialiseInteraction(interaction))
      onStored?.(interaction)
      return true
    } catch (error) {
      logger.error({ method, path }, `An answer was passed on but is not recorded. ${messageOf(error)}`)
      return false
    }
  }

  const ask = (exchange: Exchange): Promise<Attempt> => {
    const { method, path, query, body, random, signal } = exchange
    const request = {
      method,
      path: upstreamPath(target, path, query),
      headers: forwardedHeaders(exchange, target, upstream.key),
      body,
      signal,
      deadlineMs: clock.nowMs() + upstream.totalTimeoutMs,
    }
    const onRetry = (why: string, waitMs: number): void =>
      logger.info({ method, path, waitMs: Math.round(waitMs) }, `The upstream is asked again: ${why}`)
    return attemptCall(connections, request, { upstream, clock, random, onRetry })
  }

  const answer = async (exchange: Exchange, { answer: from, sentMs }: Attempt): Promise<Reply> => {
    const { method, path, query } = exchange
    const headers = returnedHeaders(from.rawHeaders, from.decoded)
    // Under the path that the caller asked for, which is the one that a replay will be asked for.
    const uri = `${target.origin}${path}${query === '' ? '' : `?${query}`}`
    const head: AnswerHead = { uri, status: from.status, reason: from.reason, headers }
    if (from.status === 401 || from.status === 403) {
      const message = `The upstream refused the key with status ${from.status}. Check AZURE_OPENAI_KEY.`
      logger.warn({ method, path }, message)
    }
    const tape = new RecordTape(isEventStream(headers))
    const isWanted = from.status < 400 || recordings.errors
    const keep = async (body: RecordedBody, durationMs: number): Promise<boolean> => {
      const usage = usageOf(body)
      if (usage && from.status < 400) reply.usage = usage
      return !isWanted || store(exchange, recordInteraction(exchange, head, body, durationMs))
    }

    // The recording is made of the headers as they came; those of the reply may get some more.
    const reply: Reply = {
      status: from.status,
      ...(from.reason !== '' && { reason: from.reason }),
      headers: new HeaderList([...headers.raw]),
      body: textBody(''),
      ownTime: true,
    }
    const live = passOn({ exchange, from, sentMs, tape, keep, logger, keepsErrors: recordings.errors })
    if (hasNoBody(method, from.status)) {
      // Its head is its end, so it has to be stored before.
      await gather(live.chunks)
      reply.body = { kind: 'live', chunks: nothing() }
      if (live.isStored === false) reply.headers.append(...failedHeader)
      return reply
    }
    if (comesInPieces(headers)) {
      const chunks = tellFailure(live.chunks, isEventStream(headers), exchange, logger)
      reply.body = { kind: 'live', chunks }
      return reply
    }
    reply.body = textBody(await gather(live.chunks))
    if (live.isStored === false) reply.headers.append(...failedHeader)
    return reply
  }

  return {
    async open() {
      try {
        await keeper.open()
      } catch (cause) {
        throw new OperatorError('RECORDINGS_UNWRITABLE', messageOf(cause), { cause })
      }
    },
    save: () => keeper.save(),
    async forward(exchange) {
      try {
        return await answer(exchange, await ask(exchange))
      } catch (error) {
        if (error instanceof UpstreamFailure) {
          const { method, path } = exchange
          logger.warn({ method, path, code: error.code }, `A request got no answer: ${error.message}`)
          return errorReply(exchange, upstreamError(error))
        }
        if (!(error instanceof CallerLeft)) throw error
        return { status: clientLeftStatus, headers: new HeaderList(), body: textBody('') }
      }
    },
    async close() {
      const { kept, failures } = await keeper.close()
      connections.close()
      if (failures.length === 0) return
      const message = `Could not save ${kept} interactions, which are lost. ${failures.join(' ')}`
      throw new OperatorError('RECORDINGS_UNWRITABLE', message)
    },
  }
}

function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304
}

async function* nothing(): AsyncGenerator<Uint8Array, undefined> {}

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of chunks) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** What the answer was billed for, so that it counts in the metrics. */
function usageOf(body: RecordedBody): Usage | undefined {
  return body.kind === 'bytes'
    ? usageOfBody(asBuffer(body.bytes))
    : usageOfEvents(body.events.map(({ text }) => text))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function isEventStream(headers: HeaderList): boolean {
  return headers.get('content-type')?.trim().toLowerCase().startsWith('text/event-stream') ?? false
}

/** Up to this length, in bytes, a body whose length is known is passed on in one piece, so that it can still fail whole. */
const wholeBodyBytes = 8 * 1024 * 1024

/**
 * Whether an answer is passed on as it arrives: a stream, and what is large or of unknown length. JSON is of no use before
 * its end, and as a whole it can still be replaced by an error that says what happened.
 */
function comesInPieces(headers: HeaderList): boolean {
  if (isEventStream(headers)) return true
  const length = headers.get('content-length')
  if (length !== undefined) return Number(length) > wholeBodyBytes
  return !/[/+]json\b/i.test(headers.get('content-type') ?? '')
}
