import { isDeepStrictEqual } from 'node:util'
import type { ResourceView } from '../config/config.ts'
import { configSecrets } from '../config/redact-config.ts'
import type { Forwarder } from '../pipeline/extension.ts'
import type { ModeHandler } from '../pipeline/stage.ts'
import type { RecordingLoss } from '../recordings/recording-loss.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Interaction } from '../recordings/interaction.ts'
import { createRecorder, type Recorder } from '../recordings/record-mode.ts'
import { createReplay, type Replay } from '../recordings/replay-mode.ts'
import type { TurnCounter } from '../recordings/replay-turns.ts'

/** What a mode works with. */
export interface ModeParts {
  /** Forwards and records; undefined where the mode never does. */
  readonly recorder: Recorder | undefined
  /** Answers from recordings; undefined in other modes. */
  readonly replay: Replay | undefined
}

type ModeKey = Pick<ResourceView, 'mode' | 'recordings' | 'upstream'>

/** What the parts are made from. */
export interface ModeTableParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly generate: ModeHandler
  readonly forwarder: Forwarder | undefined
  /** Called for each answer that could not be recorded. */
  readonly onRecordingLost?: (loss: RecordingLoss) => void
  /** Counts the turns of requests that were recorded several times; undefined: this process alone. */
  readonly turns?: TurnCounter | undefined
}

/**
 * The recorders and the indexes of recordings of all modes that the configuration had. Those of a mode that was left stay
 * until the end: requests that began in it are still answered by it, and the next change may go back to it.
 */
export class ModeTable {
  readonly #parts: ModeTableParts
  readonly #made: { readonly key: ModeKey; readonly parts: ModeParts }[] = []
  readonly #byConfig = new WeakMap<ResourceView, ModeParts>()
  readonly #opened = new Set<Recorder>()

  constructor(parts: ModeTableParts) {
    this.#parts = parts
  }

  /** The parts of a mode. @throws {OperatorError} for recordings that cannot be read */
  of(config: ResourceView): ModeParts {
    const known = this.#byConfig.get(config)
    if (known) return known
    const { mode, recordings, upstream } = config
    const key: ModeKey = { mode, recordings, upstream }
    const equal = this.#made.find((made) => isDeepStrictEqual(made.key, key))?.parts
    const parts = equal ?? this.#create(config)
    if (!equal) this.#made.push({ key, parts })
    this.#byConfig.set(config, parts)
    return parts
  }

  /**
   * Makes a mode ready for its first request.
   *
   * @throws {OperatorError} for recordings that cannot be read, or a folder that cannot be written
   */
  async open(config: ResourceView): Promise<void> {
    const { recorder } = this.of(config)
    if (!recorder || this.#opened.has(recorder)) return
    await recorder.open()
    this.#opened.add(recorder)
  }

  /** Begins the turns of repeated recordings anew. */
  reset(): void {
    for (const { parts } of this.#made) parts.replay?.reset()
  }

  /** Writes and closes everything. @throws {OperatorError} RECORDINGS_UNWRITABLE when something is lost by that */
  async close(): Promise<void> {
    for (const { parts } of this.#made) await parts.recorder?.close()
  }

  #create(config: ResourceView): ModeParts {
    const { mode, recordings, upstream, connections } = config
    const secrets = configSecrets(config)
    const { clock, logger, generate, forwarder, onRecordingLost, turns } = this.#parts
    const replays: Replay[] = []
    const onStored = (interaction: Interaction): void => replays[0]?.add(interaction)
    const recorder =
      mode === 'generate' || !upstream || (mode === 'replay' && recordings.replay.onMiss !== 'record')
        ? undefined
        : createRecorder({
            upstream,
            recordings,
            secrets,
            headerLimitKb: connections.headerLimitKb,
            clock,
            logger,
            onStored,
            onLost: onRecordingLost,
            ...(forwarder && { forwarder }),
          })
    const record: ModeHandler = (exchange) => recorder?.forward(exchange)
    if (mode !== 'replay') return { recorder, replay: undefined }
    const replay = createReplay({ recordings, secrets, logger, generate, record, turns })
    replays.push(replay)
    return { recorder, replay }
  }
}
