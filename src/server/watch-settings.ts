import { countOf } from '../lib/number-format.ts'
import { join, relative, resolve } from 'node:path'
import type { LiveConfig } from '../config/live-config.ts'
import { readInputs } from '../config/read-inputs.ts'
import { collectGivenValues, type ConfigSources } from '../config/sources.ts'
import { reasonOf } from '../lib/error-text.ts'
import { watchFiles } from './watch-files.ts'
import type { Watch, WatchMeans } from './watch-folders.ts'

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
