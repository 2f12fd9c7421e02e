import { countOf } from '../lib/format-text.ts'
import { join, relative, resolve, dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { sectionVariables } from '../config/config-file.ts'
import { configFileVariable } from '../config/file-settings.ts'
import type { LiveConfig } from '../config/live-config.ts'
import { readInputs } from '../config/read-inputs.ts'
import { resolveInputs } from '../config/resolve-inputs.ts'
import { hostKeys } from '../config/settings-schema.ts'
import type { GivenValue } from '../config/settings-table.ts'
import { collectGivenValues, type ConfigSources } from '../config/sources.ts'
import { reasonOf } from '../lib/error-text.ts'
import { type Watch, type WatchOptions, watchFolders } from './watch-folders.ts'
import { fileState, fileStateSync } from '../recordings/file-state.ts'
import { clearTimeout, setTimeout } from '../lib/real-timers.ts'

/** Options of `watchSettings`. */
export interface SettingsWatchOptions extends WatchOptions {
  readonly live: LiveConfig
  /** The sources of the configuration. */
  readonly sources: ConfigSources
}

/** Settings that name files with content that can change at run time. */
const fileSettings = new Set([configFileVariable, ...Object.values(sectionVariables), 'MODEL_CATALOGUE_PATH'])

/**
 * Watches the files that settings name. After a change, all of them are read and validated again, and the configuration is replaced
 * atomically. If a file is invalid, the problems are logged and nothing changes. Flags, variables and `.env` are not read again.
 */
export function watchSettings({ live, sources, ...options }: SettingsWatchOptions): Watch {
  const { logger } = options
  const start = withFixedEnvFile(sources)
  let paths = namedFiles(start)
  let closing: Promise<unknown> = Promise.resolve()
  let isClosed = false
  const open = (): Watch => watchFiles({ ...options, paths, onChange })
  const onChange = async (changed: readonly string[]): Promise<void> => {
    const files = changed.map((path) => relative(sources.workingDirectory, path) || path)
    const { incidents } = live.base
    const { problems, deferred } = await reload(live, start)
    if (problems.length > 0) {
      const count = countOf(problems.length, 'problem')
      const lines = problems.map((problem) => `\n  ${problem}`).join('')
      const message = `Could not reload ${files.join(', ')}: ${count}. The previous configuration stays active.${lines}`
      logger.error({ files, problems }, message)
      return
    }
    const note = isDeepStrictEqual(live.base.incidents, incidents)
      ? ''
      : ' A running timetable continues; the new one starts at the next reset or start.'
    logger.info({ files }, `Reloaded ${files.join(', ')}.${note}`)
    for (const source of deferred)
      logger.warn({ files }, `${source} was changed and takes effect at the next start.`)
    // The configuration file can name other files now.
    const named = namedFiles(start)
    if (isClosed || isDeepStrictEqual(named, paths)) return
    paths = named
    const old = watch
    watch = open()
    closing = Promise.all([closing, old.close()])
  }
  let watch = open()
  return {
    ready: watch.ready,
    async close() {
      isClosed = true
      await Promise.all([closing, watch.close()])
    },
  }
}

/** Returns the absolute paths of the files that settings name, each once. */
function namedFiles(sources: ConfigSources): readonly string[] {
  const named = collectGivenValues(sources).given.filter(({ setting }) => fileSettings.has(setting.env))
  return [...new Set(named.map(({ value }) => resolve(sources.workingDirectory, String(value))))]
}

interface Reload {
  /** Empty if the configuration was reloaded. */
  readonly problems: readonly string[]
  /** Changed settings that need a restart, by their path in the file. */
  readonly deferred: readonly string[]
}

async function reload(live: LiveConfig, sources: ConfigSources): Promise<Reload> {
  try {
    const { inputs, problems } = readInputs(sources)
    const resolved = problems.length > 0 ? { problems } : resolveInputs(inputs)
    if ('problems' in resolved) return { problems: resolved.problems, deferred: [] }
    const { given, deferred } = keepStartSettings(inputs.given, live.base.given)
    return { problems: (await live.rebase({ ...inputs, given })).problems, deferred }
  } catch (error) {
    return { problems: [reasonOf(error)], deferred: [] }
  }
}

/** Keeps the values of settings that only a start can set, such as the port. */
function keepStartSettings(
  next: readonly GivenValue[],
  before: readonly GivenValue[],
): { readonly given: readonly GivenValue[]; readonly deferred: readonly string[] } {
  const needsStart = ({ setting }: GivenValue): boolean =>
    setting.patch === undefined && hostKeys.has(setting.path[0] ?? '')
  const kept = before.filter(needsStart)
  const offered = next.filter(needsStart)
  const isIn = (list: readonly GivenValue[], one: GivenValue): boolean =>
    list.some(({ setting, value }) => setting === one.setting && isDeepStrictEqual(value, one.value))
  const changed = [
    ...offered.filter((one) => !isIn(kept, one)),
    ...kept.filter((one) => offered.every(({ setting }) => setting !== one.setting)),
  ]
  return {
    given: [...next.filter((one) => !needsStart(one)), ...kept],
    deferred: changed.map(({ source }) => source),
  }
}

/** Uses `.env` as it was at start-up: most of it cannot change at run time, so a change must not apply partially. */
function withFixedEnvFile(sources: ConfigSources): ConfigSources {
  const envFile = join(sources.workingDirectory, '.env')
  const atStart = readOnce(() => sources.readFile(envFile))
  return { ...sources, readFile: (path) => (path === envFile ? atStart() : sources.readFile(path)) }
}

function readOnce(read: () => string): () => string {
  try {
    const text = read()
    return () => text
  } catch (error) {
    return () => {
      throw error
    }
  }
}

/** Options of `watchFiles`. */
export interface FileWatchOptions extends WatchOptions {
  /** Absolute paths. A file can be replaced, missing for a while, or a link. */
  readonly paths: readonly string[]
  /** Called with files that were changed or removed, after their writing is done. Must not reject. */
  readonly onChange: (paths: readonly string[]) => Promise<void>
}

/** Watches single files until it is closed. Reports all changes since the call, and simultaneous changes together. */
export function watchFiles({ paths, onChange, ...options }: FileWatchOptions): Watch {
  const stamps = new Map(paths.map((path) => [path, stampOrNone(() => fileStateSync(path))]))
  const debouncer = new ChangeDebouncer(options.quietMs ?? DEFAULT_QUIET_MS, async (settled) => {
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
    ...options,
    folders,
    // Watch the folder, where a removed file can be created again, and the file itself, which can be a link or a mount. Ignore other files of the
    // folder; there can be many.
    isIgnored: (path) => !folders.includes(path) && !stamps.has(path),
    onEvent(path, isFolderChange) {
      if (stamps.has(path)) debouncer.add(path)
      if (isFolderChange)
        for (const sibling of paths) if (dirname(sibling) === dirname(path)) debouncer.add(sibling)
    },
  })
  const ready = watch.ready.then(() => {
    for (const path of paths) debouncer.add(path)
  })
  return {
    ready,
    async close() {
      await watch.close()
      await debouncer.close()
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

/** How long a file must be unchanged until its writing is done, in milliseconds. */
export const DEFAULT_QUIET_MS = 100

/** Number of unchanged checks for a missing file: some programs remove a file before they write it again. */
const MISSING_FILE_CHECKS = 5

/** Number of checks after which changes are reported although another file is still being written. */
const MAX_CHECKS = 20

interface Unsettled {
  /** Undefined before the first check; `missing` for a missing file. */
  stamp: string | undefined
  quiet: number
}

/** Collects changed paths until their writing is done, and reports simultaneous changes together. */
export class ChangeDebouncer {
  readonly #quietMs: number
  readonly #onSettled: (paths: readonly string[]) => Promise<void>
  readonly #paths = new Map<string, Unsettled>()
  #timer: NodeJS.Timeout | undefined
  #checks = 0
  #running: Promise<void> = Promise.resolve()
  #isClosed = false

  /** @param onSettled must not reject; not called again before its promise resolves */
  constructor(quietMs: number, onSettled: (paths: readonly string[]) => Promise<void>) {
    this.#quietMs = quietMs
    this.#onSettled = onSettled
  }

  /** Adds a path that may have changed. */
  add(path: string): void {
    if (this.#isClosed) return
    if (!this.#paths.has(path)) this.#paths.set(path, { stamp: undefined, quiet: 0 })
    this.#schedule()
  }

  /** Stops reporting. Resolves when the running report is done. */
  close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    return this.#running
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#running = this.#check().finally(() => {
        this.#timer = undefined
        if (this.#paths.size > 0 && !this.#isClosed) this.#schedule()
      })
    }, this.#quietMs)
  }

  async #check(): Promise<void> {
    const settled: string[] = []
    for (const [path, unsettled] of this.#paths) {
      const stamp = await stampOf(path)
      unsettled.quiet = stamp === unsettled.stamp ? unsettled.quiet + 1 : 0
      unsettled.stamp = stamp
      if (unsettled.quiet >= (stamp === 'missing' ? MISSING_FILE_CHECKS : 1)) settled.push(path)
    }
    this.#checks++
    const isDone = settled.length === this.#paths.size || (settled.length > 0 && this.#checks >= MAX_CHECKS)
    if (!isDone || this.#isClosed) return
    this.#checks = 0
    for (const path of settled) this.#paths.delete(path)
    await this.#onSettled(settled.sort())
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    return (await fileState(path))?.stamp ?? 'missing'
  } catch {
    return 'unreadable'
  }
}
