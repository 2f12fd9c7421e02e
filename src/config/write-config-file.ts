import { isDeepStrictEqual } from 'node:util'
import { shortText } from '../lib/error-text.ts'
import { fieldsOf } from '../lib/record.ts'
import { builtInCatalogue } from '../wire/models/model-catalogue.ts'
import type { ResourceKey } from './access-settings.ts'
import { sectionVariables } from './config-file.ts'
import { defaultResourceName } from './config.ts'
import { defaultDeployments } from './deployments.ts'
import { configFileVariable, mapValues } from './file-settings.ts'
import type { IncidentOptions } from './incident-file.ts'
import { camelKeys, snakeKey, snakeKeys } from './mapping-file.ts'
import { yaml } from './parse-yaml.ts'
import type { ConfigInputs, ResourceInputs } from './read-inputs.ts'
import { normalizeEntry } from './resolve-deployment.ts'
import { type GivenValue, setAt, settingName, settingsTable } from './settings-table.ts'
import type { UpstreamInputs } from './upstreams.ts'

/** Formats of a written file. */
export const fileFormats = ['yaml', 'json'] as const

/** One of `fileFormats`. */
export type FileFormat = (typeof fileFormats)[number]

/** Running timetables by resource, in the form of their file. */
export type RunningTimetables = ReadonlyMap<string, IncidentOptions>

/**
 * Writes the present configuration, with all changes at run time, as a file that SIMULATOR_CONFIG accepts. Secrets are references to
 * variables. A running timetable replaces the one of the configuration.
 */
export function writeConfigFile(
  inputs: ConfigInputs,
  running: RunningTimetables,
  format: FileFormat,
): string {
  const { tree, variables, notes } = new Writer(running).write(inputs)
  if (format === 'json') return toText(tree, 'json', [])
  return toText(tree, 'yaml', [
    'Configuration of aoai-simulated-api. Start with SIMULATOR_CONFIG=<this file>.',
    'Flags, variables and .env override it: remove those that set a value in this file.',
    ...notes,
    ...(variables.size === 0 ? [] : ['Variables to set:', ...Array.from(variables, listed)]),
  ])
}

/** Writes a timetable as a file that INCIDENTS_PATH accepts. */
export function writeIncidentFile(timetable: IncidentOptions, format: FileFormat): string {
  const head = ['Incident timetable of aoai-simulated-api. Start with INCIDENTS_PATH=<this file>.']
  return toText(camelKeys(timetable), format, head)
}

function listed([name, meaning]: readonly [string, string]): string {
  return `  ${name}: ${meaning}`
}

function toText(tree: unknown, format: FileFormat, head: readonly string[]): string {
  if (format === 'json') return `${JSON.stringify(tree, null, 2)}\n`
  const { Document } = yaml()
  // Through JSON, so that equal objects do not become aliases and undefined keys are absent.
  const document = new Document(JSON.parse(JSON.stringify(tree)) as unknown)
  document.commentBefore = head.map((line) => ` ${line}`).join('\n')
  return document.toString({ lineWidth: 0 })
}

interface Written {
  readonly tree: Readonly<Record<string, unknown>>
  /** Variables that the file names, with what they are. */
  readonly variables: ReadonlyMap<string, string>
  /** What the file does not contain, one sentence each. */
  readonly notes: readonly string[]
}

type Tree = Record<string, unknown>

class Writer {
  readonly #running: RunningTimetables
  /** Variables that already have a meaning. */
  readonly #taken = new Set<string>()
  readonly #variables = new Map<string, string>()
  readonly #notes = new Set<string>()

  constructor(running: RunningTimetables) {
    this.#running = running
  }

  write(inputs: ConfigInputs): Written {
    const { given, upstreams = {}, resources = {}, models, keys = [] } = inputs
    for (const one of referencesOf(inputs)) this.#taken.add(one)
    const settings = this.#settings(given.filter((one) => isWritten(one) && !isDefault(one)))
    const own = this.#parts(inputs, defaultResourceName)
    const hasDefaultSet = isDeepStrictEqual(inputs.deployments.entries, defaultDeployments)
    if (models !== builtInCatalogue && !given.some(({ setting }) => setting.env === 'MODEL_CATALOGUE_PATH'))
      this.#notes.add('This file does not have the models that the program adds: set MODEL_CATALOGUE_PATH.')
    if (keys.length > 0)
      this.#notes.add(
        'This file does not have the keys that were added to the default resource: CONFIG_STORE keeps them.',
      )
    const tree = {
      settings: isEmpty(settings) ? undefined : settings,
      upstreams: isEmpty(upstreams) ? undefined : mapValues(upstreams, this.#upstream),
      deployments: hasDefaultSet ? undefined : own.deployments,
      resources: isEmpty(resources) ? undefined : mapValues(resources, this.#resource),
      faults: own.faults,
      incidents: own.incidents,
    }
    return { tree, variables: this.#variables, notes: [...this.#notes] }
  }

  readonly #upstream = ({ given }: UpstreamInputs, name: string): Tree => {
    const entries = given.map((one): [string, unknown] => {
      const key = snakeKey(one.setting.path.at(-1) ?? '')
      return [key, this.#value(one, `UPSTREAM_${name}_${key}`, `${key} of the upstream ${shortText(name)}`)]
    })
    return Object.fromEntries(entries)
  }

  readonly #resource = (inputs: ResourceInputs, name: string): Tree => {
    const { given, keys = [], upstream, tenant } = inputs
    if (tenant !== undefined)
      this.#notes.add('Resources of tenants of /_twin belong to the administrator in this file.')
    const { deployments, faults, incidents } = this.#parts(inputs, name)
    return {
      ...this.#settings(given, name),
      upstream,
      keys: keys.map((key) => this.#key(key, name)),
      deployments,
      faults,
      incidents,
    }
  }

  /** Returns settings by name. */
  #settings(given: readonly GivenValue[], resource?: string): Tree {
    const order = settingsTable()
    const tree: Tree = {}
    for (const one of given.toSorted((a, b) => order.indexOf(a.setting) - order.indexOf(b.setting))) {
      const { env } = one.setting
      const [name, meaning] =
        resource === undefined
          ? [undefined, one.setting.description.replace(/\..*$/s, '')]
          : [`RESOURCE_${resource}_${env}`, `${env} of the resource ${resource}`]
      setAt(tree, settingName(one.setting).split('.'), this.#value(one, name, meaning))
    }
    return tree
  }

  #parts({ deployments, faults, incidents }: ResourceInputs, resource: string) {
    const listed = fieldsOf(faults?.entries)['faults']
    const timetable = this.#running.get(resource) ?? incidents?.entries
    return {
      deployments: mapValues(fieldsOf(deployments.entries), (entry) => snakeKeys(normalizeEntry(entry))),
      faults: Array.isArray(listed) && listed.length > 0 ? snakeKeys(listed) : undefined,
      incidents: timetable === undefined ? undefined : snakeKeys(timetable),
    }
  }

  #key({ id, label, enabled, hash, text, variable }: ResourceKey, resource: string): Tree {
    const meaning = `a key of the resource ${resource}`
    const source =
      text === undefined && variable === undefined
        ? { hash }
        : this.#reference(variable, `RESOURCE_${resource}_KEY`, meaning)
    return { id, label, ...(enabled === false && { enabled }), ...source }
  }

  /**
   * Returns a value, or a reference to its variable if it is or can contain a secret.
   *
   * @param name proposed name of the variable; default: that of the setting
   */
  #value(
    { setting, typed, value, variable }: GivenValue,
    name: string | undefined,
    meaning: string,
  ): unknown {
    const isHidden = setting.secret || (!setting.isQuoted && !isPlainAddress(typed))
    if (variable !== undefined || isHidden) return this.#reference(variable, name ?? setting.env, meaning)
    // A variable has a number or a boolean as text.
    if (typeof value === 'number' || typeof value === 'boolean') return value
    return Array.isArray(typed)
      ? typed.map((item: unknown) => (item instanceof RegExp ? `/${item.source}/` : item))
      : typed
  }

  /**
   * Returns a reference to a variable.
   *
   * @param known the variable that the configuration names
   * @param proposed name of the variable if it names none
   */
  #reference(known: string | undefined, proposed: string, meaning: string): { readonly env: string } {
    let env = known
    if (env === undefined) {
      const name = proposed.toUpperCase().replace(/\W/g, '_')
      env = name
      for (let count = 2; this.#taken.has(env); count++) env = `${name}_${count}`
      this.#taken.add(env)
    }
    this.#variables.set(env, meaning)
    return { env }
  }
}

/** Returns the variables that the configuration names. */
function referencesOf({ given, resources = {}, upstreams = {} }: ConfigInputs): string[] {
  const all = Object.values(resources)
  const named = [...given, ...[...all, ...Object.values(upstreams)].flatMap((part) => part.given)]
  const keys = all.flatMap(({ keys: own = [] }) => own)
  return [...named, ...keys].flatMap(({ variable }) => variable ?? [])
}

/** Returns whether the file has the setting. It has the content of the files of `sectionVariables` itself. */
function isWritten({ setting: { env } }: GivenValue): boolean {
  return env !== configFileVariable && !(Object.values(sectionVariables) as string[]).includes(env)
}

function isDefault({ setting: { schema }, value, variable }: GivenValue): boolean {
  const [given, unset] = [schema.safeParse(value), schema.safeParse(undefined)]
  return variable === undefined && given.success && unset.success && isDeepStrictEqual(given.data, unset.data)
}

/** Returns whether a value is an address without a password and without a query, which can have a signature. */
function isPlainAddress(value: unknown): boolean {
  return typeof value === 'string' && /^(?:file:|(?:[a-z]+:)?https?:\/\/)[^\s?@#]*$/i.test(value)
}

function isEmpty(tree: object): boolean {
  return Object.keys(tree).length === 0
}
