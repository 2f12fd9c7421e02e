import type { RecordingsConfig, Upstream } from '../config/recordings-config.ts'
import { clientLeftReply } from '../pipeline/client-left-reply.ts'
import { errorReply } from '../pipeline/error-reply.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Forwarder } from '../pipeline/extension.ts'
import type { RecordingLoss } from './recording-loss.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { Clock } from '../lib/clock.ts'
import { keyForms } from '../lib/credential-texts.ts'
import { reasonOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { AppendFailure } from './append-failure.ts'
import { attemptCall, type Attempt } from '../upstream/forward-attempts.ts'
import { forwardedHeaders, returnedHeaders } from '../upstream/forward-headers.ts'
import type { Interaction } from './interaction.ts'
import { LossReports } from './loss-reports.ts'
import { RecordKeeper, type SaveReport } from './record-keeper.ts'
import { recordReply, type RecordReplyParts } from './record-reply.ts'
import { createKeyMask } from '../upstream/mask-key.ts'
import { TapeRoom } from './record-tape.ts'
import { createRedactor } from './redact-interaction.ts'
import { RedactionTooSlow } from './redact-patterns.ts'
import { UpstreamConnections } from '../upstream/upstream-call.ts'
import { CallerLeft, pathLeavesEndpoint, UpstreamFailure, upstreamError } from '../upstream/upstream-failure.ts'
import { leavesEndpoint, parseUpstreamTarget, upstreamPath } from '../upstream/upstream-target.ts'
import { serialiseInteraction } from './yaml-format.ts'

/** What a recorder is made from. */
export interface RecorderParts {
  readonly upstream: Upstream
  readonly recordings: RecordingsConfig
  /** The upstream's key and the simulator's own ones, none of which may get into a file. */
  readonly secrets: readonly string[]
  /** Most kilobytes of the headers of an answer. */
  readonly headerLimitKb: number
  readonly clock: Clock
  readonly logger: Logger
  /** Asked before the upstream: all forwarders of extensions as one; absent where there are none. */
  readonly forwarder?: Forwarder
  /** Hears of each interaction that has been stored, as it was stored. */
  readonly onStored?: (interaction: Interaction) => void
  /** Called for each answer that could not be recorded. */
  readonly onLost?: ((loss: RecordingLoss) => void) | undefined
}

/** Forwards requests to the real service, and records what it answers. */
export interface Recorder {
  /** What could not be recorded. */
  readonly losses: Pick<LossReports, 'isFailing' | 'lost'>
  /**
   * Makes the folder, and takes away what a killed process left half written.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE
   */
  open(): Promise<void>
  /**
   * Answers an exchange as a forwarder does, or the upstream. A path that leads out of the endpoint gets to neither. Rejects
   * with what a forwarder throws; never for what the upstream or the disk do.
   */
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

/** Stands in recordings for what a forwarder asked, which it alone knows. Matching looks at path and query. */
const forwarderOrigin = 'http://forwarder'

/** Makes the recorder of one upstream and one folder. Nothing is opened before `open` or the first request. */
export function createRecorder(parts: RecorderParts): Recorder {
  const { upstream, recordings, secrets, clock, logger, forwarder, onStored, onLost } = parts
  const target = parseUpstreamTarget(upstream.endpoint)
  const connections = new UpstreamConnections(target, upstream, clock, parts.headerLimitKb)
  const redactor = createRedactor(recordings.redact, { keys: secrets })
  const mask = createKeyMask(keyForms(upstream.key))
  const keeper = new RecordKeeper(recordings, logger)
  const losses = new LossReports({ clock, logger, onLost })
  let stored = 0

  /** Stores an interaction, or says in the log why not; tells whether it is stored. */
  const store = async (exchange: Exchange, whole: Interaction): Promise<boolean> => {
    try {
      const interaction = await redactor.interactionInSlices(whole)
      await keeper.keep(redactor.uri(exchange.path), serialiseInteraction(interaction))
      losses.written()
      onStored?.(interaction)
      exchange.answeredBy = 'recorded'
      stored++
      return true
    } catch (error) {
      losses.count(lossOf(error), exchange, reasonOf(error))
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

  const replyParts: RecordReplyParts = {
    keepsErrors: recordings.errors,
    logger,
    room: new TapeRoom(),
    store,
    onLost: (loss, exchange, why) => losses.count(loss, exchange, why),
  }

  const answer = async (exchange: Exchange, { answer: from, sentMs }: Attempt): Promise<Reply> => {
    const { method, path } = exchange
    if (from.status === 401 || from.status === 403) {
      const message = `The upstream refused the key with status ${from.status}. Check AZURE_OPENAI_KEY.`
      logger.warn({ method, path }, message)
    }
    const reply: Reply = {
      status: from.status,
      ...(from.reason !== '' && { reason: mask.text(from.reason) }),
      headers: returnedHeaders(
        from.rawHeaders.map((text) => mask.text(text)),
        from.decoded,
      ),
      body: { kind: 'live', chunks: mask.chunks(from.chunks) },
      ownTime: true,
    }
    return recordReply({ exchange, reply, uri: uriAt(target.origin, exchange), sentMs }, replyParts)
  }

  const askUpstream = async (exchange: Exchange): Promise<Reply> => {
    try {
      return await answer(exchange, await ask(exchange))
    } catch (error) {
      if (error instanceof UpstreamFailure) {
        const { method, path } = exchange
        logger.warn({ method, path, code: error.code }, `A request got no answer: ${error.message}`)
        return errorReply(exchange, upstreamError(error))
      }
      if (!(error instanceof CallerLeft)) throw error
      return clientLeftReply()
    }
  }

  const askForwarder = async (exchange: Exchange, forwarder: Forwarder): Promise<Reply | undefined> => {
    const sentMs = clock.nowMs()
    const forwarded = await forwarder(exchange)
    if (!forwarded) return undefined
    const { reply, store: isWanted = true } = 'reply' in forwarded ? forwarded : { reply: forwarded }
    // In replay mode a miss comes here too, and what has been elsewhere is not to be given a model's time on top.
    reply.ownTime = true
    if (!isWanted) return reply
    return recordReply({ exchange, reply, uri: uriAt(forwarderOrigin, exchange), sentMs }, replyParts)
  }

  return {
    losses,
    async open() {
      try {
        await keeper.open()
      } catch (cause) {
        throw new OperatorError('RECORDINGS_UNWRITABLE', reasonOf(cause), { cause })
      }
    },
    save: () => keeper.save(),
    async forward(exchange) {
      const { method, path } = exchange
      if (leavesEndpoint(target, path)) {
        logger.info({ method, path }, 'A request was refused: its path leads out of the endpoint.')
        return errorReply(exchange, pathLeavesEndpoint())
      }
      exchange.answeredBy = 'not recorded'
      return (forwarder && (await askForwarder(exchange, forwarder))) ?? askUpstream(exchange)
    },
    async close() {
      const { kept, failures } = await keeper.close()
      connections.close()
      losses.close()
      const recorded = stored - kept
      if (stored > 0)
        logger.info(
          { recorded },
          `${countOf(recorded, 'interaction')} recorded, in ${countOf(keeper.fileCount, 'file')} of ${recordings.dir}.`,
        )
      if (failures.length === 0) return
      const message = `Could not save ${kept} interactions, which are lost. ${failures.join(' ')}`
      throw new OperatorError('RECORDINGS_UNWRITABLE', message)
    },
  }
}

function lossOf(error: unknown): RecordingLoss {
  if (error instanceof AppendFailure) return 'unwritable'
  return error instanceof RedactionTooSlow ? 'redaction' : 'internal'
}

function countOf(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

/** Under the path that the caller asked for, which is the one that a replay will be asked for. */
function uriAt(origin: string, { path, query }: Exchange): string {
  return `${origin}${path}${query === '' ? '' : `?${query}`}`
}
