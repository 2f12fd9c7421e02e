import { join } from 'node:path'
import { readRegularText } from '../lib/regular-file.ts'
import type { ConfigOptions, ReplacedSetting } from './config-options.ts'
import { LiveConfig } from './live-config.ts'
import type { ModelCatalogue } from '../wire/models/model-catalogue.ts'
import { readNamedSections } from './config-file.ts'
import { parseModelCatalogueFile } from './model-catalogue-file.ts'
import {
  type ConfigInputs,
  type FileEntries,
  type ReadInputs,
  readInputs,
  readNamedResources,
} from './read-inputs.ts'
import { resolveInputs } from './resolve-inputs.ts'
import { configError } from './resolve-settings.ts'
import { type GivenValue, givenValue, type Setting, settingsTable } from './settings-table.ts'
import { showValue } from './zod-problems.ts'
import type { ConfigSources } from './sources.ts'
import { certificateProblems } from './tls-settings.ts'
import { fileURLToPath } from 'node:url'
import { nearestNames } from '../lib/nearest-names.ts'
import { isRecord } from '../lib/record.ts'

/** Sources for options. */
export interface OptionSources {
  /** Base of relative paths; default: the working directory of the process. */
  readonly workingDirectory?: string | undefined
  /** Reads the files that are named by variables in `env`. */
  readonly readFile?: ConfigSources['readFile']
  /** Further options that the caller handles, each with its problem, if any. */
  readonly otherOptions?: Readonly<Record<string, string | undefined>>
}

/** Defaults of the library that differ from those of the server, for use in tests: no latency, few logs, a free port, a short stop. */
const libraryDefaults: Readonly<Record<string, string>> = {
  LATENCY_TIME_SCALE: '0',
  LOG_LEVEL: 'warn',
  PORT: '0',
  SHUTDOWN_GRACE_SECONDS: '1',
  JOURNAL_SIZE: '0',
  // Tests start many simulators, and a warning for each would hide others.
  RETIRED_MODELS: 'accept',
}

/** Converts options to inputs of a configuration. Does not read the environment of the process or `.env`. */
export function inputsOfOptions(options: ConfigOptions, sources: OptionSources = {}): ReadInputs {
  const { env = {} } = options
  const { otherOptions = {} } = sources
  const { inputs, problems: envProblems } = readInputs({ flags: {}, env, ...fileSources(sources) })
  const { given, problems: optionProblems } = collectOptions(options, Object.keys(otherOptions))
  const otherProblems = Object.values(otherOptions).filter((problem) => problem !== undefined)
  const problems = [...envProblems, ...optionProblems, ...otherProblems]
  const models = options.models === undefined ? undefined : checkMapping('models', options.models, problems)
  const catalogue = models && parseModelCatalogueFile(JSON.stringify(models), 'models')
  problems.push(...(catalogue?.problems ?? []))
  const deployments =
    options.deployments === undefined
      ? undefined
      : entriesOf(checkMapping('deployments', options.deployments, problems), 'deployments')
  const named = readNamed(options, env, catalogue?.catalogue ?? inputs.models, problems)
  const all: ConfigInputs = {
    ...inputs,
    ...named,
    given: mergeGiven(given, inputs.given),
    ...(catalogue && { models: catalogue.catalogue }),
    ...(deployments && { deployments, deploymentsAreDefault: false }),
    ...(options.faults !== undefined && { faults: entriesOf({ faults: options.faults }, 'options') }),
    ...(options.incidents !== undefined && { incidents: entriesOf(options.incidents, 'incidents') }),
  }
  problems.push(...certificateProblems(all.given, fileSources(sources)))
  return { inputs: all, problems }
}

/**
 * Converts options to a configuration that can change at run time.
 *
 * @throws {OperatorError} CONFIG_INVALID with all problems, each with the path of its option
 */
export function liveConfigOfOptions(options: ConfigOptions, sources: OptionSources = {}): LiveConfig {
  const { inputs, problems } = inputsOfOptions(options, sources)
  if (problems.length === 0) return new LiveConfig(inputs)
  const resolved = resolveInputs(inputs)
  throw configError('start', [...problems, ...('problems' in resolved ? resolved.problems : [])])
}

function fileSources({ workingDirectory = process.cwd(), readFile = readRegularText }: OptionSources) {
  const envFile = join(workingDirectory, '.env')
  return {
    workingDirectory,
    readFile: (path: string): string => {
      if (path === envFile) throw Object.assign(new Error('It is not read.'), { code: 'ENOENT' })
      return readFile(path)
    },
  }
}

/** Merges values by priority: options, `env`, defaults of the library. */
function mergeGiven(options: readonly GivenValue[], env: readonly GivenValue[]): GivenValue[] {
  const defaults = settingsTable().flatMap((setting): GivenValue[] => {
    const value = libraryDefaults[setting.env]
    return value === undefined ? [] : [givenValue(setting, value, setting.env)]
  })
  const merged = new Map([...defaults, ...env, ...options].map((given) => [given.setting, given]))
  return settingsTable().flatMap((setting) => merged.get(setting) ?? [])
}

/** Reads the options `resources` and `upstreams`. Those that are given replace the sections of a configuration file in `env`. */
function readNamed(
  { resources, upstreams }: ConfigOptions,
  env: NonNullable<ConfigOptions['env']>,
  models: ModelCatalogue,
  problems: string[],
): Pick<ConfigInputs, 'resources' | 'upstreams'> {
  if (resources === undefined && upstreams === undefined) return {}
  const sections = readNamedSections(copyTree({ upstreams, resources }) as object, env)
  const { inputs, problems: found } = readNamedResources(sections, models)
  problems.push(...sections.problems, ...found)
  if (sections.given.length > 0)
    problems.push('upstreams must not have the name default. Set the option upstream.')
  return inputs
}

/** Copies the entries, so that later changes of the caller's object have no effect. */
function entriesOf(entries: unknown, location: string): FileEntries {
  return { entries: copyTree(entries), location }
}

function checkMapping(
  option: string,
  value: unknown,
  problems: string[],
): Record<string, unknown> | undefined {
  if (isRecord(value)) return value
  problems.push(`${option} must be an object with names as its keys (got ${showValue(value)}).`)
  return undefined
}

/** Replacements for settings that are not options. */
const replacements: Readonly<Record<Exclude<ReplacedSetting, 'recordings'>, string>> = {
  config: 'Set deployments, resources and the others, or name the file as SIMULATOR_CONFIG in env.',
  host: 'Pass it to listen().',
  port: 'Pass it to listen().',
  logLevel: 'Set log.',
  logFormat: 'Pass your own logger as log.',
  logRequests: 'Set journal, and call requests().',
  journalSize: 'Set journal.',
  extensionPath: 'Set extensions.',
  deploymentConfigPath: 'Set deployments.',
  modelCataloguePath: 'Set models.',
  faultsPath: 'Set faults.',
  incidentsPath: 'Set incidents.',
  watch: 'Call patch() to change settings.',
  workers: 'The library runs in one process. Use the command line with --workers.',
}

/** Options that are not settings and are handled separately. */
const contentOptions = [
  'deployments',
  'models',
  'faults',
  'incidents',
  'resources',
  'upstreams',
  'env',
] as const

/** Settings that are options, by path: `latency.timeScale`. */
const settings: ReadonlyMap<string, Setting> = new Map(
  settingsTable()
    .filter(({ path: [first = ''] }) => !Object.hasOwn(replacements, first))
    .map((setting) => [setting.path.join('.'), setting]),
)
/** Options with another name than their setting. */
const aliases: ReadonlyMap<string, Setting | undefined> = new Map([
  ['journal', settingAt('journalSize')],
  ['log', settingAt('logLevel')],
])

/** Size of the journal for `journal: true`. */
const DEFAULT_JOURNAL_SIZE = 1_000

/** Collects the values of settings in options. Unknown options are problems. */
function collectOptions(
  options: ConfigOptions,
  otherOptions: readonly string[],
): { readonly given: readonly GivenValue[]; readonly problems: readonly string[] } {
  const known = [...settings.keys(), ...aliases.keys(), ...contentOptions, ...otherOptions]
  const read = new Set<string>([...contentOptions, ...otherOptions])
  const given: GivenValue[] = []
  const problems: string[] = []
  const walk = (node: object, prefix: string): void => {
    for (const [key, value] of Object.entries(node)) {
      const option = `${prefix}${key}`
      if (value === undefined || read.has(option)) continue
      const setting = aliases.get(option) ?? settings.get(option)
      if (setting) collect(setting, option, value)
      else if (!isGroup(option)) problems.push(describeUnknown(option, known))
      else if (isRecord(value)) walk(value, `${option}.`)
      else problems.push(`${option} must be an object (got ${showValue(value)}).`)
    }
  }
  const collect = (setting: Setting, option: string, value: unknown): void => {
    // An empty list leaves a list setting unset. For any other setting it is an invalid value.
    const isUnset = Array.isArray(value) && value.length === 0 && Array.isArray(setting.read(''))
    if (!isUnset) given.push(givenValue(setting, plain(option, value), option))
  }
  walk(options, '')
  return { given, problems }
}

function settingAt(path: string): Setting | undefined {
  return settingsTable().find((setting) => setting.path.join('.') === path)
}

function isGroup(option: string): boolean {
  return [...settings.keys()].some((path) => path.startsWith(`${option}.`))
}

function plain(option: string, value: unknown): unknown {
  if (option === 'journal' && typeof value === 'boolean') return value ? DEFAULT_JOURNAL_SIZE : 0
  return value instanceof URL && value.protocol === 'file:' ? fileURLToPath(value) : value
}

function describeUnknown(option: string, known: readonly string[]): string {
  const replaced = Object.entries(replacements).find(([name]) => name === option)
  if (replaced) return `${option} is not an option. ${replaced[1]}`
  const [nearest] = nearestNames(option, known, 1)
  return `${option} is not an option. ${nearest === undefined ? 'Remove it.' : `Did you mean ${nearest}?`}`
}

/** Copies plain objects and arrays without undefined keys. Other values are not copied. */
function copyTree(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(copyTree)
  if (typeof tree !== 'object' || tree === null) return tree
  const prototype: unknown = Object.getPrototypeOf(tree)
  // An object of another realm has a different Object.prototype.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return tree
  return Object.fromEntries(
    Object.entries(tree)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, copyTree(value)]),
  )
}
