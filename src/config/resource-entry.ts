import { redacted } from '../lib/credential-texts.ts'
import { describeFirst, shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { fieldsOf, isRecord } from '../lib/record.ts'
import type { ModelCatalogue } from '../wire/models/model-catalogue.ts'
import { generateKey, hashOfKey, type ResourceKey } from './access-settings.ts'
import { defaultUpstream, spellingProblems, variableOf } from './file-settings.ts'
import { camelKeys, snakeKey, snakeKeys } from './mapping-file.ts'
import type { FileEntries, ResourceInputs } from './read-inputs.ts'
import { normalizeEntry } from './resolve-deployment.ts'
import { hostKeys } from './settings-schema.ts'
import {
  type GivenValue,
  givenValue,
  setAt,
  type Setting,
  settingName,
  settingsTable,
} from './settings-table.ts'
import { showValue, showWithoutText } from './zod-problems.ts'

/** What an entry of a resource can refer to. */
export interface EntryContext {
  readonly models: ModelCatalogue
  /** Environment for `{ env: NAME }`; absent: such references are refused, because the entry comes from the network. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The resource before the change. Its keys and secrets can be referred to without their text. */
  readonly before?: ResourceInputs | undefined
  /** The key that signs URLs of images and encrypted content of the resource. Default: random. */
  readonly generatedKey?: string
}

/** Inputs of a resource, with all problems of the form of its entry. */
export interface ReadEntry {
  readonly inputs: ResourceInputs
  /** One or two sentences each, with the path in the entry. */
  readonly problems: readonly string[]
}

/** Keys of an entry that are not settings. */
const partNames = ['keys', 'deployments', 'faults', 'incidents', 'upstream'] as const

/** Settings that a resource cannot have, with what to do instead. */
const replaced: Readonly<Record<string, string>> = {
  apiKey: 'Use keys.',
  deploymentConfigPath: 'Use deployments.',
  faultsPath: 'Use faults.',
  incidentsPath: 'Use incidents.',
  modelCataloguePath: 'Set it for all resources.',
}

/** Returns whether a resource can have the setting. */
export function isResourceSetting({ path: [first = ''] }: Setting): boolean {
  return !hostKeys.has(first) && !Object.hasOwn(replaced, first)
}

const MAX_KEYS = 100

/**
 * Reads the entry of a resource: a mapping with settings by the names of `PATCH /++/config` and with `keys`, `deployments`, `faults`,
 * `incidents` and `upstream`. Names can be in snake_case or camelCase. Values of settings are not validated yet.
 */
export function readResourceEntry(entry: unknown, context: EntryContext): ReadEntry {
  const problems = spellingProblems(entry)
  if (!isRecord(entry))
    problems.push(`must be a mapping (got ${showWithoutText(entry)}). Send {"keys": []}, for example.`)
  const { keys, deployments, faults, incidents, upstream, ...settings } = fieldsOf(entry)
  const of = (name: unknown): unknown => given(name, context, problems)
  const named = upstreamName(of(upstream), problems)
  const inputs: ResourceInputs = {
    given: readSettings(settings, context, problems),
    ...(named !== undefined && { upstream: named }),
    models: context.models,
    deployments: deploymentEntries(deployments, problems),
    deploymentsAreDefault: false,
    ...(faults !== undefined &&
      faults !== null && { faults: { entries: { faults: camelKeys(faults) }, location: 'faults' } }),
    ...(incidents !== undefined &&
      incidents !== null && { incidents: { entries: camelKeys(incidents), location: 'incidents' } }),
    keys: keys === undefined ? (context.before?.keys ?? []) : readKeys(keys, context, problems),
    generatedKey: context.generatedKey ?? generateKey(),
  }
  return { inputs, problems }
}

/** Settings of a resource by their name in an entry: the path in a patch, or the variable in lower case. */
const settingsByName: ReadonlyMap<string, Setting> = new Map(
  settingsTable().map((setting) => [settingName(setting), setting]),
)

function readSettings(
  tree: Readonly<Record<string, unknown>>,
  context: EntryContext,
  problems: string[],
): GivenValue[] {
  const found: GivenValue[] = []
  const unknown: string[] = []
  const walk = (node: Readonly<Record<string, unknown>>, prefix: string): void => {
    for (const [key, value] of Object.entries(node)) {
      const location = `${prefix}${snakeKey(key)}`
      const setting = settingsByName.get(location)
      const [first = ''] = setting?.path ?? []
      const advice = replaced[first]
      if (setting && hostKeys.has(first))
        problems.push(`${location} is a setting of all resources. Set it outside of the resource.`)
      else if (setting && advice !== undefined)
        problems.push(`${location} is not a setting of a resource. ${advice}`)
      else if (setting) {
        const typed = given(value, context, problems, location)
        const isKept = setting.secret && typed === redacted
        const kept = isKept ? context.before?.given.find((one) => one.setting === setting) : undefined
        if (kept) found.push(kept)
        else if (isKept)
          problems.push(`${location} is ${redacted}, and the resource has no value to keep. Send the value.`)
        else if (typed !== undefined && typed !== null) {
          const variable = variableOf(value)
          found.push({
            ...givenValue(setting, typed, location),
            ...(variable !== undefined && { variable }),
          })
        }
      } else if (value === null && isGroup(location)) continue
      else if (isRecord(value) && isGroup(location)) walk(value, `${location}.`)
      else unknown.push(`${prefix}${key}`)
    }
  }
  walk(tree, '')
  problems.push(...describeFirst(unknown, describeUnknown))
  return found
}

function isGroup(location: string): boolean {
  return [...settingsByName.keys()].some((name) => name.startsWith(`${location}.`))
}

function describeUnknown(location: string): string {
  if (isGroup(snakeKey(location))) return `${location} must be a mapping.`
  const known = [...settingsByName]
    .filter(([, { path }]) => !hostKeys.has(path[0] ?? ''))
    .map(([name]) => name)
  const [nearest] = nearestNames(location, [...partNames, ...known], 1)
  return `${shortText(location)} is not a setting of a resource.${nearest === undefined ? ' Remove it.' : ` Did you mean ${nearest}?`}`
}

/** Returns a value, or that of the variable that it names: `{ env: NAME }`. */
function given(value: unknown, { env }: EntryContext, problems: string[], location = ''): unknown {
  if (!isRecord(value) || typeof value['env'] !== 'string' || Object.keys(value).length > 1) return value
  const { env: name } = value
  if (!env) {
    problems.push(
      `${location} cannot name a variable here (got ${showValue(name)}). Send the value itself.`.trimStart(),
    )
    return undefined
  }
  const found = env[name]
  if (found) return found
  problems.push(`${location} names the variable ${shortText(name)}, which is not set. Set it.`.trimStart())
  return undefined
}

function upstreamName(name: unknown, problems: string[]): string | undefined {
  if (name === undefined || name === null || name === defaultUpstream) return undefined
  if (typeof name === 'string') return name
  problems.push(`upstream must be the name of an upstream (got ${showValue(name)}).`)
  return undefined
}

function deploymentEntries(deployments: unknown, problems: string[]): FileEntries {
  const location = 'deployments'
  if (deployments === undefined || deployments === null) return { entries: {}, location }
  if (!isRecord(deployments)) {
    problems.push(
      `deployments must map deployment names to deployments (got ${showValue(deployments)}). Send an object.`,
    )
    return { entries: {}, location }
  }
  // Names are kept.
  const entries = Object.fromEntries(
    Object.entries(deployments).map(([name, entry]) => [name, camelKeys(entry)]),
  )
  return { entries, location }
}

const keyRule = 'must be visible ASCII characters without spaces'

function readKeys(list: unknown, context: EntryContext, problems: string[]): readonly ResourceKey[] {
  if (!Array.isArray(list)) {
    problems.push(`keys must be a list of keys (got ${showWithoutText(list)}). Send ["a-key"], for example.`)
    return []
  }
  if (list.length > MAX_KEYS) problems.push(`keys must have at most ${MAX_KEYS} keys (got ${list.length}).`)
  const keys = list
    .slice(0, MAX_KEYS)
    .flatMap((item: unknown, index) => readKey(item, `keys[${index}]`, context, problems) ?? [])
  const ids = new Set<string>()
  for (const { id } of keys) {
    if (ids.has(id)) problems.push(`keys must differ (got ${shortText(id)} twice). Remove one.`)
    ids.add(id)
  }
  return keys
}

/** Members of a key in an entry, one of which tells the key: a variable, its text, or its SHA-256. */
const keySources = ['env', 'key', 'hash']
/** Members of a key in an entry. `createdAt` is only accepted with the id of an existing key. */
const keyMembers = [...keySources, 'id', 'label', 'enabled', 'createdAt']

function readKey(
  item: unknown,
  location: string,
  context: EntryContext,
  problems: string[],
): ResourceKey | undefined {
  const { label, enabled, ...fields } = fieldsOf(camelKeys(isRecord(item) ? item : { key: item }))
  const unknown = Object.keys(fields).filter((name) => !keyMembers.includes(name))
  for (const name of unknown)
    problems.push(`${location}.${shortText(name)} is not known. Known members are ${keyMembers.join(', ')}.`)
  if (label !== undefined && label !== null && (typeof label !== 'string' || label.length > 100))
    problems.push(`${location}.label must be text of at most 100 characters.`)
  if (enabled !== undefined && typeof enabled !== 'boolean')
    problems.push(`${location}.enabled must be true or false (got ${showValue(enabled)}).`)
  const { env: variable, id, hash, createdAt } = fields
  const sources = keySources.filter((name) => fields[name] !== undefined)
  if (sources.length > 1)
    problems.push(`${location} must have only one of ${keySources.join(', ')} (got ${sources.join(', ')}).`)
  if (sources.length > 0 && createdAt !== undefined && createdAt !== null)
    problems.push(`${location}.created_at is set by the simulator. Remove it.`)
  const more = {
    ...(typeof label === 'string' && { label }),
    ...(enabled === false && { enabled }),
  }
  const existing = context.before?.keys?.find((key) => key.id === id)
  const text = variable === undefined ? fields['key'] : given({ env: variable }, context, problems, location)
  if (text === undefined && variable !== undefined) return undefined
  if (text === undefined && hash === undefined && existing)
    return { ...existing, enabled: undefined, ...more }
  if (id !== undefined && (typeof id !== 'string' || !/^[\w.-]{1,64}$/.test(id)))
    problems.push(
      `${location}.id must be 1 to 64 letters, digits, dots, dashes or underscores (got ${showValue(id)}).`,
    )
  if (text === undefined && typeof hash === 'string' && /^[\da-f]{64}$/.test(hash))
    return { id: typeof id === 'string' ? id : keyIdOf(hash), hash, ...more }
  if (typeof text !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(text)) {
    problems.push(
      `${location} ${keyRule} (1 to 256), or {"hash": SHA-256 in hexadecimal digits}, or {"id": that of an existing key}.`,
    )
    return undefined
  }
  const textHash = hashOfKey(text)
  return {
    id: typeof id === 'string' ? id : keyIdOf(textHash),
    hash: textHash,
    ...more,
    ...(context.env && { text }),
    ...(typeof variable === 'string' && { variable }),
  }
}

/** Returns the default id of a key. It does not reveal the key. */
function keyIdOf(hash: string): string {
  return `apikey_${hashOfKey(hash).slice(0, 16)}`
}

/**
 * Returns the entry in the form in which it is stored: without keys, and with the present value where a secret was sent as it is shown.
 */
export function storedEntry(entry: unknown, context: EntryContext): Readonly<Record<string, unknown>> {
  const { keys: _keys, deployments, faults, incidents, upstream, ...settings } = fieldsOf(entry)
  const stored: Record<string, unknown> = {}
  for (const { setting, typed } of readSettings(settings, context, []))
    setAt(stored, settingName(setting).split('.'), typed)
  const parts = { deployments, faults, incidents, upstream }
  return { ...stored, ...Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) }
}

/** Returns the entry of a resource as `readResourceEntry` reads it. Secrets are redacted, and keys have only their id. */
export function showEntry({
  given,
  deployments,
  faults,
  incidents,
  keys = [],
  upstream,
}: ResourceInputs): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const { setting, typed, value } of given) {
    // A variable has a number, a boolean or a word in any case as text.
    const plain = typeof value === 'object' ? typed : value
    setAt(shown, settingName(setting).split('.'), setting.secret ? redacted : plain)
  }
  const entries = Object.entries(fieldsOf(deployments.entries))
  return {
    ...shown,
    ...(upstream !== undefined && { upstream }),
    keys: keys.map(showKey),
    deployments: Object.fromEntries(entries.map(([name, entry]) => [name, snakeKeys(normalizeEntry(entry))])),
    faults: snakeKeys(fieldsOf(faults?.entries)['faults'] ?? []),
    ...(incidents && { incidents: snakeKeys(incidents.entries) }),
  }
}

/** Returns a key in the form of the admin API, without its hash. */
export function showKey({ id, label, enabled, createdAt }: ResourceKey): ShownKey {
  return { id, label: label ?? null, enabled: enabled ?? true, created_at: createdAt ?? null }
}

/** A key in the form of the admin API. */
export interface ShownKey {
  readonly id: string
  readonly label: string | null
  readonly enabled: boolean
  readonly created_at: string | null
}
