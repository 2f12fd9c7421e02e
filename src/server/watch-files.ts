import { dirname } from 'node:path'
import { fileState, fileStateSync } from '../recordings/file-state.ts'
import { DEFAULT_QUIET_MS, Settle } from './watch-settle.ts'
import { type Watch, watchFolders, type WatchMeans } from './watch-folders.ts'

/** Single files to watch, and who hears of their changes. */
export interface WatchedFiles extends WatchMeans {
  /** Absolute paths. A file may be replaced, or be gone for a while, and may be a link. */
  readonly paths: readonly string[]
  /** Hears which files are others than before or gone, once their writing is done. Must not reject. */
  readonly onChange: (paths: readonly string[]) => Promise<void>
}

/** Watches single files until it is closed: all changes since the call are reported, and what changes together at one time. */
export function watchFiles({ paths, onChange, ...means }: WatchedFiles): Watch {
  const stamps = new Map(paths.map((path) => [path, stampOrNone(() => fileStateSync(path))]))
  const settle = new Settle(means.quietMs ?? DEFAULT_QUIET_MS, async (settled) => {
    const changed: string[] = []
    for (const path of settled) {
      const stamp = await fileState(path).then(
        (state) => state?.stamp,
        () => 'unreadable',
      )
      if (stamp === stamps.get(path)) continue
      stamps.set(path, stamp)
      changed.push(path)
    }
    if (changed.length > 0) await onChange(changed)
  })
  const folders = [...new Set(paths.map((path) => dirname(path)))]
  const watch = watchFolders({
    ...means,
    folders,
    // The folder, where a file comes back that was removed, and the file itself, which may be a link to another place or
    // mounted by itself. What a folder holds beside is no business of ours, and may be much.
    isIgnored: (path) => !folders.includes(path) && !stamps.has(path),
    onEvent(path, anything) {
      if (stamps.has(path)) settle.note(path)
      if (anything) for (const other of paths) if (dirname(other) === dirname(path)) settle.note(other)
    },
  })
  const ready = watch.ready.then(() => {
    for (const path of paths) settle.note(path)
  })
  return {
    ready,
    async close() {
      await watch.close()
      await settle.close()
    },
  }
}

function stampOrNone(state: () => ReturnType<typeof fileStateSync>): string | undefined {
  try {
    return state()?.stamp
  } catch {
    return 'unreadable'
  }
}
