import { z } from 'zod'
import { redacted } from '../lib/credential-texts.ts'
import { describeFirst, reasonOf, shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { isRecord } from '../lib/record.ts'
import {
  configSections,
  defaultUpstream,
  settingsByName,
  upstreamSettingsByName,
  variableOf,
  readScalar,
  wordOf,
  kindOf,
  isGroup,
  settingNamed,
  entrySpellings,
  spellingProblems,
  unknownSetting,
  mapValues,
  partOf,
} from './file-settings.ts'
import { camelKeys, parseMappingFile, snakeKey } from './mapping-file.ts'
import type { FileEntries } from './read-inputs.ts'
import { describeWrongValue } from './resolve-settings.ts'
import { type GivenValue, givenValue, type Setting, settingName } from './settings-table.ts'
import { showValue, showWithoutText } from './zod-problems.ts'

/** Settings that name a file with the content of a section, by section. */
export const sectionVariables = {
  deployments: 'OPENAI_DEPLOYMENT_CONFIG_PATH',
  faults: 'FAULTS_PATH',
  incidents: 'INCIDENTS_PATH',
} as const

/** Settings of an upstream by the names of variables in lower case, in the form of the settings of a resource. */
export type UpstreamEntry = Readonly<Record<string, unknown>>

/** The content of a configuration file, with all problems of its form. Values of settings are not validated yet. */
export interface ConfigFile {
  /** As it was given; empty for sections of a program. */
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
  /** Resources by name, in the form of `readResourceEntry`. */
  readonly resources: Readonly<Record<string, unknown>>
  /** Variables for `{ env: NAME }`. */
  readonly env: Readonly<Record<string, string | undefined>>
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
  const unread = { path, isRead: false, given: [], upstreams: {}, resources: {}, env }
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

/** Reads upstreams and resources of a program, in the form of the configuration file. */
export function readNamedSections(
  sections: { readonly upstreams?: unknown; readonly resources?: unknown },
  env: ConfigFileSources['env'],
): ConfigFile {
  return new Reader('', env).read(sections)
}

type Tree = Readonly<Record<string, unknown>>

class Reader {
  readonly #path: string
  /** Begins each problem. */
  readonly #prefix: string
  readonly #env: ConfigFileSources['env']
  readonly #problems: string[] = []

  constructor(path: string, env: ConfigFileSources['env']) {
    this.#path = path
    this.#prefix = path === '' ? '' : `${path}: `
    this.#env = env
  }

  read(entries: Tree): ConfigFile {
    this.#checkSections(entries)
    const settings = this.#section(entries, 'settings', 'must be a mapping with settings')
    const upstreams = this.#section(entries, 'upstreams', 'must map names to upstreams')
    const deployments = this.#section(entries, 'deployments', 'must map deployment names to deployments')
    const resources = this.#section(entries, 'resources', 'must map names to resources')
    const incidents = this.#section(entries, 'incidents', 'must be a mapping with phases')
    const { faults } = entries
    for (const section of ['settings', 'faults', 'incidents'])
      this.#reportAll(spellingProblems(entries[section], section))
    this.#reportAll(entrySpellings(deployments ?? {}, 'deployments'))
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
          location: `${this.#prefix}deployments`,
        },
      }),
      ...(faults !== undefined &&
        faults !== null && {
          faults: { entries: { faults: camelKeys(this.#plain(faults, 'faults')) }, location: this.#path },
        }),
      ...(incidents && {
        incidents: {
          entries: camelKeys(this.#plain(incidents, 'incidents')),
          location: `${this.#prefix}incidents`,
        },
      }),
      upstreams: mapValues(others, (values) => this.#completeUpstream(values)),
      resources: mapValues(resources ?? {}, (entry, name) =>
        this.#resource(entry, `resources.${partOf(name)}`),
      ),
      env: this.#env,
      problems: this.#problems,
    }
  }

  #report(location: string, problem: string): void {
    this.#problems.push(`${this.#prefix}${location} ${problem}`)
  }

  #reportAll(problems: readonly string[]): void {
    this.#problems.push(...problems.map((problem) => `${this.#prefix}${problem}`))
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
        return `${this.#prefix}${shortText(key)} is not a section. ${hint}`
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

  #settings(tree: Tree): GivenValue[] {
    const given: GivenValue[] = []
    const unknown: { readonly name: string; readonly value: unknown }[] = []
    const walk = (node: Tree, prefix: string, shownPrefix: string): void => {
      for (const [key, value] of Object.entries(node)) {
        const name = `${prefix}${snakeKey(key)}`
        const shown = `${shownPrefix}${key}`
        const setting = settingsByName.get(name)
        // Reported by the check of the spelling.
        if (setting && key.includes('.')) continue
        if (setting) given.push(...this.#given(setting, value, `settings.${shown}`))
        else if (isGroup(name) && isRecord(value)) walk(value, `${name}.`, `${shown}.`)
        else unknown.push({ name: shown, value })
      }
    }
    walk(tree, '', '')
    this.#problems.push(
      ...describeFirst(
        unknown,
        ({ name, value }) => `${this.#prefix}settings.${shortText(name)} ${unknownSetting(name, value)}`,
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
          `must be a mapping with the keys ${keys.join(', ')} (got ${showWithoutText(entry)}).`,
        )
        return []
      }
      this.#reportAll(spellingProblems(entry, location))
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
      const byDefault = setting.default === undefined ? undefined : setting.read(setting.default)
      const typed = own ? own.typed : byDefault
      return typed === undefined ? [] : [[settingName(setting), typed]]
    })
    return Object.fromEntries(entries) as UpstreamEntry
  }

  /** Returns the value of a setting; nothing if it names a variable that is not set. */
  #given(setting: Setting, value: unknown, location: string): GivenValue[] {
    const source = `${this.#prefix}${location}`
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
    if (!isRecord(entry)) return entry
    return mapValues(entry, (part, name) =>
      ['deployments', 'faults', 'incidents'].includes(name) ? this.#plain(part, `${location}.${name}`) : part,
    )
  }

  /** Replaces `{ env: NAME }` by the value of the variable, as YAML reads it. */
  #plain(tree: unknown, location: string): unknown {
    const replace = (node: unknown, at: string): unknown => {
      const variable = variableOf(node)
      if (variable !== undefined) return readScalar(this.#variable(variable, at))
      if (Array.isArray(node)) return node.map((item, index) => replace(item, `${at}[${index}]`))
      return isRecord(node) ? mapValues(node, (value, key) => replace(value, `${at}.${key}`)) : node
    }
    return replace(tree, location)
  }

  /** Checks the entries of a mapping with names as its keys. */
}
