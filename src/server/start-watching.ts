import type { LiveConfig } from '../config/live-config.ts'
import type { ConfigSources } from '../config/sources.ts'
import { stackOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import type { Replay } from '../recordings/replay-mode.ts'
import { type Watch, type WatchMeans, watchFolders } from './watch-folders.ts'
import { watchSettings, DEFAULT_QUIET_MS, Settle } from './watch-files.ts'
import type { Stats } from 'node:fs'
import { dirname, relative, sep } from 'node:path'
import { isRecordingPath } from '../recordings/load-recordings.ts'

/** What is watched, and what takes up the changes. */
export interface WatchOptions extends Omit<WatchMeans, 'poll'> {
  readonly live: LiveConfig
  /** What it replays may change at run time. */
  readonly simulator: { readonly recordings: readonly { readonly replay: Replay | undefined }[] }
  /** What the configuration was read from. */
  readonly sources: ConfigSources
}

const nothing: Watch = { ready: Promise.resolve(), close: async () => {} }

/**
 * Watches, where WATCH asks for it, the files that settings name, and the recordings as long as they are replayed. What they
 * hold counts from the next request on; what is wrong is logged, and what was in force stays.
 */
export function startWatching({ live, simulator, sources, ...given }: WatchOptions): Watch {
  const { watch } = live.current
  if (watch === 'false') return nothing
  const means = { ...given, poll: watch === 'poll' }
  const settings = watchSettings({ ...means, live, sources })
  const recordings = followRecordings(live, simulator, means)
  return {
    ready: Promise.all([settings.ready, recordings.ready]).then(() => {}),
    async close() {
      await Promise.all([settings.close(), recordings.close()])
    },
  }
}

/** Watches the recordings of the moment: a change of the mode may bring others, or end replaying. */
function followRecordings(live: LiveConfig, simulator: WatchOptions['simulator'], means: WatchMeans): Watch {
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
        takeUp(replay, paths, means.logger)
      watches.set(replay, watchRecordings({ ...means, dir: replay.dir, onChange }))
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

async function takeUp(replay: Replay, paths: readonly string[] | undefined, logger: Logger): Promise<void> {
  try {
    await replay.refresh(paths)
  } catch (error) {
    const reason = stackOf(error)
    logger.error(
      { err: reason },
      'Taking up changed recordings failed inside the simulator; those from before stay.',
    )
  }
}

/** A folder of recordings to watch, and who hears of its changes. */
export interface WatchedRecordings extends WatchMeans {
  /** The absolute path of the folder, whose subfolders are watched too. */
  readonly dir: string
  /** Hears which files are new, others or gone, once their writing is done; undefined: any may be. Must not reject. */
  readonly onChange: (paths: readonly string[] | undefined) => Promise<void>
}

/** Watches a folder of recordings until it is closed; asks for a look at all files at once, and again when it hears of changes. */
function watchRecordings({ dir, onChange, ...means }: WatchedRecordings): Watch {
  const settle = new Settle(means.quietMs ?? DEFAULT_QUIET_MS, (paths) =>
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
    // A folder tells of changes in its files, so that very many of them need no watch each; but polling and the targets of
    // links do.
    return stats.isFile() && !means.poll && !links.has(path)
  }
  const watch = watchFolders({
    ...means,
    folders: [dir],
    isIgnored,
    onEvent(path, anything) {
      if (anything && (path === dir || isIn(dir, path))) settle.note(dir)
      else if (isIn(dir, path) && isRecordingPath(dir, path)) settle.note(path)
    },
  })
  const first = onChange(undefined)
  const ready = Promise.all([first, watch.ready]).then(() => settle.note(dir))
  return {
    ready,
    async close() {
      await watch.close()
      await settle.close()
      await first
    },
  }
}

function isIn(dir: string, path: string): boolean {
  return path.startsWith(dir.endsWith(sep) ? dir : dir + sep) && dirname(path) !== path
}
