import { randomUUID } from 'node:crypto'
import { access, constants, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { LiveConfig } from '../../config/live-config.ts'
import type { Patches, PatchStore } from '../../config/patches.ts'
import { configError } from '../../config/resolve-settings.ts'
import { PatchWriter, readPatches } from '../../config/stored-patches.ts'
import type { Clock, StopTimer } from '../../lib/clock.ts'
import { listProblems, reasonOf } from '../../lib/error-text.ts'
import { countOf } from '../../lib/format-text.ts'
import type { Logger } from '../../lib/logger.ts'
import { backoffMs, sleep } from '../../lib/waiting.ts'
import { codeOf, type FileSystem, ReplacedFile } from './replace-file.ts'

/** Delays after a failed write. The next change does not wait for them. */
const retryDelays = { firstMs: 1_000, maxMs: 60_000 }

/** A write can hang, such as on a network share that is away. Changes do not wait longer for it. */
const TIMEOUT_MS = 10_000

/** Number of consecutive changes of the file by others after which a write fails. */
const MAX_CONFLICTS = 100

/** Number of problems of an edited file that the log shows. */
const MAX_SHOWN_PROBLEMS = 5

/** How to solve failures, by the code of the error. */
const advice: Readonly<Record<string, string>> = {
  ENOENT: 'Create its folder again.',
  ENOSPC: 'Free disk space.',
  EDQUOT: 'Free disk space.',
  EROFS: 'Make its folder writable.',
  EACCES: 'Make it and its folder readable and writable.',
  EPERM: 'Make it and its folder readable and writable.',
  EBUSY: 'Mount its folder instead of the file.',
}

/** Options of `openFilePatches`. */
export interface FilePatchesOptions {
  /** Absolute path of the file. */
  readonly path: string
  /** The configuration that is changed. */
  readonly live: LiveConfig
  /** The system clock, also if exchanges have a virtual one. */
  readonly clock: Clock
  readonly logger: Logger
  /** Default: node:fs/promises. */
  readonly files?: FileSystem
}

/** Configuration changes that a file keeps for the next start. */
export interface FilePatches {
  /** Absolute path of the file, with symbolic links resolved. */
  readonly path: string
  /** Number of changes in force that the file does not have yet. */
  readonly pending: number
  /** Whether the last write failed, or the file has content that does not fit. */
  readonly isFailing: boolean
  /** Applies the content of the file if another program has changed it. */
  refresh(): Promise<void>
  /** Writes pending changes once more, and stops. Logs an error if they cannot be written. */
  close(): Promise<void>
}

/**
 * Applies the changes in a file to the configuration, and stores all further changes in it. The file does not have to exist, but its
 * folder.
 *
 * @throws {OperatorError} CONFIG_INVALID if the file cannot be read or written, or does not fit the configuration
 */
export async function openFilePatches(options: FilePatchesOptions): Promise<FilePatches> {
  const { live, clock, logger, files } = options
  const path = await findFile(options.path)
  const file = new ReplacedFile(path, clock, files)
  const found = await file.read().catch((error: unknown) => {
    throw startError(
      `${path}: it cannot be read: ${reasonOf(error)}. Set CONFIG_STORE to the path of a file.`,
    )
  })
  await file.removeLeftovers()
  const patches = found && readPatches(found.text)
  const problems =
    patches && ('problems' in patches ? patches.problems : (await live.adopt(() => patches)).problems)
  if (problems && problems.length > 0) {
    const shown = listProblems(problems).map((problem) => `${path}: ${problem}`)
    throw startError(
      ...shown.slice(0, -1),
      `${shown.at(-1)} Repair the file, or move it away to start without its changes.`,
    )
  }
  if (found && (found.mode & 0o077) !== 0 && process.platform !== 'win32') {
    const mode = found.mode.toString(8)
    logger.warn(
      { path, mode },
      `Other users can read ${path} (mode ${mode}), which can have private keys. Run chmod 600 on it, or mount its share with file_mode=0600.`,
    )
  }
  const store = new FileStore(file, options, found && { mark: found.mark, patches: live.patches })
  live.store = store
  return store
}

/** Resolves links, and checks the folder, so that a wrong path is noticed at the start. */
async function findFile(path: string): Promise<string> {
  try {
    const target = await realpath(path).catch(async (error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error
      return missingFile(path)
    })
    const folder = dirname(target)
    if (!(await stat(folder)).isDirectory()) throw new Error(`${folder} is not a folder`)
    await access(folder, constants.W_OK)
    return target
  } catch (error) {
    throw startError(
      `CONFIG_STORE needs a folder that exists and can be written to: ${reasonOf(error)} (got ${path}). Create the folder, or mount a volume.`,
    )
  }
}

/** Returns the path of a file that does not exist yet. A link to it is kept: the file is created where the link points. */
async function missingFile(path: string): Promise<string> {
  const parent = await realpath(dirname(path))
  const target = await readlink(path).catch(() => undefined)
  return target === undefined ? join(parent, basename(path)) : missingFile(resolve(parent, target))
}

function startError(...problems: readonly string[]): Error {
  return configError('start', problems)
}

/** The content of the file, as far as this process knows. */
interface Known {
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

class FileStore implements PatchStore, FilePatches {
  readonly #file: ReplacedFile
  readonly #live: LiveConfig
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #writer = new PatchWriter()
  /** Undefined before the file exists. */
  #known: Known | undefined
  /** The newest patches, if the file does not have them. */
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

  constructor(file: ReplacedFile, { live, clock, logger }: FilePatchesOptions, known: Known | undefined) {
    this.#file = file
    this.#live = live
    this.#clock = clock
    this.#logger = logger
    this.#known = known
    // The first change then does not have to convert all of them.
    if (known) this.#writer.write(known.patches, '')
  }

  get path(): string {
    return this.#file.path
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
    const { path, pending } = this
    this.#logger.error(
      { path, reason: this.#failure },
      `Could not store ${countOf(pending, 'change')} of the configuration in ${path}: ${this.#failure}. The next start does not have them.`,
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

  /** Applies the content of the file if it has changed, and writes what the file does not have. */
  async #synchronize(): Promise<void> {
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      await this.#takeOver()
      const patches = this.#newest
      if (!patches) return
      const text = this.#writer.write(patches, randomUUID())
      const mark = await this.#file.replace(text, this.#known?.mark)
      if (mark === undefined) continue
      this.#known = { mark, patches }
      this.#live.markStored(patches)
      if (this.#newest === patches) this.#newest = undefined
      return
    }
    throw new Error('other programs change it all the time')
  }

  async #takeOver(): Promise<void> {
    const { path } = this
    const mark = await this.#file.mark()
    if (mark === undefined || mark === this.#known?.mark) return
    const found = await this.#file.read()
    if (!found) return
    const patches = readPatches(found.text)
    if ('problems' in patches) throw new UnusableFile(patches.problems)
    // A network share can change the time of a file after it was written.
    const isSame = this.#known && isDeepStrictEqual(patches, JSON.parse(JSON.stringify(this.#known.patches)))
    if (this.#known && isSame) {
      this.#known = { ...this.#known, mark: found.mark }
      return
    }
    const { problems, dropped } = await this.#live.adopt(() => patches)
    if (problems.length > 0) throw new UnusableFile(problems)
    this.#known = { mark: found.mark, patches }
    if (this.#live.unstored === 0) this.#newest = undefined
    this.#logger.info(
      { path },
      `Applied the changes of the configuration in ${path}, which another program has written.`,
    )
    if (dropped.length === 0) return
    this.#logger.warn(
      { path, problems: dropped },
      `Discarded ${countOf(dropped.length, 'change')} of the configuration: another program has changed ${path} at the same time, and they do not fit its content. Make them again.`,
    )
  }

  #succeed(): void {
    this.#retries = 0
    if (this.#failure === undefined) return
    this.#failure = undefined
    const { path } = this
    this.#logger.info({ path }, `All changes of the configuration are stored in ${path} again.`)
  }

  #fail(error: unknown): void {
    const delayMs = backoffMs(this.#retries++, retryDelays)
    this.#stopRetry()
    if (!this.#isClosed) {
      this.#stopRetry = this.#clock.at(this.#clock.nowMs() + delayMs, () => void this.refresh())
    }
    this.#report(error)
  }

  #report(error: unknown): void {
    const { path } = this
    const reason = reasonOf(error)
    if (reason === this.#failure) return
    this.#failure = reason
    const todo = error instanceof UnusableFile ? error.todo : (advice[codeOf(error)] ?? '')
    const message = `Could not store the changes of the configuration in ${path}: ${reason}. They stay in force, and are stored with the next change, or after a pause of at most a minute. ${todo}`
    this.#logger.error({ path, pending: this.pending }, message.trimEnd())
  }
}

/** The file was edited, and its content cannot be applied. It is not overwritten. */
class UnusableFile extends Error {
  readonly todo = 'Repair the file, or move it away.'

  constructor(problems: readonly string[]) {
    const shown = listProblems(problems.slice(0, MAX_SHOWN_PROBLEMS)).map((problem) =>
      problem.replace(/\.$/, ''),
    )
    super(`its content does not fit: ${shown.join('; ')}`)
  }
}
