import { countOf } from '../lib/format-text.ts'
import { join, relative, resolve, dirname } from 'node:path'
import type { LiveConfig } from '../config/live-config.ts'
import { readInputs } from '../config/read-inputs.ts'
import { collectGivenValues, type ConfigSources } from '../config/sources.ts'
import { reasonOf } from '../lib/error-text.ts'
import { type Watch, type WatchMeans, watchFolders } from './watch-folders.ts'
import { fileState, fileStateSync } from '../recordings/file-state.ts'
import { clearTimeout, setTimeout } from '../lib/real-timers.ts'

/** What the files of settings are watched for. */
export interface WatchedSettings extends WatchMeans {
  readonly live: LiveConfig
  /** What the configuration was read from. */
  readonly sources: ConfigSources
}

const incidentsPath = 'INCIDENTS_PATH'

/** The settings that name files of which all can change at run time. */
const fileSettings = new Set([
  'OPENAI_DEPLOYMENT_CONFIG_PATH',
  'MODEL_CATALOGUE_PATH',
  'FAULTS_PATH',
  incidentsPath,
])

/**
 * Takes up changes of the files that settings name: all of them are read and checked anew, and one reference is swapped,
 * or else the log says what is wrong and nothing changes. Flags, variables and `.env` stay as they were at the start.
 */
export function watchSettings({ live, sources, ...means }: WatchedSettings): Watch {
  const { logger } = means
  const start = withFixedEnvFile(sources)
  const named = collectGivenValues(start).given.filter(({ setting }) => fileSettings.has(setting.env))
  const pathOf = new Map(
    named.map(({ setting, value }) => [setting.env, resolve(sources.workingDirectory, String(value))]),
  )
  return watchFiles({
    ...means,
    paths: [...new Set(pathOf.values())],
    async onChange(changed) {
      const files = changed.map((path) => relative(sources.workingDirectory, path) || path)
      const problems = await reload(live, start)
      if (problems.length > 0) {
        const count = countOf(problems.length, 'problem')
        const lines = problems.map((problem) => `\n  ${problem}`).join('')
        const message = `Could not reload ${files.join(', ')}: ${count}. What was in force before stays.${lines}`
        logger.error({ files, problems }, message)
        return
      }
      const incidents = changed.includes(pathOf.get(incidentsPath) ?? '')
        ? ' A timetable that runs goes on; that of the file begins at the next reset or start.'
        : ''
      logger.info({ files }, `Reloaded ${files.join(', ')}.${incidents}`)
    },
  })
}

/** Gives what is wrong; empty where the change was made. */
async function reload(live: LiveConfig, sources: ConfigSources): Promise<readonly string[]> {
  try {
    const { inputs, problems } = readInputs(sources)
    return problems.length > 0 ? problems : (await live.rebase(inputs)).problems
  } catch (error) {
    return [reasonOf(error)]
  }
}

/** Most of `.env` counts at the start only, and half of a change would be worse than none. */
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

/** How long a file must stay the same until its writing counts as done, in milliseconds. */
export const DEFAULT_QUIET_MS = 100

/** So many times more for a file that is gone: programs that write by removing and making anew take a moment. */
const GONE_TIMES = 5

/** So many times others wait for a file that is written all the time. */
const PATIENCE = 20

interface Unsettled {
  /** Undefined before the first look; `gone` for a file that is not there. */
  stamp: string | undefined
  quiet: number
}

/** Collects paths that have changed until their writing is done, and reports together what changed together. */
export class Settle {
  readonly #quietMs: number
  readonly #onSettled: (paths: readonly string[]) => Promise<void>
  readonly #paths = new Map<string, Unsettled>()
  #timer: NodeJS.Timeout | undefined
  #looks = 0
  #running: Promise<void> = Promise.resolve()
  #isClosed = false

  /** @param onSettled must not reject; it is not called again before it has ended */
  constructor(quietMs: number, onSettled: (paths: readonly string[]) => Promise<void>) {
    this.#quietMs = quietMs
    this.#onSettled = onSettled
  }

  /** Notes that a path may have changed. */
  note(path: string): void {
    if (this.#isClosed) return
    if (!this.#paths.has(path)) this.#paths.set(path, { stamp: undefined, quiet: 0 })
    this.#arm()
  }

  /** Reports nothing more; ends when the report that is under way has ended. */
  close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    return this.#running
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#running = this.#look().finally(() => {
        this.#timer = undefined
        if (this.#paths.size > 0 && !this.#isClosed) this.#arm()
      })
    }, this.#quietMs)
  }

  async #look(): Promise<void> {
    const settled: string[] = []
    for (const [path, unsettled] of this.#paths) {
      const stamp = await stampOf(path)
      unsettled.quiet = stamp === unsettled.stamp ? unsettled.quiet + 1 : 0
      unsettled.stamp = stamp
      if (unsettled.quiet >= (stamp === 'gone' ? GONE_TIMES : 1)) settled.push(path)
    }
    this.#looks++
    const isDone = settled.length === this.#paths.size || (settled.length > 0 && this.#looks >= PATIENCE)
    if (!isDone || this.#isClosed) return
    this.#looks = 0
    for (const path of settled) this.#paths.delete(path)
    await this.#onSettled(settled.sort())
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    return (await fileState(path))?.stamp ?? 'gone'
  } catch {
    return 'unreadable'
  }
}
