import { z } from 'zod'
import { redacted } from '../lib/credential-texts.ts'
import { describeFirst, reasonOf, shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { isRecord } from '../lib/record.ts'
import { camelKeys, parseMappingFile, snakeKey } from './mapping-file.ts'
import type { FileEntries } from './read-inputs.ts'
import { describeWrongValue } from './resolve-settings.ts'
import { type GivenValue, givenValue, type Setting, settingName, settingsTable } from './settings-table.ts'
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

/** Settings that name a file with the content of a section, by section. */
export const sectionVariables = {
  deployments: 'OPENAI_DEPLOYMENT_CONFIG_PATH',
  faults: 'FAULTS_PATH',
  incidents: 'INCIDENTS_PATH',
} as const

/** Name of the upstream of the default resource. */
export const defaultUpstream = 'default'

/** Settings of an upstream by the names of variables in lower case, in the form of the settings of a resource. */
export type UpstreamEntry = Readonly<Record<string, unknown>>

/** The content of a configuration file, with all problems of its form. Values of settings are not validated yet. */
export interface ConfigFile {
  /** As it was given. */
  readonly path: string
  /** False if the file cannot be read or parsed, so that its settings are unknown. */
  readonly isRead: boolean
  /** Values of settings, including those of the default upstream. */
  readonly given: readonly GivenValue[]
  readonly deployments?: FileEntries
  readonly faults?: FileEntries
  readonly incidents?: FileEntries
  /** Upstreams of resources by name. */
  readonly upstreams: Readonly<Record<string, UpstreamEntry>>
  /** Resources by name, in the form of the file. */
  readonly resources: Readonly<Record<string, unknown>>
  /** One or two sentences each, with the path of the file and the path in it. */
  readonly problems: readonly string[]
}

/** What a configuration file is read with. */
export interface ConfigFileSources {
  /** Returns the text of the file. Throws the error of node:fs. */
  readonly read: () => string
  /** Path in messages. */
  readonly path: string
  /** The flag or variable that names the file. */
  readonly source: string
  /** Variables for `{ env: NAME }`. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Reads a configuration file in YAML or JSON. */
export function readConfigFile({ read, path, source, env }: ConfigFileSources): ConfigFile {
  const unread = { path, isRead: false, given: [], upstreams: {}, resources: {} }
  let text: string
  try {
    text = read()
  } catch (error) {
    const problem = `${source} names a file that cannot be read: ${reasonOf(error)}. Set it to the path of the configuration file.`
    return { ...unread, problems: [problem] }
  }
  const sections = configSections.join(', ')
  const { entries, problems } = parseMappingFile(
    text,
    path,
    `must be a mapping with the sections ${sections}`,
  )
  // With duplicate keys the meaning of the file is unclear, and further problems would mislead.
  if (!entries || problems.length > 0) return { ...unread, problems }
  return new Reader(path, env).read(entries)
}

/** Settings by their name in the section `settings`. */
const settingsByName: ReadonlyMap<string, Setting> = new Map(
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

type Tree = Readonly<Record<string, unknown>>

class Reader {
  readonly #path: string
  readonly #env: ConfigFileSources['env']
  readonly #problems: string[] = []

  constructor(path: string, env: ConfigFileSources['env']) {
    this.#path = path
    this.#env = env
  }

  read(entries: Tree): ConfigFile {
    this.#checkSections(entries)
    const settings = this.#section(entries, 'settings', 'must be a mapping with settings')
    const upstreams = this.#named(entries, 'upstreams', 'must map names to upstreams')
    const deployments = this.#named(entries, 'deployments', 'must map deployment names to deployments')
    const resources = this.#named(entries, 'resources', 'must map names to resources')
    const incidents = this.#section(entries, 'incidents', 'must be a mapping with phases')
    const { faults } = entries
    if (settings) this.#checkSpelling(settings, 'settings')
    const given = this.#settings(settings ?? {})
    const { [defaultUpstream]: own, ...others } = this.#upstreams(upstreams ?? {})
    for (const one of own ?? []) {
      const twice = given.find(({ setting }) => setting === one.setting)
      if (twice) this.#problems.push(`${one.source} is also given by settings. Remove one of them.`)
    }
    return {
      path: this.#path,
      isRead: true,
      given: [...given, ...(own ?? [])],
      ...(deployments && {
        deployments: {
          entries: mapValues(deployments, (entry, name) =>
            camelKeys(this.#plain(entry, `deployments.${partOf(name)}`)),
          ),
          location: `${this.#path}: deployments`,
        },
      }),
      ...(faults !== undefined &&
        faults !== null && {
          faults: { entries: { faults: camelKeys(this.#plain(faults, 'faults')) }, location: this.#path },
        }),
      ...(incidents && {
        incidents: {
          entries: camelKeys(this.#plain(incidents, 'incidents')),
          location: `${this.#path}: incidents`,
        },
      }),
      upstreams: mapValues(others, (values) => this.#completeUpstream(values)),
      resources: mapValues(resources ?? {}, (entry, name) =>
        this.#resource(entry, `resources.${partOf(name)}`),
      ),
      problems: this.#problems,
    }
  }

  #report(location: string, problem: string): void {
    this.#problems.push(`${this.#path}: ${location} ${problem}`)
  }

  #checkSections(entries: Tree): void {
    // "$schema" names the schema in a JSON file.
    const unknown = Object.keys(entries).filter(
      (key) => key !== '$schema' && !(configSections as readonly string[]).includes(key),
    )
    this.#problems.push(
      ...describeFirst(unknown, (key) => {
        const setting = settingNamed(key)
        const [nearest] = nearestNames(key, [...configSections], 1)
        const hint = setting
          ? `Move it into settings, as ${settingName(setting)}.`
          : nearest === undefined
            ? `The sections are ${configSections.join(', ')}.`
            : `Did you mean ${nearest}?`
        return `${this.#path}: ${shortText(key)} is not a section. ${hint}`
      }),
    )
  }

  /** Returns a section that is a mapping; undefined if it is absent, without a value, or invalid. */
  #section(entries: Tree, name: string, rule: string): Tree | undefined {
    const section = entries[name]
    if (section === undefined || section === null) return undefined
    if (isRecord(section)) return section
    this.#report(name, `${rule} (got ${showValue(section)}).`)
    return undefined
  }

  /** Returns a section with names as its keys. */
  #named(entries: Tree, name: string, rule: string): Tree | undefined {
    const section = this.#section(entries, name, rule)
    return section && Object.fromEntries(Object.entries(section))
  }

  #settings(tree: Tree): GivenValue[] {
    const given: GivenValue[] = []
    const unknown: { readonly name: string; readonly value: unknown }[] = []
    const walk = (node: Tree, prefix: string, shownPrefix: string): void => {
      for (const [key, value] of Object.entries(node)) {
        const name = `${prefix}${snakeKey(key)}`
        const shown = `${shownPrefix}${key}`
        const setting = settingsByName.get(name)
        if (setting) given.push(...this.#given(setting, value, `settings.${shown}`))
        else if (isGroup(name) && isRecord(value)) walk(value, `${name}.`, `${shown}.`)
        else unknown.push({ name: shown, value })
      }
    }
    walk(tree, '', '')
    this.#problems.push(
      ...describeFirst(
        unknown,
        ({ name, value }) => `${this.#path}: settings.${shortText(name)} ${unknownSetting(name, value)}`,
      ),
    )
    return given
  }

  /** Returns the settings of each upstream. */
  #upstreams(upstreams: Tree): Record<string, readonly GivenValue[]> {
    return mapValues(upstreams, (entry, name) => {
      const location = `upstreams.${partOf(name)}`
      const keys = [...upstreamSettingsByName.keys()]
      if (!/^[\w.-]{1,64}$/.test(name))
        this.#report(location, 'must have a name of 1 to 64 letters, digits, dots, dashes or underscores.')
      if (!isRecord(entry)) {
        this.#report(
          location,
          `must be a mapping with the keys ${keys.join(', ')} (got ${showValue(entry)}).`,
        )
        return []
      }
      this.#checkSpelling(entry, location)
      const given = Object.entries(entry).flatMap(([key, value]) => {
        const setting = upstreamSettingsByName.get(snakeKey(key))
        if (setting) return this.#given(setting, value, `${location}.${key}`)
        const [nearest] = nearestNames(snakeKey(key), keys, 1)
        const hint = nearest === undefined ? `The keys are ${keys.join(', ')}.` : `Did you mean ${nearest}?`
        this.#report(`${location}.${shortText(key)}`, `is not a key of an upstream. ${hint}`)
        return []
      })
      // Variables can complete the default upstream.
      const missing = name === defaultUpstream ? [] : ['endpoint', 'key'].filter((key) => !(key in entry))
      for (const key of missing)
        this.#report(
          `${location}.${key}`,
          `is missing. Set it to the ${key === 'key' ? key : 'address'} of the service.`,
        )
      // No resource has to use it. Values of the default upstream are validated as settings.
      const invalid =
        name === defaultUpstream
          ? []
          : given.filter(({ setting, value }) => !setting.schema.safeParse(value).success)
      this.#problems.push(...invalid.map(describeWrongValue))
      return given.filter((one) => !invalid.includes(one))
    })
  }

  /** Returns an upstream with all settings, so that a resource inherits none of them from the default upstream. */
  #completeUpstream(given: readonly GivenValue[]): UpstreamEntry {
    const entries = [...upstreamSettingsByName.values()].flatMap((setting) => {
      const own = given.find((one) => one.setting === setting)
      const typed = own ? own.typed : setting.default
      return typed === undefined ? [] : [[settingName(setting), typed]]
    })
    return Object.fromEntries(entries) as UpstreamEntry
  }

  /** Returns the value of a setting; nothing if it names a variable that is not set. */
  #given(setting: Setting, value: unknown, location: string): GivenValue[] {
    const source = `${this.#path}: ${location}`
    const variable = variableOf(value)
    if (variable === undefined) {
      const isUnquoted = typeof value === 'number' || typeof value === 'boolean'
      if (!isUnquoted || !(kindOf(setting) instanceof z.ZodString))
        return [givenValue(setting, wordOf(setting, value), source)]
      const got = setting.isQuoted ? String(value) : redacted
      this.#report(location, `must be text (got ${got}). Put the value in quotes.`)
      return []
    }
    const text = this.#variable(variable, location)
    return text === undefined ? [] : [{ ...givenValue(setting, text, source), variable }]
  }

  #variable(name: string, location: string): string | undefined {
    const text = this.#env[name]
    if (text) return text
    this.#report(location, `names the variable ${shortText(name)}, which is not set. Set it.`)
    return undefined
  }

  #resource(entry: unknown, location: string): unknown {
    this.#checkSpelling(entry, location)
    return entry
  }

  /** Replaces `{ env: NAME }` by the value of the variable, as YAML reads it. */
  #plain(tree: unknown, location: string): unknown {
    this.#checkSpelling(tree, location)
    const replace = (node: unknown, at: string): unknown => {
      const variable = variableOf(node)
      if (variable !== undefined) return readScalar(this.#variable(variable, at))
      if (Array.isArray(node)) return node.map((item, index) => replace(item, `${at}[${index}]`))
      return isRecord(node) ? mapValues(node, (value, key) => replace(value, `${at}.${key}`)) : node
    }
    return replace(tree, location)
  }

  /** Reports keys that are present in snake_case and in camelCase. */
  #checkSpelling(tree: unknown, location: string): void {
    if (Array.isArray(tree))
      for (const [index, item] of tree.entries()) this.#checkSpelling(item, `${location}[${index}]`)
    if (!isRecord(tree)) return
    const seen = new Map<string, string>()
    for (const [key, value] of Object.entries(tree)) {
      const first = seen.get(snakeKey(key))
      if (first !== undefined)
        this.#report(
          `${location}.${shortText(key)}`,
          `is the same key as ${shortText(first)}. Remove one of them.`,
        )
      seen.set(snakeKey(key), key)
      this.#checkSpelling(value, `${location}.${shortText(key)}`)
    }
  }
}

/** Returns the name of the variable in `{ env: NAME }`. */
function variableOf(value: unknown): string | undefined {
  if (!isRecord(value) || Object.keys(value).length !== 1) return undefined
  const { env } = value
  return typeof env === 'string' ? env : undefined
}

/** Reads the text of a variable as a plain scalar of YAML: a number, a boolean, or text. */
function readScalar(text: string | undefined): unknown {
  if (text === 'true' || text === 'false') return text === 'true'
  return text !== undefined && /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text.trim()) ? Number(text) : text
}

/** Returns the word for true or false of a setting that has more than these two words, such as WATCH. */
function wordOf(setting: Setting, value: unknown): unknown {
  const kind = kindOf(setting)
  const isWord =
    typeof value === 'boolean' && kind instanceof z.ZodEnum && kind.options.includes(String(value))
  return isWord ? String(value) : value
}

/** Returns the schema of a setting without its default. */
function kindOf({ schema }: Setting): unknown {
  return schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional ? schema.unwrap() : schema
}

/** Returns a name as a part of a path in messages. */
function partOf(name: string): string {
  return /^[\w-]{1,64}$/.test(name) ? name : JSON.stringify(shortText(name))
}

function isGroup(name: string): boolean {
  return [...settingsByName.keys()].some((known) => known.startsWith(`${name}.`))
}

/** Returns the setting of a variable, in any case, with or without `SIMULATOR_`. */
function settingNamed(name: string): Setting | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/^simulator_/, '')
  return [...settingsByName.values()].find(
    ({ env }) => plain(env) === plain(/[a-z]/.test(name) ? snakeKey(name) : name),
  )
}

function unknownSetting(name: string, value: unknown): string {
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

function mapValues<A, B>(
  tree: Readonly<Record<string, A>>,
  change: (value: A, key: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, change(value, key)]))
}
