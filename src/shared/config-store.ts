import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { LiveConfig } from '../config/live-config.ts'
import type { Patches, PatchStore } from '../config/patches.ts'
import { PatchWriter, readPatches } from '../config/stored-patches.ts'
import type { Clock, StopTimer } from '../lib/clock.ts'
import { listProblems, reasonOf } from '../lib/error-text.ts'
import { countOf } from '../lib/format-text.ts'
import type { Logger } from '../lib/logger.ts'
import { backoffMs, sleep } from '../lib/waiting.ts'
import {
  type ConfigStore,
  type ConfigStoreDeps,
  type Known,
  type PatchCopy,
  type PatchMedium,
  StoreFailure,
} from './patch-medium.ts'

/** A write can hang, such as on a network share that is away. Changes do not wait longer for it. */
const TIMEOUT_MS = 10_000

/** Number of consecutive changes of the store by others after which a write fails. */
const MAX_CONFLICTS = 100

/** Number of problems of edited content that the log shows. */
const MAX_SHOWN_PROBLEMS = 5

/** Why a call of the store is aborted at the end. */
const stopping = new StoreFailure('the simulator stops', '')

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
  readonly #copy: PatchCopy | undefined
  /** Whether the store does not answer in time, or asks for a pause. Changes then do not wait for it. */
  #isAway = false
  /** A write without a known result. */
  #sent: { readonly text: string; readonly patches: Patches } | undefined
  #abort = new AbortController()
  #isCheckWanted = false
  #working: Promise<void> | undefined
  #failure: string | undefined
  #retries = 0
  #stopTimer: StopTimer = () => {}
  #isClosed = false
  #closing: Promise<void> | undefined

  /**
   * @param known what the store has
   * @param copy kept in step with the store
   */
  constructor(
    medium: PatchMedium,
    { live, clock, logger }: ConfigStoreDeps,
    known: Known | undefined,
    copy?: PatchCopy,
  ) {
    this.#medium = medium
    this.#live = live
    this.#clock = clock
    this.#logger = logger
    this.#known = known
    this.#copy = copy
    // The first change then does not have to convert all of them.
    if (known) this.#writer.write(known.patches, '')
    this.#schedulePoll()
  }

  get kind(): PatchMedium['kind'] {
    return this.#medium.kind
  }

  get address(): string {
    return this.#medium.address
  }

  get state(): ConfigStore['state'] {
    if (this.isFailing) return 'failing'
    return this.pending > 0 ? 'saving' : 'saved'
  }

  get pending(): number {
    return this.#live.unstored
  }

  get isFailing(): boolean {
    return this.#failure !== undefined
  }

  get failure(): string | undefined {
    return this.#failure
  }

  /** Starts although the store could not be read. It is read later. */
  startWithout(failure: StoreFailure): void {
    this.#failure = failure.message
    this.#isAway = true
    this.#scheduleRetry(failure)
  }

  /** One write stores all changes that were made during the previous one. */
  async offer(patches: Patches): Promise<'later'> {
    this.#newest = patches
    if (this.#isAway && !this.#working) return 'later'
    this.#next ??= createBatch()
    this.#start()
    return 'later'
  }

  async settled(): Promise<void> {
    if (this.#isAway) await this.#copy?.save(this.#known, this.#newest)
    else await (this.#next ?? this.#current)?.done
  }

  async refresh(): Promise<void> {
    this.#isCheckWanted = true
    this.#start()
    await this.#untilIdle()
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    this.#stopTimer()
    if (this.#newest) this.#start()
    else this.#abort.abort(stopping)
    const timeout = new AbortController()
    await Promise.race([this.#untilIdle(), sleep(TIMEOUT_MS, this.#clock, timeout.signal)])
    timeout.abort()
    this.#abort.abort(stopping)
    delete this.#live.store
    if (!this.#newest) return
    const { address, pending } = this
    const next =
      this.#copy && !this.#copy.isFailing
        ? `They are in ${this.#copy.path}, and the next start on this machine stores them.`
        : 'The next start does not have them.'
    this.#logger.error(
      { path: address, reason: this.#failure },
      `Could not store ${countOf(pending, 'change')} of the configuration in ${address}: ${this.#failure}. ${next}`,
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
    this.#stopTimer()
    do {
      this.#isCheckWanted = false
      const batch = (this.#current = this.#next)
      this.#next = undefined
      const abort = (this.#abort = new AbortController())
      const stopTimeout = this.#clock.at(this.#clock.nowMs() + TIMEOUT_MS, () => {
        const late = new StoreFailure(`it takes longer than ${TIMEOUT_MS / 1_000} seconds`, '')
        this.#report(late)
        this.#isAway = true
        void this.#saveCopy().then(() => {
          batch?.end()
          if (this.#isAway) this.#next?.end()
        })
        abort.abort(late)
      })
      try {
        await this.#synchronize(abort.signal)
        this.#succeed()
      } catch (error) {
        if (abort.signal.reason !== stopping) this.#fail(error, abort.signal.reason)
      }
      stopTimeout()
      await this.#saveCopy()
      this.#current = undefined
      batch?.end()
      // The write included changes that were made while it was prepared.
      if (!this.#newest || this.#isAway) this.#endNext()
    } while (this.#next)
  }

  async #saveCopy(): Promise<void> {
    await this.#copy?.save(this.#known, this.#newest)
  }

  async #untilIdle(): Promise<void> {
    while (this.#working) await this.#working
  }

  #endNext(): void {
    this.#next?.end()
    this.#next = undefined
  }

  /** Applies the content of the store if it has changed, and writes what it does not have. */
  async #synchronize(signal: AbortSignal): Promise<void> {
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const base = await this.#takeOver(signal)
      const patches = this.#newest
      if (!patches) return
      const text = this.#writer.write(patches, randomUUID())
      this.#sent = { text, patches }
      const mark = await this.#medium.replace(text, base, signal)
      if (mark === undefined) continue
      this.#hasStored(patches, mark)
      return
    }
    throw new Error('other programs change it all the time')
  }

  #hasStored(patches: Patches, mark: string): void {
    this.#known = { mark, patches }
    this.#sent = undefined
    this.#live.markStored(patches)
    if (this.#newest === patches) this.#newest = undefined
  }

  /** Applies the content of the store if it has changed. Returns its mark; undefined if nothing is stored. */
  async #takeOver(signal: AbortSignal): Promise<string | undefined> {
    const { address } = this
    const found = await this.#medium.read(this.#known?.mark, signal)
    if (found === 'unchanged') return this.#known?.mark
    if (!found) return undefined
    if (found.text === this.#sent?.text) {
      // The answer to the write was lost.
      this.#hasStored(this.#sent.patches, found.mark)
      return found.mark
    }
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
    this.#isAway = false
    this.#schedulePoll()
    if (this.#failure === undefined) return
    this.#failure = undefined
    const { address } = this
    this.#logger.info({ path: address }, `All changes of the configuration are stored in ${address} again.`)
  }

  #fail(error: unknown, abortReason: unknown): void {
    const failure =
      error instanceof StoreFailure ? error : new StoreFailure(reasonOf(error), '', { cause: error })
    // Also those who asked for a pause are not called for each change.
    this.#isAway = error === abortReason || failure.retryAfterMs > 0
    this.#scheduleRetry(failure)
    // A single check that fails says nothing about the next one.
    const isFirstCheck = this.#failure === undefined && this.#retries === 1 && !this.#newest
    if (!isFirstCheck || !failure.isTransient) this.#report(failure)
  }

  #scheduleRetry({ retryAfterMs }: StoreFailure): void {
    this.#refreshAfter(Math.max(backoffMs(this.#retries++, this.#medium.retryDelays), retryAfterMs))
  }

  #schedulePoll(): void {
    const { pollMs } = this.#medium
    if (pollMs !== undefined) this.#refreshAfter(pollMs)
  }

  #refreshAfter(delayMs: number): void {
    this.#stopTimer()
    if (this.#isClosed) return
    this.#stopTimer = this.#clock.at(this.#clock.nowMs() + delayMs, () => void this.refresh())
  }

  #report({ message: reason, todo, retryAfterMs }: StoreFailure): void {
    const { address } = this
    const { retryDelays, longestPause } = this.#medium
    if (reason === this.#failure) return
    this.#failure = reason
    const isLonger = retryAfterMs > retryDelays.maxMs
    const pause = isLonger ? countOf(Math.ceil(retryAfterMs / 1_000), 'second') : longestPause
    const what = this.#newest || this.kind === 'file' ? 'store' : 'check'
    const message = `Could not ${what} the changes of the configuration in ${address}: ${reason}. They stay in force, and are stored with the next change, or after a pause of at most ${pause}. ${todo}`
    this.#logger.error({ path: address, pending: this.pending }, message.trimEnd())
  }
}

/** The store has content that cannot be applied. It is not overwritten. */
export function unusable(problems: readonly string[], repair: string): StoreFailure {
  const shown = listProblems(problems.slice(0, MAX_SHOWN_PROBLEMS)).map((problem) =>
    problem.replace(/\.$/, ''),
  )
  return new StoreFailure(`its content does not fit: ${shown.join('; ')}`, repair)
}
