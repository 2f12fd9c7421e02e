import type { Stats } from 'node:fs'
import { dirname, relative, sep } from 'node:path'
import { isRecordingPath } from '../recordings/load-recordings.ts'
import { defaultQuietMs, Settle } from './watch-settle.ts'
import { type Watch, watchFolders, type WatchMeans } from './watch-folders.ts'

/** A folder of recordings to watch, and who hears of its changes. */
export interface WatchedRecordings extends WatchMeans {
  /** The absolute path of the folder, whose subfolders are watched too. */
  readonly dir: string
  /** Hears which files are new, others or gone, once their writing is done; undefined: any may be. Must not reject. */
  readonly onChange: (paths: readonly string[] | undefined) => Promise<void>
}

/** Watches a folder of recordings until it is closed; asks for a look at all files at once, and again when it hears of changes. */
export function watchRecordings({ dir, onChange, ...means }: WatchedRecordings): Watch {
  const settle = new Settle(means.quietMs ?? defaultQuietMs, (paths) =>
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
