import * as z from 'zod'
import { shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { isRecord } from '../lib/record.ts'
import { snakeKey } from './mapping-file.ts'
import { type Setting, settingName, settingsTable } from './settings-table.ts'
import { showValue } from './zod-problems.ts'

/** Sections of a configuration file, in the order of the documentation. */
export const configSections = [
  'settings',
  'upstreams',
  'deployments',
  'resources',
  'faults',
  'incidents',
] as const

/** Setting with the path of the configuration file. */
export const configFileVariable = 'SIMULATOR_CONFIG'

/** Name of the upstream of the default resource. */
export const defaultUpstream = 'default'

/** Settings by their name in the section `settings`. */
export const settingsByName: ReadonlyMap<string, Setting> = new Map(
  settingsTable()
    .filter(({ env }) => env !== configFileVariable)
    .map((setting) => [settingName(setting), setting]),
)

/** Settings of an upstream by their key in the file: `connect_timeout_ms`. */
export const upstreamSettingsByName: ReadonlyMap<string, Setting> = new Map(
  settingsTable().flatMap((setting) => {
    const [group, key = ''] = setting.path
    return group === 'upstream' ? [[snakeKey(key), setting]] : []
  }),
)

/** Returns the name of the variable in `{ env: NAME }`. */
export function variableOf(value: unknown): string | undefined {
  if (!isRecord(value) || Object.keys(value).length !== 1) return undefined
  const { env } = value
  return typeof env === 'string' ? env : undefined
}

/** Reads the text of a variable as a plain scalar of YAML: a number, a boolean, or text. */
export function readScalar(text: string | undefined): unknown {
  if (text === 'true' || text === 'false') return text === 'true'
  return text !== undefined && /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text.trim()) ? Number(text) : text
}

/** Returns the word for true or false of a setting that has more than these two words, such as WATCH. */
export function wordOf(setting: Setting, value: unknown): unknown {
  const kind = kindOf(setting)
  const isWord =
    typeof value === 'boolean' && kind instanceof z.ZodEnum && kind.options.includes(String(value))
  return isWord ? String(value) : value
}

/** Returns the schema of a setting without its default. */
export function kindOf({ schema }: Setting): unknown {
  return schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional ? schema.unwrap() : schema
}

/** Returns a name as a part of a path in messages. */
export function partOf(name: string): string {
  return /^[\w-]{1,64}$/.test(name) ? name : JSON.stringify(shortText(name))
}

/** Returns whether settings have names that begin with this one. */
export function isGroup(name: string): boolean {
  return [...settingsByName.keys()].some((known) => known.startsWith(`${name}.`))
}

/** Returns the setting of a variable, in any case, with or without `SIMULATOR_`. */
export function settingNamed(name: string): Setting | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/^simulator_/, '')
  return [...settingsByName.values()].find(
    ({ env }) => plain(env) === plain(/[a-z]/.test(name) ? snakeKey(name) : name),
  )
}

/** Describes a key that is not a setting. The text follows its name. */
export function unknownSetting(name: string, value: unknown): string {
  if (isGroup(name)) return `must be a mapping (got ${showValue(value)}).`
  const section = name === 'openai_deployments' ? 'deployments' : name
  if ((configSections as readonly string[]).includes(section))
    return `is not a setting. Use the section ${section}, beside settings.`
  if (name === 'config' || name === 'simulator_config')
    return 'is not a setting of a file. One configuration file cannot name another.'
  const meant = settingNamed(name)
  const [nearest] = meant ? [settingName(meant)] : nearestNames(name, [...settingsByName.keys()], 1)
  return `is not a setting. ${nearest === undefined ? 'Remove it.' : `Did you mean ${nearest}?`}`
}

/** Changes each value of a tree. */
export function mapValues<A, B>(
  tree: Readonly<Record<string, A>>,
  change: (value: A, key: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, change(value, key)]))
}

/** Keys of mappings from names of deployments, which can have any spelling. */
const namedKeys: ReadonlySet<string> = new Set(['deployments', 'openai_deployments'])

/**
 * Returns a problem for each key that is present in snake_case and in camelCase, of which one would be ignored, and for each path of a
 * setting instead of nested mappings.
 *
 * @param location path of the tree, before the path in it
 */
export function spellingProblems(tree: unknown, location = ''): string[] {
  if (Array.isArray(tree))
    return tree.flatMap((item, index) => spellingProblems(item, `${location}[${index}]`))
  if (!isRecord(tree)) return []
  const problems: string[] = []
  const seen = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    const name = snakeKey(key)
    const at = (part: string): string => (location === '' ? part : `${location}.${part}`)
    const first = seen.get(name)
    if (first !== undefined)
      problems.push(`${at(shortText(key))} is the same key as ${shortText(first)}. Remove one of them.`)
    seen.set(name, key)
    if (settingsByName.has(name) && key.includes('.'))
      problems.push(`${at(partOf(key))} must be nested: write each part in its own mapping.`)
    else if (namedKeys.has(name) && isRecord(value)) problems.push(...entrySpellings(value, at(key)))
    else problems.push(...spellingProblems(value, at(shortText(key))))
  }
  return problems
}

/** Returns the problems of `spellingProblems` in entries by name. */
export function entrySpellings(entries: Readonly<Record<string, unknown>>, location: string): string[] {
  return Object.entries(entries).flatMap(([name, entry]) =>
    spellingProblems(entry, `${location}.${partOf(name)}`),
  )
}
