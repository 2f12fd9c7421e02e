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
import { TapeRoom } from './body-recorder.ts'
import { createRedactor, RedactionTooSlow } from './redact-interaction.ts'
import { serialiseInteraction } from './yaml-format.ts'

/** What a recorder is made from. */
export interface RecorderDeps {
  readonly recordings: RecordingsConfig
  /** Gives the keys of the moment, of upstreams and of the simulator, none of which may get into a file. */
  readonly secrets: () => readonly string[]
  readonly clock: Clock
  readonly logger: Logger
  /** Hears of each interaction that has been stored, as it was stored. */
  readonly onStored?: (interaction: Interaction) => void
  /** Called for each answer that could not be recorded. */
  readonly onLost?: ((loss: RecordingLoss) => void) | undefined
}

/** Records what other services answer, in one folder. */
export interface Recorder {
  /** What could not be recorded. */
  readonly losses: Pick<LossReports, 'isFailing' | 'lost'>
  /**
   * Makes the folder, and takes away what a killed process left half written.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE
   */
  open(): Promise<void>
  /** Lets an exchange be answered elsewhere, and records the answer. Rejects as `forward` does; never for what the disk does. */
  answer(exchange: Exchange, forward: Forward): Promise<Reply>
  /** Writes what is kept in memory. */
  save(): Promise<SaveReport>
  /**
   * Writes everything, and closes files.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE when something is lost by that
   */
  close(): Promise<void>
}

/** Makes the recorder of one folder. Nothing is opened before `open` or the first request. */
export function createRecorder(parts: RecorderDeps): Recorder {
  const { recordings, secrets, clock, logger, onStored, onLost } = parts
  const redactor = createRedactor(recordings.redact, { secrets })
  const keeper = new RecordingWriter(recordings, logger)
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

  const replyParts: RecordReplyDeps = {
    keepsErrors: recordings.errors,
    logger,
    room: new TapeRoom(),
    store,
    onLost: (loss, exchange, why) => losses.count(loss, exchange, why),
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
    async answer(exchange, forward) {
      exchange.answeredBy = 'not recorded'
      const onBroken = (why: string): void => {
        logger.warn(exchange.logFields, `An answer broke on its way and is not recorded: ${why}`)
      }
      const { reply, origin, sentMs, store: isWanted } = await forward(exchange, onBroken)
      if (!isWanted) return reply
      return recordReply({ exchange, reply, uri: uriAt(origin, exchange), sentMs }, replyParts)
    },
    async close() {
      const { kept, failures } = await keeper.close()
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

/** Under the path that the caller asked for, which is the one that a replay will be asked for. */
function uriAt(origin: string, { path, query }: Exchange): string {
  return `${origin}${path}${query === '' ? '' : `?${query}`}`
}
