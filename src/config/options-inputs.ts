import { join } from 'node:path'
import { readRegularText } from '../lib/regular-file.ts'
import type { ConfigOptions, ReplacedSetting } from './config-options.ts'
import { LiveConfig } from './live-config.ts'
import { parseModelCatalogueFile } from './model-catalogue-file.ts'
import { type ConfigInputs, type FileEntries, type ReadInputs, readInputs } from './read-inputs.ts'
import { configError, resolveInputs } from './resolve-inputs.ts'
import { type GivenValue, givenValue, type Setting, settingsTable } from './settings-table.ts'
import { showValue } from './zod-problems.ts'
import type { ConfigSources } from './sources.ts'
import { fileURLToPath } from 'node:url'
import { nearestNames } from '../lib/nearest-names.ts'
import { isRecord } from '../lib/record.ts'

/** What options are read with. */
export interface OptionSources {
  /** What relative paths start from; default: the working directory of the process. */
  readonly workingDirectory?: string | undefined
  /** Reads the files that variables in `env` name. */
  readonly readFile?: ConfigSources['readFile']
  /** Further options, which somebody else reads, with what is wrong with them. */
  readonly otherOptions?: Readonly<Record<string, string | undefined>>
}

/**
 * What is different for a simulator inside a program: a test waits for nothing unless it asks, prints nothing but what went
 * wrong, takes any free port, and is not held up at its end.
 */
const libraryDefaults: Readonly<Record<string, string>> = {
  LATENCY_TIME_SCALE: '0',
  LOG_LEVEL: 'warn',
  PORT: '0',
  SHUTDOWN_GRACE_SECONDS: '1',
  JOURNAL_SIZE: '0',
}

/** Makes of options what a configuration is made from. No variable of the process and no `.env` is read. */
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
  const all: ConfigInputs = {
    ...inputs,
    given: mergeGiven(given, inputs.given),
    ...(catalogue && { models: catalogue.catalogue }),
    ...(deployments && { deployments, deploymentsAreDefault: false }),
    ...(options.faults !== undefined && { faults: entriesOf({ faults: options.faults }, 'options') }),
    ...(options.incidents !== undefined && { incidents: entriesOf(options.incidents, 'incidents') }),
  }
  return { inputs: all, problems }
}

/**
 * Makes of options a configuration that can change later.
 *
 * @throws {OperatorError} CONFIG_INVALID, with every problem at once, each by the path of the option
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

/** Each setting once: as an option, or else in `env`, or else as is usual here. */
function mergeGiven(options: readonly GivenValue[], env: readonly GivenValue[]): GivenValue[] {
  const usual = settingsTable().flatMap((setting): GivenValue[] => {
    const value = libraryDefaults[setting.env]
    return value === undefined ? [] : [givenValue(setting, value, setting.env)]
  })
  const merged = new Map([...usual, ...env, ...options].map((given) => [given.setting, given]))
  return settingsTable().flatMap((setting) => merged.get(setting) ?? [])
}

/** A copy, so that nobody changes a configuration by changing the object that it was made from. */
function entriesOf(entries: unknown, place: string): FileEntries {
  return { entries: copyTree(entries), place }
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

/** What to give in the place of a setting that is no option. */
const replacements: Readonly<Record<Exclude<ReplacedSetting, 'recordings'>, string>> = {
  host: 'Give it to listen().',
  port: 'Give it to listen().',
  logLevel: 'Set log.',
  logFormat: 'Give a logger of your own as log.',
  logRequests: 'Set journal, and call requests().',
  journalSize: 'Set journal.',
  extensionPath: 'Set extensions.',
  deploymentConfigPath: 'Set deployments.',
  modelCataloguePath: 'Set models.',
  faultsPath: 'Set faults.',
  incidentsPath: 'Set incidents.',
  watch: 'Call patch() for a change.',
  workers: 'A simulator in a program is one process; start the command line with --workers.',
}

/** Options that are no settings, and are read elsewhere. */
const contentOptions = ['deployments', 'models', 'faults', 'incidents', 'env'] as const

/** Every setting that is an option, by its path: `latency.timeScale`. */
const settings: ReadonlyMap<string, Setting> = new Map(
  settingsTable()
    .filter(({ path: [first = ''] }) => !Object.hasOwn(replacements, first))
    .map((setting) => [setting.path.join('.'), setting]),
)
/** Options that stand for a setting of another name. */
const aliases: ReadonlyMap<string, Setting | undefined> = new Map([
  ['journal', settingAt('journalSize')],
  ['log', settingAt('logLevel')],
])

/** How many requests `journal: true` keeps. */
const DEFAULT_JOURNAL_SIZE = 1_000

/** Collects the settings among options; names that mean nothing are problems. */
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
    // An empty list is what a setting with a list is when nobody sets it; of any other it is a wrong value.
    const isNothing = Array.isArray(value) && value.length === 0 && Array.isArray(setting.read(''))
    if (!isNothing) given.push(givenValue(setting, plain(option, value), option))
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
  if (replaced) return `${option} is no option. ${replaced[1]}`
  const [nearest] = nearestNames(option, known, 1)
  return `${option} is no option. ${nearest === undefined ? 'Remove it.' : `Did you mean ${nearest}?`}`
}

/** Copies plain objects and arrays, without the keys that are undefined; all else stays the same value. */
function copyTree(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(copyTree)
  if (typeof tree !== 'object' || tree === null) return tree
  const prototype: unknown = Object.getPrototypeOf(tree)
  // An object of another realm has an Object.prototype of its own.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return tree
  return Object.fromEntries(
    Object.entries(tree)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, copyTree(value)]),
  )
}
