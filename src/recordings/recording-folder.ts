import { SerialQueue } from '../lib/queues.ts'
import { type FileState, fileState, fileStateSync } from './file-state.ts'
import { findRecordingFiles, isRecordingPath, type LoadResult, loadRecordings, unreadable } from './load-recordings.ts'
import type { Indexed, RecordingIndex } from './recording-index.ts'
import { type RecordingProblem, describeProblem } from './recording-problem.ts'
import { type FileScan, type ScanLimits, scanSteps } from './scan-recording-file.ts'
import { yieldToEventLoop } from '../lib/real-timers.ts'
import type { Logger } from '../lib/logger.ts'

/** What taking up changes came to. */
export interface RefreshResult {
  /** Files that are new or have changed, and are replayed as they are now. */
  readonly read: readonly string[]
  /** Files that are gone, and their recordings with them. */
  readonly removed: readonly string[]
  /** Files whose change is broken, so that their recordings from before are replayed. */
  readonly kept: readonly string[]
  /** How many interactions `read` holds. */
  readonly interactions: number
  readonly problems: readonly RecordingProblem[]
}

/**
 * Of files that are watched, so much is held in memory, in bytes of the files: what stood in a file before a broken change
 * stands nowhere else. With interactions of 2 KB it took three times as much of the heap.
 */
const HELD_BYTES = 16 * 1024 * 1024

/** More in one go would hold up others: the full parser takes 2 microseconds for a word or sign. */
const limits: ScanLimits = { wholeBytes: 1024 * 1024, lexemes: 200_000, isServing: true }

/** For a file that is there and cannot be looked at. */
const unknown: FileState = { stamp: '', size: 0 }

/** The files of a folder over time: reads them into an index, and again when they change. */
export class RecordingFolder {
  readonly #dir: string
  readonly #index: RecordingIndex
  /** What each file was like when it was read last. */
  readonly #stamps = new Map<string, string>()
  /** How much of each file is held in memory. Empty until the first refresh: only who watches needs it. */
  readonly #held = new Map<string, number>()
  #heldInAll = 0
  #isWatched = false
  readonly #reloads = new Map<string, Promise<readonly RecordingProblem[]>>()
  /** Runs one refresh after another, so that the state read last is also the state indexed last. */
  readonly #refreshes = new SerialQueue()

  constructor(dir: string, index: RecordingIndex) {
    this.#dir = dir
    this.#index = index
  }

  /** Reads all files at once. @throws {OperatorError} RECORDINGS_UNREADABLE */
  load(): LoadResult {
    return loadRecordings(this.#dir, this.#index, (file) => {
      // In front of the reading: what changes meanwhile has then changed.
      this.#stamps.set(file, fileStateSync(file)?.stamp ?? '')
    })
  }

  /**
   * Takes up what has changed, without holding up others. A file that is broken now keeps its recordings from before; to be
   * able to, the first call reads up to 16 MB of files into memory.
   *
   * @param paths files that may have changed; absent: any may have
   */
  refresh(paths?: readonly string[]): Promise<RefreshResult> {
    this.#isWatched = true
    return this.#refreshes.run(async () => {
      const changes = { read: [], removed: [], kept: [], interactions: 0, problems: [] }
      for (const file of await this.#candidates(paths, changes)) await this.#refreshFile(file, changes)
      return changes
    })
  }

  /**
   * Takes a file as it is now, since its recordings from before cannot be read from it any more; gives what is wrong in it.
   * Requests that find this at one time share one reading.
   */
  reload(file: string): Promise<readonly RecordingProblem[]> {
    const running = this.#reloads.get(file)
    if (running) return running
    const reload = this.#refreshes.run(async () => {
      const state = await fileState(file).catch(() => unknown)
      const { found, problems } = state ? await this.#scan(file, state) : { found: [], problems: [] }
      await this.#put(file, state, found)
      return problems
    }).finally(() => this.#reloads.delete(file))
    this.#reloads.set(file, reload)
    return reload
  }

  async #candidates(paths: readonly string[] | undefined, changes: Changes): Promise<Iterable<string>> {
    if (paths) return paths.filter((path) => isRecordingPath(this.#dir, path)).sort()
    try {
      return new Set([...(await findRecordingFiles(this.#dir)), ...this.#stamps.keys()])
    } catch (error) {
      // A folder that is gone for a moment does not take its recordings with it.
      const cure = 'Make the folder readable; until then its recordings stay as they were.'
      changes.problems.push({ ...unreadable(this.#dir, error), cure })
      return []
    }
  }

  async #refreshFile(file: string, changes: Changes): Promise<void> {
    const before = this.#stamps.get(file)
    const state = await fileState(file).catch(() => unknown)
    if (!state) {
      if (before === undefined) return
      await this.#put(file, undefined, [])
      changes.removed.push(file)
    } else if (state.stamp !== before) {
      await this.#takeChange(file, state, changes)
    } else if (!this.#held.has(file)) {
      if (!this.#hasRoom(file, state)) this.#hold(file, 0)
      else await this.#put(file, state, (await this.#scan(file, state)).found)
    }
  }

  async #takeChange(file: string, state: FileState, changes: Changes): Promise<void> {
    const { found, problems } = await this.#scan(file, state)
    changes.problems.push(...problems)
    if (problems.length > 0 && this.#index.hasFile(file)) {
      // Not looked at again until it changes again.
      this.#stamps.set(file, state.stamp)
      if (!this.#held.has(file)) this.#hold(file, 0)
      changes.kept.push(file)
      return
    }
    await this.#put(file, state, found)
    changes.read.push(file)
    changes.interactions += found.length
  }

  /** Reads a file in small steps, between which others have their turn. */
  async #scan(file: string, state: FileState): Promise<FileScan<Indexed>> {
    const isHeld = this.#hasRoom(file, state)
    try {
      const steps = scanSteps(
        file,
        (interaction, { offset, length, line }) => {
          const source = isHeld || length === 0 ? interaction : { offset, length }
          return this.#index.prepare(interaction, { file, line, source })
        },
        limits,
      )
      return await inSteps(steps)
    } catch (error) {
      return { found: [], problems: [unreadable(file, error)] }
    }
  }

  async #put(file: string, state: FileState | undefined, found: readonly Indexed[]): Promise<void> {
    await inSteps(this.#index.replaceFile(file, found))
    if (state) {
      this.#stamps.set(file, state.stamp)
      if (this.#isWatched) this.#hold(file, this.#hasRoom(file, state) ? state.size : 0)
    } else {
      this.#stamps.delete(file)
      this.#hold(file, 0)
      this.#held.delete(file)
    }
  }

  #hasRoom(file: string, { size }: FileState): boolean {
    return this.#isWatched && this.#heldInAll - (this.#held.get(file) ?? 0) + size <= HELD_BYTES
  }

  #hold(file: string, bytes: number): void {
    this.#heldInAll += bytes - (this.#held.get(file) ?? 0)
    this.#held.set(file, bytes)
  }
}

/** A result in the making. */
interface Changes {
  readonly read: string[]
  readonly removed: string[]
  readonly kept: string[]
  interactions: number
  readonly problems: RecordingProblem[]
}

/** Goes through what yields after each millisecond or so of work, and lets others have their turn between. */
async function inSteps<T>(steps: Generator<void, T>): Promise<T> {
  let step = steps.next()
  while (!step.done) {
    await yieldToEventLoop()
    step = steps.next()
  }
  return step.value
}

/** So many bad files and interactions are logged one by one. */
const MAX_LOGGED_PROBLEMS = 20

/** Tells what was found in a folder at the start. */
export function logLoaded({ files, interactions, problems }: LoadResult, dir: string, logger: Logger): void {
  logProblems(problems, dir, logger)
  const summary = `${interactions} recorded interactions in ${files} files of ${dir}.`
  if (interactions === 0) logger.warn({}, `${summary} Nothing can be replayed.`)
  else logger.info({ files, interactions }, summary)
}

/** Tells what changes came to; nothing where there were none. */
export function logRefreshed(result: RefreshResult, dir: string, logger: Logger): void {
  const { read, removed, kept, interactions, problems } = result
  logProblems(problems, dir, logger)
  for (const file of kept.slice(0, MAX_LOGGED_PROBLEMS)) {
    logger.error(
      { file },
      `Could not take up the change of ${file}. The recordings that it held before stay.`,
    )
  }
  if (read.length > 0) {
    const message = `Recordings were taken up: ${interactions} interactions of ${listed(read)}.`
    logger.info({ files: read.length, interactions }, message)
  }
  if (removed.length > 0) {
    logger.info({ files: removed.length }, `Recordings were removed: those of ${listed(removed)}.`)
  }
}

/** Warns of what is wrong in files, with file, line and cure. */
export function logProblems(problems: readonly RecordingProblem[], dir: string, logger: Logger): void {
  for (const problem of problems.slice(0, MAX_LOGGED_PROBLEMS)) logger.warn({}, describeProblem(problem))
  if (problems.length <= MAX_LOGGED_PROBLEMS) return
  const more = problems.length - MAX_LOGGED_PROBLEMS
  logger.warn({ more }, `${more} more such problems: aoai-sim recordings lint ${dir} lists them all.`)
}

function listed(files: readonly string[]): string {
  const named = files.slice(0, 3).join(', ')
  return files.length <= 3 ? named : `${named} and ${files.length - 3} more files`
}
