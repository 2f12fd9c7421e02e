import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { describeFirst, reasonOf, shortText } from '../lib/error-text.ts'
import { editDistance, nearestNames } from '../lib/nearest-names.ts'
import { type GivenValue, givenValue, settingsTable } from './settings-table.ts'

/** Sources of the configuration. Tests replace them. */
export interface ConfigSources {
  /** Values of the flags that were given, by the flag with its dashes: `--port`. */
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder of `.env`, and base of relative paths. */
  readonly workingDirectory: string
  /** Returns the text of a file. Throws the error of node:fs. */
  readonly readFile: (path: string) => string
}

/** Collects the configured values. Priority: flag, variable, `.env`. Unknown names are problems. */
export function collectGivenValues(sources: ConfigSources): {
  readonly given: readonly GivenValue[]
  readonly problems: readonly string[]
  /** Variables with names similar to settings, which are most likely misspelt. */
  readonly warnings: readonly string[]
  /** The subset of `problems` that can hide values: an unreadable `.env`. */
  readonly unreadable: readonly string[]
} {
  const { flags, env } = sources
  const file = readEnvFile(sources)
  const given = settingsTable().flatMap((setting): GivenValue[] => {
    const flag = flags[setting.flag]
    if (flag !== undefined) return [givenValue(setting, flag, setting.flag)]
    // An empty variable counts as unset: Compose files and CI systems often cannot remove a variable.
    const variable = env[setting.env]
    if (variable) return [givenValue(setting, variable, setting.env)]
    const line = file.env[setting.env]
    return line ? [givenValue(setting, line, `${setting.env} (in .env)`)] : []
  })
  const problems = [
    ...file.problems,
    ...unknownFlags(flags),
    ...unknownVariables(env, ''),
    ...unknownVariables(file.env, ' (in .env)'),
  ]
  const isSet = (name: string): boolean => given.some(({ setting }) => setting.env === name)
  const warnings = [...misspeltVariables(env, isSet, ''), ...misspeltVariables(file.env, isSet, ' (in .env)')]
  return { given, problems, warnings, unreadable: file.problems }
}

function readEnvFile(sources: ConfigSources): { env: NodeJS.Dict<string>; problems: string[] } {
  try {
    const text = sources.readFile(join(sources.workingDirectory, '.env'))
    return { env: parseEnv(text.replace(/^\uFEFF/, '')), problems: [] }
  } catch (error) {
    // Ignore a directory with that name: some Python developers use it for their virtual environment.
    if (error instanceof Error && 'code' in error && ['ENOENT', 'EISDIR'].includes(String(error.code))) {
      return { env: {}, problems: [] }
    }
    const reason = reasonOf(error)
    return { env: {}, problems: [`.env cannot be read: ${reason}. Make it readable, or remove it.`] }
  }
}

function unknownFlags(flags: ConfigSources['flags']): string[] {
  const known = settingsTable().map((setting) => setting.flag)
  return Object.keys(flags)
    .filter((flag) => flags[flag] !== undefined && !known.includes(flag))
    .map((flag) => `${flag} is not a setting.${nearestHint(flag, known)}`)
}

function unknownVariables(env: ConfigSources['env'], where: string): string[] {
  const known = settingsTable().map((setting) => setting.env)
  const unknown = Object.entries(env).filter(
    ([name, value]) => name.startsWith('SIMULATOR_') && !known.includes(name) && !isServiceLink(name, value),
  )
  return describeFirst(
    unknown,
    ([name]) => `${shortText(name)}${where} is not a setting.${nearestHint(name, known)}`,
  )
}

/** Variables of other programs that look like a misspelt setting. */
const commonVariables: ReadonlySet<string> = new Set(['WORKER', 'REDIS_URI'])

/**
 * Warns of names that differ from a setting by one or two letters: PROT, LATENCY_PROFIL. They can belong to another program, so
 * they are not problems. There is no warning if the setting itself is set.
 */
function misspeltVariables(
  env: ConfigSources['env'],
  isSet: (name: string) => boolean,
  where: string,
): string[] {
  const known = settingsTable().map((setting) => setting.env)
  return Object.entries(env).flatMap(([name, value]) => {
    if (!value || known.includes(name) || commonVariables.has(name) || isServiceLink(name, value)) return []
    const meant = known.find((setting) => !setting.startsWith('SIMULATOR_') && isMisspelling(name, setting))
    if (meant === undefined || isSet(meant)) return []
    return [`${name}${where} is not a setting and has no effect. Did you mean ${meant}?`]
  })
}

/**
 * Returns whether a name is most likely a misspelt setting. For short names only two swapped letters count, because other names are
 * often similar: PORTS and POST to PORT. The first letter must match, unlike in DEFAULTS_PATH and FAULTS_PATH.
 */
function isMisspelling(name: string, setting: string): boolean {
  const longer = name.length - setting.length
  if (Math.abs(longer) > 2 || (name[0] !== setting[0] && name[0] !== setting[1])) return false
  const distance = editDistance(name, setting)
  if (setting.length >= 10) return distance <= 2
  if (setting.length >= 6) return distance <= 1
  return distance === 1 && sortedLetters(name) === sortedLetters(setting)
}

function sortedLetters(name: string): string {
  return name.split('').toSorted().join('')
}

/**
 * Returns whether Kubernetes or Docker has set the variable. They set such variables in each container if there is a service named
 * "simulator" (Kubernetes documentation, "Discovering services").
 */
function isServiceLink(name: string, value: string | undefined): boolean {
  if (/_SERVICE_(HOST|PORT(_\w+)?)$/.test(name) || /_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$/.test(name)) return true
  return name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value ?? '')
}

function nearestHint(name: string, known: readonly string[]): string {
  const [nearest] = nearestNames(name, known, 1)
  return nearest === undefined ? ' Remove it.' : ` Did you mean ${nearest}?`
}
