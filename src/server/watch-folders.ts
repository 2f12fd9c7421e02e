import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { watch, type FSWatcher } from 'chokidar'
import { reasonOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import { clearTimeout, setTimeout } from '../lib/real-timers.ts'

/** How files are looked at. */
export interface WatchMeans {
  /** Looks at the files now and then; else the system tells of changes. */
  readonly poll: boolean
  /** How often it looks, in milliseconds; default 1,000, since on a network share each look is a request. */
  readonly pollMs?: number
  /** How long a file must stay the same until its writing counts as done, in milliseconds; default 100. */
  readonly quietMs?: number
  readonly logger: Logger
}

/** A running watch. */
export interface Watch {
  /** Resolves when changes are heard of; also when it is closed before. */
  readonly ready: Promise<void>
  /** Frees everything it holds, after what it has begun has ended. */
  close(): Promise<void>
}

/** What is watched, and who hears of it. */
export interface WatchedFolders extends WatchMeans {
  /** Absolute paths. A folder that another one replaces, or that comes back, is watched again. */
  readonly folders: readonly string[]
  /** Whether nothing is to be heard of an absolute path; undefined `stats` are not known yet. */
  readonly isIgnored: (path: string, stats: Stats | undefined) => boolean
  /**
   * Hears the absolute path of each change: maybe several times, maybe before the writing is done, and of paths that are
   * ignored, too. With `anything`, whatever is in the folder of this path may have changed.
   */
  readonly onEvent: (path: string, anything: boolean) => void
}

/** How soon after a change it is looked whether the folders are still the same ones. */
const CHECK_MS = 250

/** How often a folder that is gone is looked for. */
const MISSING_MS = 1_000

/** Watches folders until it is closed. */
export function watchFolders(watched: WatchedFolders): Watch {
  return new FolderWatch(watched)
}

class FolderWatch implements Watch {
  readonly ready: Promise<void>
  readonly #watched: WatchedFolders
  #watcher: FSWatcher | undefined
  /** What tells each folder from another of its name; undefined while it is gone. */
  #identities: readonly (string | undefined)[] = []
  #timer: NodeJS.Timeout | undefined
  #checking: Promise<void>
  #isClosed = false
  #stopWaiting: () => void = () => {}

  constructor(watched: WatchedFolders) {
    this.#watched = watched
    this.ready = this.#open()
    this.#checking = this.ready
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#stopWaiting()
    await this.#checking
    await this.#watcher?.close()
  }

  async #open(): Promise<void> {
    const { folders, isIgnored, poll, pollMs = 1_000 } = this.#watched
    this.#identities = await this.#identify()
    // Of no folders, chokidar never says that it is ready.
    if (this.#isClosed || folders.length === 0) return
    // What has settled and what belongs together is judged elsewhere, by looking at the files: chokidar's own waiting loses a
    // file that is removed meanwhile, and does not see through a folder that Kubernetes swaps.
    const watcher = watch([...folders], {
      ignored: (path, stats) => isIgnored(resolve(path), stats),
      ignoreInitial: true,
      ignorePermissionErrors: true,
      atomic: false,
      usePolling: poll,
      interval: pollMs,
      binaryInterval: pollMs,
    })
    this.#watcher = watcher
    watcher.on('all', (event, path) => this.#hear(resolve(path), event === 'addDir' || event === 'unlinkDir'))
    watcher.on('raw', (_event, name, details) => this.#hearRaw(name, details))
    watcher.on('error', (error) => this.#tell(error))
    await new Promise<void>((done) => {
      this.#stopWaiting = done
      watcher.once('ready', done)
    })
    if (this.#identities.includes(undefined)) this.#checkIn(MISSING_MS)
  }

  /** Systems tell of a change by what is watched, a file or its folder, and by the name of the file. */
  #hearRaw(name: string | null, details: unknown): void {
    const { watchedPath } = details as { readonly watchedPath?: string }
    const from = resolve(watchedPath ?? '')
    const path = name === null || basename(from) === name ? from : resolve(from, name)
    // Volumes of Kubernetes hold links to `..data/<name>`, and `..data` is a link that is swapped.
    if (basename(path).startsWith('..')) this.#hear(path, true)
    else this.#hear(path, false)
  }

  #hear(path: string, anything: boolean): void {
    if (this.#isClosed) return
    this.#checkIn(CHECK_MS)
    this.#watched.onEvent(path, anything)
  }

  #tell(error: unknown): void {
    const { folders, logger } = this.#watched
    const reason = reasonOf(error)
    const message = `Could not watch everything in ${folders.join(', ')}: ${reason}. Set WATCH=poll, or allow more watches (on Linux fs.inotify.max_user_watches).`
    logger.warn({}, message)
  }

  #checkIn(ms: number): void {
    if (this.#isClosed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#checking = this.#checking.then(() => this.#check())
    }, ms)
  }

  /** A watch stays with the folder that it began with, even when another one has its name now. */
  async #check(): Promise<void> {
    const { folders, onEvent } = this.#watched
    const before = this.#identities
    const identities = await this.#identify()
    if (identities.includes(undefined)) this.#checkIn(MISSING_MS)
    const others = folders.filter((_, at) => identities[at] !== undefined && identities[at] !== before[at])
    if (others.length === 0 || this.#isClosed) return
    await this.#watcher?.close()
    await this.#open()
    for (const folder of others) onEvent(join(folder, '..data'), true)
  }

  #identify(): Promise<(string | undefined)[]> {
    const { folders, poll } = this.#watched
    // Polling goes by the name, and some network shares make up the number anew each time. Elsewhere a number is soon given
    // to the next folder, so that the time of making has to tell them apart.
    const identify = (folder: string): Promise<string | undefined> =>
      stat(folder).then(
        ({ ino, birthtimeMs }) => (poll ? '' : `${ino}:${birthtimeMs}`),
        () => undefined,
      )
    return Promise.all(folders.map(identify))
  }
}
