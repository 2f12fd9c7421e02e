import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { describeFirst, reasonOf, shortText } from '../lib/error-text.ts'
import { editDistance, nearestNames } from '../lib/nearest-names.ts'
import { type ConfigFile, readConfigFile } from './config-file.ts'
import { configFileVariable } from './file-settings.ts'
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

/** Collects the configured values. Priority: flag, variable, `.env`, configuration file. Unknown names are problems. */
export function collectGivenValues(sources: ConfigSources): {
  readonly given: readonly GivenValue[]
  readonly problems: readonly string[]
  /** Variables with names similar to settings, which are most likely misspelt. */
  readonly warnings: readonly string[]
  /** The subset of `problems` that can hide values: an unreadable `.env` or configuration file. */
  readonly unreadable: readonly string[]
  /** The configuration file; undefined if none is named. */
  readonly configFile: ConfigFile | undefined
} {
  const { flags, env } = sources
  const file = readEnvFile(sources)
  const direct = settingsTable().flatMap((setting): GivenValue[] => {
    const flag = flags[setting.flag]
    if (flag !== undefined) return [givenValue(setting, flag, setting.flag)]
    // An empty variable counts as unset: Compose files and CI systems often cannot remove a variable.
    const variable = env[setting.env]
    if (variable) return [givenValue(setting, variable, setting.env)]
    const line = file.env[setting.env]
    return line ? [givenValue(setting, line, `${setting.env} (in .env)`)] : []
  })
  const configFile = readNamedFile(direct, { ...file.env, ...withoutEmpty(env) }, sources)
  const given = mergeGiven(direct, configFile?.given ?? [])
  const problems = [
    ...file.problems,
    ...(configFile?.problems ?? []),
    ...unknownFlags(flags),
    ...unknownVariables(env, ''),
    ...unknownVariables(file.env, ' (in .env)'),
  ]
  const isSet = (name: string): boolean => given.some(({ setting }) => setting.env === name)
  const warnings = [...misspeltVariables(env, isSet, ''), ...misspeltVariables(file.env, isSet, ' (in .env)')]
  const unreadable = [...file.problems, ...(configFile?.isRead === false ? configFile.problems : [])]
  return { given, problems, warnings, unreadable, configFile }
}

function readNamedFile(
  given: readonly GivenValue[],
  env: ConfigSources['env'],
  { workingDirectory, readFile }: ConfigSources,
): ConfigFile | undefined {
  const named = given.find(({ setting }) => setting.env === configFileVariable)
  if (!named) return undefined
  const path = String(named.value)
  return readConfigFile({
    read: () => readFile(resolve(workingDirectory, path)),
    path,
    source: named.source,
    env,
  })
}

function withoutEmpty(env: ConfigSources['env']): ConfigSources['env'] {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value))
}

/** Merges values in the order of the settings. The first list has priority. */
function mergeGiven(first: readonly GivenValue[], second: readonly GivenValue[]): readonly GivenValue[] {
  if (second.length === 0) return first
  const merged = new Map([...second, ...first].map((given) => [given.setting, given]))
  return settingsTable().flatMap((setting) => merged.get(setting) ?? [])
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
