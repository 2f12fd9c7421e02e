import { describeFirst, reasonOf, shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { isRecord } from '../lib/record.ts'
import {
  configSections,
  defaultUpstream,
  settingsByName,
  variableOf,
  readScalar,
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
import { readGiven, variableText } from './read-given.ts'
import { type GivenValue, type Setting, settingName } from './settings-table.ts'
import { readUpstreamEntry, type UpstreamInputs, type UpstreamTable } from './upstreams.ts'
import { showValue } from './zod-problems.ts'

/** Settings that name a file with the content of a section, by section. */
export const sectionVariables = {
  deployments: 'OPENAI_DEPLOYMENT_CONFIG_PATH',
  faults: 'FAULTS_PATH',
  incidents: 'INCIDENTS_PATH',
} as const

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
  /** Upstreams by name, without the default one. */
  readonly upstreams: UpstreamTable
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
    const { [defaultUpstream]: own, ...others } = mapValues(upstreams ?? {}, (entry, name) =>
      this.#upstream(name, entry),
    )
    for (const one of own?.given ?? []) {
      const twice = given.find(({ setting }) => setting === one.setting)
      if (twice) this.#problems.push(`${one.source} is also given by settings. Remove one of them.`)
    }
    return {
      path: this.#path,
      isRead: true,
      given: [...given, ...(own?.given ?? [])],
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
      upstreams: others,
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

  #upstream(name: string, entry: unknown): UpstreamInputs {
    const location = `${this.#prefix}upstreams.${partOf(name)}`
    const read = readUpstreamEntry(name, entry, location, { env: this.#env })
    this.#problems.push(...read.problems)
    return read.inputs
  }

  /** Returns the value of a setting; nothing if it names a variable that is not set. */
  #given(setting: Setting, value: unknown, location: string): readonly GivenValue[] {
    return readGiven(setting, value, `${this.#prefix}${location}`, { env: this.#env }, this.#problems)
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
      if (variable !== undefined)
        return readScalar(variableText(variable, this.#env, `${this.#prefix}${at}`, this.#problems))
      if (Array.isArray(node)) return node.map((item, index) => replace(item, `${at}[${index}]`))
      return isRecord(node) ? mapValues(node, (value, key) => replace(value, `${at}.${key}`)) : node
    }
    return replace(tree, location)
  }
}
