import type { LiveConfig } from '../config/live-config.ts'
import type { Patches } from '../config/patches.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { BackoffRange } from '../lib/waiting.ts'

/** Where changes are stored: one text that is replaced as a whole. Calls reject with a `StoreFailure`. */
export interface PatchMedium {
  readonly kind: 'file' | 'blob'
  /** Path or address, without secrets. */
  readonly address: string
  /** Delays after a failed write. The next change does not wait for them. */
  readonly retryDelays: BackoffRange
  /** The longest of these delays, for messages. */
  readonly longestPause: string
  /** How often others can have changed the text; absent if another part notices that. */
  readonly pollMs?: number
  /** What to do about content that cannot be used. */
  readonly repair: string
  /** Returns the text with a mark that differs whenever the text may differ; undefined if nothing is stored. */
  read(known: string | undefined, signal: AbortSignal): Promise<StoredText | 'unchanged' | undefined>
  /**
   * Replaces the text. Returns its new mark, or undefined if it does not have the given mark any more.
   *
   * @param mark undefined if nothing is stored
   */
  replace(text: string, mark: string | undefined, signal: AbortSignal): Promise<string | undefined>
}

/** Copy of the changes on this machine, for a start without the store. */
export interface PatchCopy {
  /** Path of the file. */
  readonly path: string
  /** Whether the last `save` failed. */
  readonly isFailing: boolean
  /**
   * Replaces the copy. Never rejects.
   *
   * @param known what the store has; undefined if that is unknown
   * @param newest the patches in force, if the store does not have them
   */
  save(known: Known | undefined, newest: Patches | undefined): Promise<void>
}

/** A stored text with its mark. */
export interface StoredText {
  readonly text: string
  readonly mark: string
}

/** The store cannot be read or written. The message has no secret. */
export class StoreFailure extends Error {
  /** A sentence; empty if there is nothing to do. */
  readonly todo: string
  /** Whether it can end without anybody's doing. */
  readonly isTransient: boolean
  /** How long the store asks not to be called, in ms. */
  readonly retryAfterMs: number

  constructor(
    message: string,
    todo: string,
    options: {
      readonly cause?: unknown
      readonly isTransient?: boolean
      readonly retryAfterMs?: number
    } = {},
  ) {
    super(message, { cause: options.cause })
    this.todo = todo
    this.isTransient = options.isTransient ?? false
    this.retryAfterMs = options.retryAfterMs ?? 0
  }
}

/** Dependencies of a store. */
export interface ConfigStoreDeps {
  /** The configuration that is changed. */
  readonly live: LiveConfig
  /** The system clock, also if exchanges have a virtual one. */
  readonly clock: Clock
  readonly logger: Logger
}

/** Configuration changes that are kept for the next start. Texts have no secret. */
export interface ConfigStore {
  readonly kind: PatchMedium['kind']
  /** Absolute path with symbolic links resolved, or the address of a blob without its SAS. */
  readonly address: string
  /** Number of changes in force that the store does not have yet. */
  readonly pending: number
  /** Whether the last write failed, or the store has content that does not fit. */
  readonly isFailing: boolean
  readonly state: 'saved' | 'saving' | 'failing'
  /** Why it is failing. */
  readonly failure: string | undefined
  /** Applies the content of the store if another program has changed it. */
  refresh(): Promise<void>
  /** Writes pending changes once more, and stops. Logs an error if they cannot be written. */
  close(): Promise<void>
}

/** The content of the store, as far as this process knows. */
export interface Known {
  readonly mark: string
  readonly patches: Patches
}
