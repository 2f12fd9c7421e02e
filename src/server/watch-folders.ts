import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { watch, type FSWatcher } from 'chokidar'
import { reasonOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import { clearTimeout, setTimeout } from '../lib/real-timers.ts'

/** How files are watched. */
export interface WatchOptions {
  /** Whether files are polled. Otherwise the operating system reports changes. */
  readonly poll: boolean
  /** Polling interval in milliseconds. Default 1,000, because each check of a network share is a request. */
  readonly pollMs?: number
  /** How long a file must be unchanged until its writing is done, in milliseconds. Default 100. */
  readonly quietMs?: number
  readonly logger: Logger
}

/** A watch of files or folders. */
export interface Watch {
  /** Resolves when changes are reported, or when the watch is closed before. */
  readonly ready: Promise<void>
  /** Waits for running callbacks, and frees all resources. */
  close(): Promise<void>
}

/** Options of `watchFolders`. */
export interface FolderWatchOptions extends WatchOptions {
  /** Absolute paths. A folder that is replaced or created again is watched again. */
  readonly folders: readonly string[]
  /** Returns whether an absolute path is ignored. `stats` is undefined if not known yet. */
  readonly isIgnored: (path: string, stats: Stats | undefined) => boolean
  /**
   * Called with the absolute path of each change. It can be called several times, before the writing is done, and for ignored paths. With
   * `isFolderChange`, any file in the folder of the path may have changed.
   */
  readonly onEvent: (path: string, isFolderChange: boolean) => void
}

/** Delay after a change before checking whether folders were replaced, in milliseconds. */
const IDENTITY_CHECK_DELAY_MS = 250

/** Interval of checks for a missing folder, in milliseconds. */
const MISSING_FOLDER_CHECK_MS = 1_000

/** Watches folders until it is closed. */
export function watchFolders(options: FolderWatchOptions): Watch {
  return new FolderWatch(options)
}

class FolderWatch implements Watch {
  readonly ready: Promise<void>
  readonly #options: FolderWatchOptions
  #watcher: FSWatcher | undefined
  /** Identifies each folder, to detect another one with the same path; undefined while it is missing. */
  #identities: readonly (string | undefined)[] = []
  #timer: NodeJS.Timeout | undefined
  #checking: Promise<void>
  #isClosed = false
  #resolveReady: () => void = () => {}

  constructor(options: FolderWatchOptions) {
    this.#options = options
    this.ready = this.#open()
    this.#checking = this.ready
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#resolveReady()
    await this.#checking
    await this.#watcher?.close()
  }

  async #open(): Promise<void> {
    const { folders, isIgnored, poll, pollMs = 1_000 } = this.#options
    this.#identities = await this.#identify()
    // Without folders, chokidar never emits `ready`.
    if (this.#isClosed || folders.length === 0) return
    // `ChangeDebouncer` waits until writing is done. The `awaitWriteFinish` of chokidar loses a file that is removed in the meantime, and
    // does not detect a folder that Kubernetes replaces.
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
    watcher.on('all', (event, path) =>
      this.#onChange(resolve(path), event === 'addDir' || event === 'unlinkDir'),
    )
    watcher.on('raw', (_event, name, details) => this.#onRawEvent(name, details))
    watcher.on('error', (error) => this.#logError(error))
    await new Promise<void>((done) => {
      this.#resolveReady = done
      watcher.once('ready', done)
    })
    if (this.#identities.includes(undefined)) this.#checkIn(MISSING_FOLDER_CHECK_MS)
  }

  /** The operating system reports a change with the watched path (a file or its folder) and the name of the file. */
  #onRawEvent(name: string | null, details: unknown): void {
    const { watchedPath } = details as { readonly watchedPath?: string }
    const from = resolve(watchedPath ?? '')
    const path = name === null || basename(from) === name ? from : resolve(from, name)
    // A Kubernetes volume contains links to `..data/<name>`, and `..data` is a link that is replaced.
    if (basename(path).startsWith('..')) this.#onChange(path, true)
    else this.#onChange(path, false)
  }

  #onChange(path: string, isFolderChange: boolean): void {
    if (this.#isClosed) return
    this.#checkIn(IDENTITY_CHECK_DELAY_MS)
    this.#options.onEvent(path, isFolderChange)
  }

  #logError(error: unknown): void {
    const { folders, logger } = this.#options
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

  /** Watches a replaced folder again: a watch stays with the original folder, not with its path. */
  async #check(): Promise<void> {
    const { folders, onEvent } = this.#options
    const before = this.#identities
    const identities = await this.#identify()
    if (identities.includes(undefined)) this.#checkIn(MISSING_FOLDER_CHECK_MS)
    const replaced = folders.filter((_, at) => identities[at] !== undefined && identities[at] !== before[at])
    if (replaced.length === 0 || this.#isClosed) return
    await this.#watcher?.close()
    await this.#open()
    for (const folder of replaced) onEvent(join(folder, '..data'), true)
  }

  #identify(): Promise<(string | undefined)[]> {
    const { folders, poll } = this.#options
    // Polling uses the path, and some network shares return a new inode number each time. Elsewhere inode numbers are reused, so the creation
    // time is needed as well.
    const identify = (folder: string): Promise<string | undefined> =>
      stat(folder).then(
        ({ ino, birthtimeMs }) => (poll ? '' : `${ino}:${birthtimeMs}`),
        () => undefined,
      )
    return Promise.all(folders.map(identify))
  }
}
