import { countOf } from '../lib/format-text.ts'
import type { RecordingsConfig } from '../config/config.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { type RecordingLoss, LossReports } from './loss-reports.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { Clock } from '../lib/clock.ts'
import { reasonOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { Forward } from '../upstream/forward.ts'
import { AppendFailure } from './append-file.ts'
import type { Interaction, WrittenTo } from './interaction.ts'
import { RecordingWriter, type SaveReport } from './recording-writer.ts'
import { recordReply, type RecordReplyDeps } from './record-reply.ts'
import { MemoryBudget } from './body-recorder.ts'
import { createRedactor, RedactionTooSlow } from './redact-interaction.ts'
import { serializeInteraction } from './yaml-format.ts'

/** Dependencies of a recorder. */
export interface RecorderDeps {
  readonly recordings: RecordingsConfig
  /** Returns the current keys of upstreams and of the simulator. They must not be written to files. */
  readonly secrets: () => readonly string[]
  readonly clock: Clock
  readonly logger: Logger
  /** Called with each stored interaction, in the form in which it was stored. */
  readonly onStored?: (interaction: Interaction, written: WrittenTo) => void
  /** Called for each answer that could not be recorded. */
  readonly onLost?: ((loss: RecordingLoss) => void) | undefined
}

/** Records the answers of other services in one folder. */
export interface Recorder {
  /** The answers that could not be recorded. */
  readonly losses: Pick<LossReports, 'isFailing' | 'lost'>
  /** Number of interactions that were recorded since the start. */
  readonly recorded: number
  /** Number of recorded interactions that are in memory only. */
  readonly pending: number
  /** The last recorded interactions, newest first. */
  recent(): readonly RecentRecording[]
  /**
   * Creates the folder, and removes incomplete items of killed processes.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE
   */
  open(): Promise<void>
  /** Forwards an exchange and records the answer. Rejects if `forward` rejects, but not for errors of the disk. */
  answer(exchange: Exchange, forward: Forward): Promise<Reply>
  /**
   * Forwards an exchange, reads the answer to its end, and writes it to the disk, also without autosave. Rejects if `forward` rejects.
   */
  record(exchange: Exchange, forward: Forward): Promise<RecordResult>
  /** Writes the interactions in memory. */
  save(): Promise<SaveReport>
  /**
   * Writes the interactions in memory and releases the folder.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE if some of them could not be written and are lost
   */
  close(): Promise<void>
}

/** The result of recording one exchange. */
export interface RecordResult {
  /** The answer. A live body has been read. */
  readonly reply: Reply
  /** Where it was written; undefined if it was not. */
  readonly written: WrittenTo | undefined
  /** Why it was not written, as sentences; undefined if it was. */
  readonly whyNot: string | undefined
}

/** An interaction that was recorded since the start. */
export interface RecentRecording {
  /** Counts up from 1. */
  readonly number: number
  readonly epochMs: number
  readonly method: string
  /** Without the prefix of the resource. */
  readonly path: string
  readonly status: number
  readonly streamed: boolean
  readonly model: string | undefined
  readonly written: WrittenTo
}

/** Number of interactions that `recent` returns. */
const MAX_RECENT = 200

/** Creates the recorder of one folder. It opens nothing before `open` or the first request. */
export function createRecorder(deps: RecorderDeps): Recorder {
  const { recordings, secrets, clock, logger, onStored } = deps
  const redactor = createRedactor(recordings.redact, { secrets })
  const writer = new RecordingWriter(recordings, logger)
  const losses = new LossReports({ clock, logger, onLost: deps.onLost })
  let stored = 0
  const recent: RecentRecording[] = []

  /** Stores an interaction. Reports a failure and returns undefined. */
  const store = async (
    exchange: Exchange,
    original: Interaction,
    onLost: RecordReplyDeps['onLost'],
    isImmediate = false,
  ): Promise<WrittenTo | undefined> => {
    try {
      const interaction = await redactor.interactionInSlices(original)
      const path = redactor.uri(exchange.servicePath)
      const written = await writer.write(path, serializeInteraction(interaction), isImmediate)
      losses.written()
      onStored?.(interaction, written)
      exchange.answeredBy = 'recorded'
      stored++
      const epochMs = clock.epochMs()
      const { method, deploymentName } = exchange
      const { status, body } = interaction.response
      const streamed = body.kind === 'events'
      recent.push({
        number: stored,
        epochMs,
        method,
        path,
        status: status.code,
        streamed,
        model: deploymentName,
        written,
      })
      if (recent.length > MAX_RECENT) recent.shift()
      return written
    } catch (error) {
      onLost(lossOf(error), exchange, reasonOf(error))
      return undefined
    }
  }

  const onLost: RecordReplyDeps['onLost'] = (loss, exchange, why) => losses.report(loss, exchange, why)
  const replyDeps: RecordReplyDeps = {
    recordsErrors: recordings.errors,
    logger,
    budget: new MemoryBudget(),
    store: async (exchange, interaction) => (await store(exchange, interaction, onLost)) !== undefined,
    onLost,
  }

  const forwardAndRecord = async (
    exchange: Exchange,
    forward: Forward,
    deps: RecordReplyDeps,
    onBodyFailure: (why: string) => void,
  ): Promise<Reply> => {
    exchange.answeredBy = 'not recorded'
    const { reply, origin, sentMs, store: shouldStore } = await forward(exchange, onBodyFailure)
    if (!shouldStore) return reply
    return recordReply({ exchange, reply, uri: recordedUri(origin, exchange), sentMs }, deps)
  }

  const logBodyFailure = (exchange: Exchange, why: string): void =>
    logger.warn(exchange.logFields, `An answer was interrupted and is not recorded: ${why}`)

  return {
    losses,
    get recorded() {
      return stored
    },
    get pending() {
      return writer.pending
    },
    recent: () => recent.toReversed(),
    async open() {
      try {
        await writer.open()
      } catch (cause) {
        throw new OperatorError('RECORDINGS_UNWRITABLE', reasonOf(cause), { cause })
      }
    },
    save: () => writer.save(),
    answer: (exchange, forward) =>
      forwardAndRecord(exchange, forward, replyDeps, (why) => logBodyFailure(exchange, why)),
    async record(exchange, forward) {
      let written: WrittenTo | undefined
      let whyNot: string | undefined
      const onLostNow: RecordReplyDeps['onLost'] = (loss, exchange, why) => {
        onLost(loss, exchange, why)
        whyNot = why
      }
      const depsNow: RecordReplyDeps = {
        ...replyDeps,
        store: async (exchange, interaction) => {
          written = await store(exchange, interaction, onLostNow, true)
          return written !== undefined
        },
        onLost: onLostNow,
      }
      const reply = await forwardAndRecord(exchange, forward, depsNow, (why) => {
        logBodyFailure(exchange, why)
        whyNot = `The answer was interrupted: ${why}`
      })
      try {
        if (reply.body.kind === 'live') for await (const _ of reply.body.chunks);
      } catch (error) {
        whyNot ??= `The answer was interrupted: ${reasonOf(error)}`
      }
      return { reply, written, whyNot }
    },
    async close() {
      const { unsaved: lost, failures } = await writer.close()
      losses.close()
      const recorded = stored - lost
      if (stored > 0)
        logger.info(
          { recorded },
          `${countOf(recorded, 'interaction')} recorded, in ${countOf(writer.fileCount, 'file')} of ${recordings.dir}.`,
        )
      if (failures.length === 0) return
      const message = `Could not save ${lost} interactions, which are lost. ${failures.join(' ')}`
      throw new OperatorError('RECORDINGS_UNWRITABLE', message)
    },
  }
}

function lossOf(error: unknown): RecordingLoss {
  if (error instanceof AppendFailure) return 'unwritable'
  return error instanceof RedactionTooSlow ? 'redaction' : 'internal'
}

/** The path is that of the client's request below its resource, because replay compares it with those paths. */
function recordedUri(origin: string, { servicePath, query }: Exchange): string {
  return `${origin}${servicePath}${query === '' ? '' : `?${query}`}`
}
