import type { LiveConfig } from '../config/live-config.ts'
import type { ConfigSources } from '../config/sources.ts'
import { stackOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import type { Replay } from '../recordings/replay-mode.ts'
import type { ConfigStore } from '../shared/patch-medium.ts'
import { type Watch, type WatchOptions, watchFolders } from './watch-folders.ts'
import { watchFiles, watchSettings, DEFAULT_QUIET_MS, ChangeDebouncer } from './watch-files.ts'
import type { Stats } from 'node:fs'
import { dirname, relative, sep } from 'node:path'
import { isRecordingPath } from '../recordings/load-recordings.ts'

/** Options of `startWatching`. */
export interface StartWatchingOptions extends Omit<WatchOptions, 'poll'> {
  readonly live: LiveConfig
  /** The recordings in use. They can change at run time. */
  readonly simulator: {
    readonly recordings: readonly { readonly replay: Replay | undefined }[]
    /** Undefined without CONFIG_STORE. */
    readonly configStore?: Pick<ConfigStore, 'kind' | 'address' | 'refresh'> | undefined
  }
  /** The sources of the configuration. */
  readonly sources: ConfigSources
}

const noWatch: Watch = { ready: Promise.resolve(), close: async () => {} }

/**
 * With WATCH, watches the files that settings name, CONFIG_STORE, and recordings in use for replay. Changes apply from the next request. If a changed file is
 * invalid, the problems are logged and the previous content stays active.
 */
export function startWatching({ live, simulator, sources, ...options }: StartWatchingOptions): Watch {
  const { watch } = live.current
  if (watch === 'false') return noWatch
  const watchOptions = { ...options, poll: watch === 'poll' }
  const settings = watchSettings({ ...watchOptions, live, sources })
  const recordings = followRecordings(live, simulator, watchOptions)
  const { configStore } = simulator
  const changes = configStore?.kind === 'file' ? watchStore(configStore, watchOptions) : noWatch
  const watches = [settings, recordings, changes]
  return {
    ready: Promise.all(watches.map(({ ready }) => ready)).then(() => {}),
    async close() {
      await Promise.all(watches.map((each) => each.close()))
    },
  }
}

/** Watches the file of CONFIG_STORE. A blob is checked without a watch. */
function watchStore(store: Pick<ConfigStore, 'address' | 'refresh'>, options: WatchOptions): Watch {
  const watch = watchFiles({ ...options, paths: [store.address], onChange: () => store.refresh() })
  // The file can have changed after it was read and before the watch.
  return { ...watch, ready: watch.ready.then(() => store.refresh()) }
}

/** Watches the recordings in use. A change of the mode can add or remove some. */
function followRecordings(
  live: LiveConfig,
  simulator: StartWatchingOptions['simulator'],
  options: WatchOptions,
): Watch {
  const watches = new Map<Replay, Watch>()
  let closing: Promise<unknown> = Promise.resolve()
  let isClosed = false
  const follow = (): void => {
    if (isClosed) return
    const replays = new Set(simulator.recordings.flatMap(({ replay }) => replay ?? []))
    for (const [replay, watch] of watches) {
      if (replays.has(replay)) continue
      watches.delete(replay)
      closing = closing.then(() => watch.close())
    }
    for (const replay of replays) {
      if (watches.has(replay)) continue
      const onChange = (paths: readonly string[] | undefined): Promise<void> =>
        reload(replay, paths, options.logger)
      watches.set(replay, watchRecordings({ ...options, dir: replay.dir, onChange }))
    }
  }
  follow()
  live.onChange(follow)
  return {
    ready: Promise.all(Array.from(watches.values(), ({ ready }) => ready)).then(() => {}),
    async close() {
      isClosed = true
      await Promise.all([closing, ...Array.from(watches.values(), (watch) => watch.close())])
    },
  }
}

async function reload(replay: Replay, paths: readonly string[] | undefined, logger: Logger): Promise<void> {
  try {
    await replay.refresh(paths)
  } catch (error) {
    const reason = stackOf(error)
    logger.error(
      { err: reason },
      'Could not reload changed recordings: internal error. The previous recordings stay active.',
    )
  }
}

/** Options of `watchRecordings`. */
export interface WatchedRecordings extends WatchOptions {
  /** Absolute path of the folder. Subfolders are included. */
  readonly dir: string
  /** Called with files that were added, changed or removed, after their writing is done; undefined: any file. Must not reject. */
  readonly onChange: (paths: readonly string[] | undefined) => Promise<void>
}

/** Watches a recordings folder until it is closed. Calls `onChange` for all files at the start and when the watch is ready. */
function watchRecordings({ dir, onChange, ...options }: WatchedRecordings): Watch {
  const debouncer = new ChangeDebouncer(options.quietMs ?? DEFAULT_QUIET_MS, (paths) =>
    onChange(paths.includes(dir) ? undefined : paths),
  )
  const links = new Set<string>()
  const isIgnored = (path: string, stats: Stats | undefined): boolean => {
    if (path === dir) return false
    const parts = relative(dir, path).split(sep)
    if (parts.some((part) => part.startsWith('.'))) return true
    if (!stats || stats.isDirectory()) return false
    if (!isRecordingPath(dir, path)) return true
    if (stats.isSymbolicLink()) links.add(path)
    // A watch of the folder reports changes of its files, so that many files need no separate watches. Exceptions are polling and the
    // targets of links.
    return stats.isFile() && !options.poll && !links.has(path)
  }
  const watch = watchFolders({
    ...options,
    folders: [dir],
    isIgnored,
    onEvent(path, isFolderChange) {
      if (isFolderChange && (path === dir || isIn(dir, path))) debouncer.add(dir)
      else if (isIn(dir, path) && isRecordingPath(dir, path)) debouncer.add(path)
    },
  })
  const first = onChange(undefined)
  const ready = Promise.all([first, watch.ready]).then(() => debouncer.add(dir))
  return {
    ready,
    async close() {
      await watch.close()
      await debouncer.close()
      await first
    },
  }
}

function isIn(dir: string, path: string): boolean {
  return path.startsWith(dir.endsWith(sep) ? dir : dir + sep) && dirname(path) !== path
}
