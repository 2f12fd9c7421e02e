import { fileURLToPath } from 'node:url'
import { nearestNames } from '../lib/nearest-names.ts'
import type { ConfigOptions, ReplacedSetting } from './config-options.ts'
import { isRecord } from './resolve-deployment.ts'
import { type GivenValue, givenValue, type Setting, settingsTable } from './settings-table.ts'
import { showValue } from './show-value.ts'

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
const usualJournalSize = 1_000

/** The path of every option that is a setting. */
export function settingOptions(): readonly string[] {
  return [...settings.keys()]
}

/** Collects the settings among options; names that mean nothing are problems. */
export function collectOptions(
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
    // An empty list is what the setting is when nobody sets it.
    if (!Array.isArray(value) || value.length > 0)
      given.push(givenValue(setting, plain(option, value), option))
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
  if (option === 'journal' && typeof value === 'boolean') return value ? usualJournalSize : 0
  return value instanceof URL && value.protocol === 'file:' ? fileURLToPath(value) : value
}

function describeUnknown(option: string, known: readonly string[]): string {
  const replaced = Object.entries(replacements).find(([name]) => name === option)
  if (replaced) return `${option} is no option. ${replaced[1]}`
  const [nearest] = nearestNames(option, known, 1)
  return `${option} is no option. ${nearest === undefined ? 'Remove it.' : `Did you mean ${nearest}?`}`
}
