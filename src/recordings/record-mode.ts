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
import type { Interaction } from './interaction.ts'
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
  readonly onStored?: (interaction: Interaction) => void
  /** Called for each answer that could not be recorded. */
  readonly onLost?: ((loss: RecordingLoss) => void) | undefined
}

/** Records the answers of other services in one folder. */
export interface Recorder {
  /** The answers that could not be recorded. */
  readonly losses: Pick<LossReports, 'isFailing' | 'lost'>
  /**
   * Creates the folder, and removes incomplete items of killed processes.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE
   */
  open(): Promise<void>
  /** Forwards an exchange and records the answer. Rejects if `forward` rejects, but not for errors of the disk. */
  answer(exchange: Exchange, forward: Forward): Promise<Reply>
  /** Writes the interactions in memory. */
  save(): Promise<SaveReport>
  /**
   * Writes the interactions in memory and releases the folder.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE if some of them could not be written and are lost
   */
  close(): Promise<void>
}

/** Creates the recorder of one folder. It opens nothing before `open` or the first request. */
export function createRecorder(deps: RecorderDeps): Recorder {
  const { recordings, secrets, clock, logger, onStored, onLost } = deps
  const redactor = createRedactor(recordings.redact, { secrets })
  const writer = new RecordingWriter(recordings, logger)
  const losses = new LossReports({ clock, logger, onLost })
  let stored = 0

  /** Stores an interaction. Logs a failure and returns false. */
  const store = async (exchange: Exchange, original: Interaction): Promise<boolean> => {
    try {
      const interaction = await redactor.interactionInSlices(original)
      await writer.write(redactor.uri(exchange.servicePath), serializeInteraction(interaction))
      losses.written()
      onStored?.(interaction)
      exchange.answeredBy = 'recorded'
      stored++
      return true
    } catch (error) {
      losses.report(lossOf(error), exchange, reasonOf(error))
      return false
    }
  }

  const replyDeps: RecordReplyDeps = {
    recordsErrors: recordings.errors,
    logger,
    budget: new MemoryBudget(),
    store,
    onLost: (loss, exchange, why) => losses.report(loss, exchange, why),
  }

  return {
    losses,
    async open() {
      try {
        await writer.open()
      } catch (cause) {
        throw new OperatorError('RECORDINGS_UNWRITABLE', reasonOf(cause), { cause })
      }
    },
    save: () => writer.save(),
    async answer(exchange, forward) {
      exchange.answeredBy = 'not recorded'
      const onBodyFailure = (why: string): void => {
        logger.warn(exchange.logFields, `An answer was interrupted and is not recorded: ${why}`)
      }
      const { reply, origin, sentMs, store: shouldStore } = await forward(exchange, onBodyFailure)
      if (!shouldStore) return reply
      return recordReply({ exchange, reply, uri: recordedUri(origin, exchange), sentMs }, replyDeps)
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
