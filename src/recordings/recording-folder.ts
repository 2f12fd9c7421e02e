import { SerialQueue } from '../lib/queues.ts'
import { type FileState, fileState, fileStateSync } from './file-state.ts'
import {
  describeFormats,
  listRecordingFilesAsync,
  isRecordingPath,
  type LoadResult,
  loadRecordings,
  unreadableProblem,
} from './load-recordings.ts'
import type { IndexedEntry, RecordingIndex } from './recording-index.ts'
import { defaultFormat } from './formats/recording-formats.ts'
import { type RecordingProblem, describeProblem } from './recording-problem.ts'
import { type FileScan, type ScanLimits, scanSteps } from './scan-recording-file.ts'
import { yieldToEventLoop } from '../lib/real-timers.ts'
import type { Logger } from '../lib/logger.ts'

/** The result of a refresh. */
export interface RefreshResult {
  /** New and changed files, which are replayed in their current state. */
  readonly read: readonly string[]
  /** Deleted files. Their recordings are removed. */
  readonly removed: readonly string[]
  /** Changed files that are invalid now. Their previous recordings are replayed. */
  readonly rejected: readonly string[]
  /** Number of interactions in `read`. */
  readonly interactions: number
  readonly problems: readonly RecordingProblem[]
}

/**
 * Total size of the watched files of which the interactions are cached in memory, because the previous content of a file is lost
 * after an invalid change. With interactions of 2 KB, the cache takes three times as much heap.
 */
const MAX_CACHED_BYTES = 16 * 1024 * 1024

/** Limits the time that a file blocks requests: the full parser needs 2 microseconds per lexeme. */
const refreshLimits: ScanLimits = { maxUnsplitFileBytes: 1024 * 1024, maxLexemes: 200_000, isServing: true }

/** State of a file that exists and cannot be read. */
const unreadableState: FileState = { stamp: '', size: 0 }

/** Reads the files of a folder into an index, and again when they change. */
export class RecordingFolder {
  readonly #dir: string
  readonly #index: RecordingIndex
  /** The stamp of each file when it was last read. */
  readonly #stamps = new Map<string, string>()
  /** Cached bytes of each file. Empty until the first refresh, because only watched folders need it. */
  readonly #cachedBytes = new Map<string, number>()
  #totalCachedBytes = 0
  #isWatched = false
  readonly #reloads = new Map<string, Promise<readonly RecordingProblem[]>>()
  /** Runs one refresh at a time, so that the state read last is also the state indexed last. */
  readonly #refreshes = new SerialQueue()

  constructor(dir: string, index: RecordingIndex) {
    this.#dir = dir
    this.#index = index
  }

  /** Reads all files synchronously. @throws {OperatorError} RECORDINGS_UNREADABLE */
  load(): LoadResult {
    return loadRecordings(this.#dir, this.#index, (file) => {
      // Read before the content, so that a change during reading is detected later.
      this.#stamps.set(file, fileStateSync(file)?.stamp ?? '')
    })
  }

  /**
   * Reads changed files without blocking requests. The previous recordings of a file that is invalid now are kept; for this, the
   * first call reads up to 16 MB of files into memory.
   *
   * @param paths files that may have changed; undefined: all files
   */
  refresh(paths?: readonly string[]): Promise<RefreshResult> {
    this.#isWatched = true
    return this.#refreshes.run(async () => {
      const changes = { read: [], removed: [], rejected: [], interactions: 0, problems: [] }
      for (const file of await this.#candidates(paths, changes)) await this.#refreshFile(file, changes)
      return changes
    })
  }

  /**
   * Reads a file again after its indexed positions have become wrong. Returns its problems. Concurrent calls share one read.
   */
  reload(file: string): Promise<readonly RecordingProblem[]> {
    const running = this.#reloads.get(file)
    if (running) return running
    const reload = this.#refreshes
      .run(async () => {
        const state = await fileState(file).catch(() => unreadableState)
        const { found, problems } = state ? await this.#scan(file, state) : { found: [], problems: [] }
        await this.#replaceFile(file, state, found)
        return problems
      })
      .finally(() => this.#reloads.delete(file))
    this.#reloads.set(file, reload)
    return reload
  }

  async #candidates(paths: readonly string[] | undefined, changes: Changes): Promise<Iterable<string>> {
    if (paths) return paths.filter((path) => isRecordingPath(this.#dir, path)).sort()
    try {
      return new Set([...(await listRecordingFilesAsync(this.#dir)), ...this.#stamps.keys()])
    } catch (error) {
      // The folder may be missing only temporarily, so its recordings are kept.
      const fix = 'Make the folder readable. Until then, its previous recordings are served.'
      changes.problems.push({ ...unreadableProblem(this.#dir, error), fix })
      return []
    }
  }

  async #refreshFile(file: string, changes: Changes): Promise<void> {
    const before = this.#stamps.get(file)
    const state = await fileState(file).catch(() => unreadableState)
    if (!state) {
      if (before === undefined) return
      await this.#replaceFile(file, undefined, [])
      changes.removed.push(file)
    } else if (state.stamp !== before) {
      await this.#loadChange(file, state, changes)
    } else if (!this.#cachedBytes.has(file)) {
      if (!this.#fitsInCache(file, state)) this.#setCachedBytes(file, 0)
      else await this.#replaceFile(file, state, (await this.#scan(file, state)).found)
    }
  }

  async #loadChange(file: string, state: FileState, changes: Changes): Promise<void> {
    const { found, problems: scanProblems, otherContent } = await this.#scan(file, state)
    if (otherContent !== undefined && !this.#index.hasFile(file)) {
      this.#stamps.set(file, state.stamp)
      this.#setCachedBytes(file, 0)
      return
    }
    const problems = otherContent === undefined ? scanProblems : [noLongerRecording(file, otherContent)]
    changes.problems.push(...problems)
    if (problems.length > 0 && this.#index.hasFile(file)) {
      // Not read again until the next change.
      this.#stamps.set(file, state.stamp)
      if (!this.#cachedBytes.has(file)) this.#setCachedBytes(file, 0)
      changes.rejected.push(file)
      return
    }
    await this.#replaceFile(file, state, found)
    changes.read.push(file)
    changes.interactions += found.length
  }

  /** Reads a file in small steps, and yields to the event loop between them. */
  async #scan(file: string, state: FileState): Promise<FileScan<IndexedEntry>> {
    const isCached = this.#fitsInCache(file, state)
    try {
      const steps = scanSteps(
        file,
        (interaction, { offset, length, line }) => {
          const source = isCached || length === 0 ? interaction : { offset, length }
          return this.#index.prepare(interaction, { file, line, source })
        },
        refreshLimits,
      )
      return await runSteps(steps)
    } catch (error) {
      return { found: [], problems: [unreadableProblem(file, error)] }
    }
  }

  async #replaceFile(
    file: string,
    state: FileState | undefined,
    found: readonly IndexedEntry[],
  ): Promise<void> {
    await runSteps(this.#index.replaceFile(file, found))
    if (state) {
      this.#stamps.set(file, state.stamp)
      if (this.#isWatched) this.#setCachedBytes(file, this.#fitsInCache(file, state) ? state.size : 0)
    } else {
      this.#stamps.delete(file)
      this.#setCachedBytes(file, 0)
      this.#cachedBytes.delete(file)
    }
  }

  #fitsInCache(file: string, { size }: FileState): boolean {
    return (
      this.#isWatched &&
      this.#totalCachedBytes - (this.#cachedBytes.get(file) ?? 0) + size <= MAX_CACHED_BYTES
    )
  }

  #setCachedBytes(file: string, bytes: number): void {
    this.#totalCachedBytes += bytes - (this.#cachedBytes.get(file) ?? 0)
    this.#cachedBytes.set(file, bytes)
  }
}

function noLongerRecording(file: string, content: string): RecordingProblem {
  const reason = `the file is not a recording any more (got ${content})`
  return { file, line: 1, reason, fix: 'Correct it, or delete the file to remove its recordings.' }
}

/** A mutable `RefreshResult`. */
interface Changes {
  readonly read: string[]
  readonly removed: string[]
  readonly rejected: string[]
  interactions: number
  readonly problems: RecordingProblem[]
}

/** Runs a generator that yields after each millisecond of work, and yields to the event loop between the steps. */
async function runSteps<T>(steps: Generator<void, T>): Promise<T> {
  let step = steps.next()
  while (!step.done) {
    await yieldToEventLoop()
    step = steps.next()
  }
  return step.value
}

/** Maximum number of log lines for problems of one kind. */
const MAX_LOGGED_PROBLEMS = 20

/** Logs the result of loading a folder. */
export function logLoaded(loaded: LoadResult, dir: string, logger: Logger): void {
  const { files, interactions, formats, otherFiles, problems } = loaded
  logProblems(problems, dir, logger)
  // One format is the usual case, and the default one needs no name.
  const names =
    formats.size === 0 || (formats.size === 1 && formats.has(defaultFormat))
      ? ''
      : ` (${describeFormats(formats)})`
  const summary = `${interactions} recorded interactions in ${files} files of ${dir}${names}.`
  const others = otherFiles === 0 ? '' : ` JSON files that are not recordings: ${otherFiles}.`
  if (interactions === 0) logger.warn({}, `${summary} Nothing can be replayed.${others}`)
  else logger.info({ files, interactions }, summary)
}

/** Logs the result of a refresh; nothing if there were no changes. */
export function logRefreshed(result: RefreshResult, dir: string, logger: Logger): void {
  const { read, removed, rejected, interactions, problems } = result
  logProblems(problems, dir, logger)
  for (const file of rejected.slice(0, MAX_LOGGED_PROBLEMS)) {
    logger.error({ file }, `Could not load the change of ${file}. Its previous recordings are replayed.`)
  }
  if (read.length > 0) {
    const message = `Recordings were loaded: ${interactions} interactions of ${listFiles(read)}.`
    logger.info({ files: read.length, interactions }, message)
  }
  if (removed.length > 0) {
    logger.info({ files: removed.length }, `Recordings were removed: those of ${listFiles(removed)}.`)
  }
}

/** Logs problems with file, line and fix. */
export function logProblems(problems: readonly RecordingProblem[], dir: string, logger: Logger): void {
  for (const problem of problems.slice(0, MAX_LOGGED_PROBLEMS)) logger.warn({}, describeProblem(problem))
  if (problems.length <= MAX_LOGGED_PROBLEMS) return
  const more = problems.length - MAX_LOGGED_PROBLEMS
  logger.warn(
    { more },
    `${more} more problems are not logged. Run aoai-sim recordings lint ${dir} to list all of them.`,
  )
}

function listFiles(files: readonly string[]): string {
  const firstFiles = files.slice(0, 3).join(', ')
  return files.length <= 3 ? firstFiles : `${firstFiles} and ${files.length - 3} more files`
}
