import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { LiveConfig } from '../config/live-config.ts'
import type { Patches, PatchStore } from '../config/patches.ts'
import { PatchWriter, readPatches } from '../config/stored-patches.ts'
import type { Clock, StopTimer } from '../lib/clock.ts'
import { listProblems, reasonOf } from '../lib/error-text.ts'
import { countOf } from '../lib/format-text.ts'
import type { Logger } from '../lib/logger.ts'
import { backoffMs, type BackoffRange, sleep } from '../lib/waiting.ts'

/** A write can hang, such as on a network share that is away. Changes do not wait longer for it. */
const TIMEOUT_MS = 10_000

/** Number of consecutive changes of the store by others after which a write fails. */
const MAX_CONFLICTS = 100

/** Number of problems of edited content that the log shows. */
const MAX_SHOWN_PROBLEMS = 5

/** Where changes are stored: one text that is replaced as a whole. Calls reject with a `StoreFailure`. */
export interface PatchMedium {
  readonly kind: 'file' | 'blob'
  /** Path or address, without secrets. */
  readonly address: string
  /** Delays after a failed write. The next change does not wait for them. */
  readonly retryDelays: BackoffRange
  /** The longest of these delays, for messages. */
  readonly longestPause: string
  /** What to do about content that cannot be used. */
  readonly repair: string
  /** Returns the text with a mark that differs whenever the text may differ; undefined if nothing is stored. */
  read(known: string | undefined): Promise<StoredText | 'unchanged' | undefined>
  /**
   * Replaces the text. Returns its new mark, or undefined if it does not have the given mark any more.
   *
   * @param mark undefined if nothing is stored
   */
  replace(text: string, mark: string | undefined): Promise<string | undefined>
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

  constructor(message: string, todo: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.todo = todo
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

/** Configuration changes that are kept for the next start. */
export interface ConfigStore {
  readonly kind: PatchMedium['kind']
  /** Absolute path with symbolic links resolved, or the address of a blob without secrets. */
  readonly address: string
  /** Number of changes in force that the store does not have yet. */
  readonly pending: number
  /** Whether the last write failed, or the store has content that does not fit. */
  readonly isFailing: boolean
  readonly state: 'ready' | 'failing'
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

/** Those who wait for the same write. */
interface Batch {
  readonly done: Promise<void>
  readonly end: () => void
}

function createBatch(): Batch {
  let end = (): void => {}
  const done = new Promise<void>((resolve) => (end = resolve))
  return { done, end }
}

/** Stores each change of the configuration, and applies the changes of others. */
export class SynchronizedPatches implements PatchStore, ConfigStore {
  readonly #medium: PatchMedium
  readonly #live: LiveConfig
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #writer = new PatchWriter()
  /** Undefined before anything is stored. */
  #known: Known | undefined
  /** The newest patches, if the store does not have them. */
  #newest: Patches | undefined
  /** Waits for the write after the current one. */
  #next: Batch | undefined
  /** Waits for the current write. */
  #current: Batch | undefined
  /** Whether the current write takes longer than the timeout. */
  #isHanging = false
  #isCheckWanted = false
  #working: Promise<void> | undefined
  #failure: string | undefined
  #retries = 0
  #stopRetry: StopTimer = () => {}
  #isClosed = false

  constructor(medium: PatchMedium, { live, clock, logger }: ConfigStoreDeps, known: Known | undefined) {
    this.#medium = medium
    this.#live = live
    this.#clock = clock
    this.#logger = logger
    this.#known = known
    // The first change then does not have to convert all of them.
    if (known) this.#writer.write(known.patches, '')
  }

  get kind(): PatchMedium['kind'] {
    return this.#medium.kind
  }

  get address(): string {
    return this.#medium.address
  }

  get state(): 'ready' | 'failing' {
    return this.isFailing ? 'failing' : 'ready'
  }

  get pending(): number {
    return this.#live.unstored
  }

  get isFailing(): boolean {
    return this.#failure !== undefined
  }

  /** One write stores all changes that were made during the previous one. */
  async offer(patches: Patches): Promise<'later'> {
    this.#newest = patches
    this.#next ??= createBatch()
    this.#start()
    return 'later'
  }

  async settled(): Promise<void> {
    if (!this.#isHanging) await (this.#next ?? this.#current)?.done
  }

  async refresh(): Promise<void> {
    this.#isCheckWanted = true
    this.#start()
    await this.#untilIdle()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopRetry()
    if (this.#newest) this.#start()
    const timeout = new AbortController()
    await Promise.race([this.#untilIdle(), sleep(TIMEOUT_MS, this.#clock, timeout.signal)])
    timeout.abort()
    delete this.#live.store
    if (!this.#newest) return
    const { address, pending } = this
    this.#logger.error(
      { path: address, reason: this.#failure },
      `Could not store ${countOf(pending, 'change')} of the configuration in ${address}: ${this.#failure}. The next start does not have them.`,
    )
  }

  #start(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
      // Called after the last check of the loop.
      if (this.#next || this.#isCheckWanted) this.#start()
    })
  }

  async #work(): Promise<void> {
    this.#stopRetry()
    do {
      this.#isCheckWanted = false
      const batch = (this.#current = this.#next)
      this.#next = undefined
      const stopTimeout = this.#clock.at(this.#clock.nowMs() + TIMEOUT_MS, () => {
        this.#report(new Error(`it takes longer than ${TIMEOUT_MS / 1_000} seconds`))
        this.#isHanging = true
        batch?.end()
        this.#next?.end()
      })
      try {
        await this.#synchronize()
        this.#succeed()
      } catch (error) {
        this.#fail(error)
      }
      stopTimeout()
      this.#isHanging = false
      this.#current = undefined
      batch?.end()
      // The write included changes that were made while it was prepared.
      if (!this.#newest) this.#endNext()
    } while (this.#next)
  }

  async #untilIdle(): Promise<void> {
    while (this.#working) await this.#working
  }

  #endNext(): void {
    this.#next?.end()
    this.#next = undefined
  }

  /** Applies the content of the store if it has changed, and writes what it does not have. */
  async #synchronize(): Promise<void> {
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const base = await this.#takeOver()
      const patches = this.#newest
      if (!patches) return
      const text = this.#writer.write(patches, randomUUID())
      const mark = await this.#medium.replace(text, base)
      if (mark === undefined) continue
      this.#known = { mark, patches }
      this.#live.markStored(patches)
      if (this.#newest === patches) this.#newest = undefined
      return
    }
    throw new Error('other programs change it all the time')
  }

  /** Applies the content of the store if it has changed. Returns its mark; undefined if nothing is stored. */
  async #takeOver(): Promise<string | undefined> {
    const { address } = this
    const found = await this.#medium.read(this.#known?.mark)
    if (found === 'unchanged') return this.#known?.mark
    if (!found) return undefined
    const patches = readPatches(found.text)
    if ('problems' in patches) throw unusable(patches.problems, this.#medium.repair)
    // A network share can change the time of a file after it was written.
    const isSame = this.#known && isDeepStrictEqual(patches, JSON.parse(JSON.stringify(this.#known.patches)))
    if (this.#known && isSame) {
      this.#known = { ...this.#known, mark: found.mark }
      return found.mark
    }
    const { problems, dropped } = await this.#live.adopt(() => patches)
    if (problems.length > 0) throw unusable(problems, this.#medium.repair)
    this.#known = { mark: found.mark, patches }
    if (this.#live.unstored === 0) this.#newest = undefined
    this.#logger.info(
      { path: address },
      `Applied the changes of the configuration in ${address}, which another program has written.`,
    )
    if (dropped.length === 0) return found.mark
    this.#logger.warn(
      { path: address, problems: dropped },
      `Discarded ${countOf(dropped.length, 'change')} of the configuration: another program has changed ${address} at the same time, and they do not fit its content. Make them again.`,
    )
    return found.mark
  }

  #succeed(): void {
    this.#retries = 0
    if (this.#failure === undefined) return
    this.#failure = undefined
    const { address } = this
    this.#logger.info({ path: address }, `All changes of the configuration are stored in ${address} again.`)
  }

  #fail(error: unknown): void {
    const delayMs = backoffMs(this.#retries++, this.#medium.retryDelays)
    this.#stopRetry()
    if (!this.#isClosed) {
      this.#stopRetry = this.#clock.at(this.#clock.nowMs() + delayMs, () => void this.refresh())
    }
    this.#report(error)
  }

  #report(error: unknown): void {
    const { address } = this
    const reason = reasonOf(error)
    if (reason === this.#failure) return
    this.#failure = reason
    const todo = error instanceof StoreFailure ? error.todo : ''
    const message = `Could not store the changes of the configuration in ${address}: ${reason}. They stay in force, and are stored with the next change, or after a pause of at most ${this.#medium.longestPause}. ${todo}`
    this.#logger.error({ path: address, pending: this.pending }, message.trimEnd())
  }
}

/** The store was edited, and its content cannot be applied. It is not overwritten. */
function unusable(problems: readonly string[], repair: string): StoreFailure {
  const shown = listProblems(problems.slice(0, MAX_SHOWN_PROBLEMS)).map((problem) =>
    problem.replace(/\.$/, ''),
  )
  return new StoreFailure(`its content does not fit: ${shown.join('; ')}`, repair)
}
