import { deepFreeze, isRecord } from '../lib/record.ts'
import { redacted } from '../lib/credential-texts.ts'
import { shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { defaultUpstream, spellingProblems, upstreamSettingsByName } from './file-settings.ts'
import type { ApiVersionRules } from './api-version-rules.ts'
import { readGiven, type ReadGivenContext } from './read-given.ts'
import { snakeKey } from './mapping-file.ts'
import { describeWrongValue } from './resolve-settings.ts'
import type { Settings } from './settings-schema.ts'
import { type GivenValue, givenValue, type Setting } from './settings-table.ts'
import {
  type credentialKinds,
  defaultScope,
  isUpstreamName,
  type upstreamKinds,
  upstreamNameRule,
} from './upstream-settings.ts'
import { showWithoutText } from './zod-problems.ts'

export type { ApiVersionRules } from './api-version-rules.ts'

/** A service that requests are forwarded to. */
export interface Upstream {
  /** Key of the table of upstreams; `default` is AZURE_OPENAI_ENDPOINT. */
  readonly name: string
  /** Without a slash at its end. */
  readonly endpoint: string
  readonly kind: UpstreamKind
  readonly credential: UpstreamCredential
  readonly apiVersion: ApiVersionRules
  readonly connectTimeoutMs: number
  readonly firstByteTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly totalTimeoutMs: number
  readonly connections: number
  readonly retries: number
}

/** One of `upstreamKinds`. */
export type UpstreamKind = (typeof upstreamKinds)[number]

/** How requests authenticate at an upstream. Keys and client secrets are secret. */
export type UpstreamCredential =
  | { readonly kind: 'key'; readonly key: string }
  /**
   * A token of Microsoft Entra ID: by a client secret if all three are set, of a user-assigned managed identity if only `clientId` is
   * set, else of the default credential chain of Azure.
   */
  | {
      readonly kind: 'entra'
      readonly scope: string
      readonly tenantId?: string
      readonly clientId?: string
      readonly clientSecret?: string
    }
  /** The credential of the request, in the form in which it came. */
  | { readonly kind: 'caller' }

type UpstreamSettings = Settings['upstream']
type UpstreamKey = keyof UpstreamSettings

/** Returns the secrets of an upstream, which must not appear in logs, files or answers. */
export function secretsOfUpstream({ credential }: Upstream): readonly string[] {
  if (credential.kind === 'key') return [credential.key]
  return credential.kind === 'entra' && credential.clientSecret !== undefined ? [credential.clientSecret] : []
}

/** Domains of Azure OpenAI, Azure AI services and API Management, in all clouds. */
const azureHost = /\.(azure\.(com|us|cn)|azure-api\.(net|us|cn)|windows\.net)$/i

/** Returns the kind of a service by its address. */
export function kindOfEndpoint(endpoint: string): UpstreamKind {
  const { hostname, pathname } = new URL(endpoint)
  if (/\.models\.ai\.azure\.com$/i.test(hostname)) return 'serverless'
  if (/(?:^|\.)anthropic\.com$/i.test(hostname)) return 'anthropic'
  if (azureHost.test(hostname)) return 'azure'
  if (/(?:^|\.)openai\.com$/i.test(hostname)) return 'openai'
  return /\/v1\/*$/.test(pathname) && !/\/openai\/v1\/*$/.test(pathname) ? 'openai' : 'azure'
}

/** Returns the upstream of valid settings; undefined without an address, or without the key that it needs. */
export function createUpstream(name: string, settings: UpstreamSettings): Upstream | undefined {
  const {
    endpoint,
    key,
    kind,
    credential: credentialKind,
    tenantId,
    clientId,
    clientSecret,
    scope,
    ...rest
  } = settings
  if (endpoint === undefined || (credentialKind === 'key' && key === undefined)) return undefined
  return {
    ...rest,
    name,
    endpoint: endpoint.replace(/\/+$/, ''),
    kind: kind ?? kindOfEndpoint(endpoint),
    credential: credentialOf(),
  }

  function credentialOf(): UpstreamCredential {
    if (credentialKind === 'caller') return { kind: 'caller' }
    if (credentialKind === 'key') return { kind: 'key', key: key ?? '' }
    return {
      kind: 'entra',
      scope: scope ?? defaultScope(),
      ...(tenantId !== undefined && { tenantId }),
      ...(clientId !== undefined && { clientId }),
      ...(clientSecret !== undefined && { clientSecret }),
    }
  }
}

/** Settings that only some credentials use. */
const usedBy: Readonly<Partial<Record<UpstreamKey, (typeof credentialKinds)[number]>>> = {
  key: 'key',
  tenantId: 'entra',
  clientId: 'entra',
  clientSecret: 'entra',
  scope: 'entra',
}

/**
 * Returns the problems of settings that contradict each other, one or two sentences each.
 *
 * @param nameOf returns a setting as the operator writes it
 */
export function upstreamProblems(
  settings: UpstreamSettings,
  nameOf: (key: UpstreamKey) => string,
): readonly string[] {
  const { credential, tenantId, clientId, clientSecret, endpoint, kind, apiVersion } = settings
  // A second name in a message needs no path of the file.
  const named = (key: UpstreamKey): string => nameOf(key).replace(/^.*: /, '')
  const problems: string[] = []
  for (const [key, needed] of Object.entries(usedBy) as [UpstreamKey, string][]) {
    if (settings[key] === undefined || credential === needed) continue
    problems.push(
      `${nameOf(key)} has no effect, because ${named('credential')} is ${credential}. Remove it, or set ${named('credential')} to ${needed}.`,
    )
  }
  const hasSecret = clientSecret !== undefined
  const [given, other] = hasSecret
    ? (['clientSecret', 'tenantId'] as const)
    : (['tenantId', 'clientSecret'] as const)
  if (credential === 'entra' && (tenantId !== undefined) !== hasSecret)
    problems.push(`${nameOf(given)} needs ${named(other)}. Set both or neither.`)
  if (credential === 'entra' && hasSecret && clientId === undefined)
    problems.push(
      `${nameOf('clientSecret')} needs ${named('clientId')}. Set it to the id of the application.`,
    )
  const usedKind = kind ?? (endpoint === undefined ? 'azure' : kindOfEndpoint(endpoint))
  const hasRules =
    apiVersion.default !== 'as-asked' || apiVersion.byOperation.size + apiVersion.byModel.length > 0
  if (usedKind !== 'azure' && hasRules)
    problems.push(
      `${nameOf('apiVersion')} has no effect, because only Azure has API versions and the kind of the upstream is ${usedKind}. Remove it, or set ${named('kind')} to azure.`,
    )
  return problems
}

/** Settings of an upstream, not yet validated. */
export interface UpstreamInputs {
  readonly given: readonly GivenValue[]
  /** Path of the entry: `aoai-sim.yaml: upstreams.east`. */
  readonly location: string
  /** Whether a part of the entry could not be read, so that a setting may be missing for that reason. */
  readonly isPartial?: boolean
}

/** The upstreams of a configuration, by name. */
export type UpstreamTable = Readonly<Record<string, UpstreamInputs>>

/** How an entry of an upstream is read. */
export interface UpstreamContext extends ReadGivenContext {
  /** The upstream before the change, of which the secrets can be kept. */
  readonly before?: UpstreamInputs | undefined
}

/** Reads the entry of an upstream. Keys can be in snake_case or camelCase. Values are not validated yet. */
export function readUpstreamEntry(
  name: string,
  entry: unknown,
  location: string,
  context: UpstreamContext,
): { readonly inputs: UpstreamInputs; readonly problems: readonly string[] } {
  const problems: string[] = []
  const keys = [...upstreamSettingsByName.keys()]
  if (!isUpstreamName(name)) problems.push(`${location} ${upstreamNameRule}.`)
  if (!isRecord(entry)) {
    problems.push(
      `${location} must be a mapping with the keys ${keys.join(', ')} (got ${showWithoutText(entry)}).`,
    )
    return { inputs: { given: [], location, isPartial: true }, problems }
  }
  problems.push(...spellingProblems(entry, location))
  const given = Object.entries(entry).flatMap(([key, value]) => {
    const setting = upstreamSettingsByName.get(snakeKey(key))
    if (setting) return readValue(setting, value, `${location}.${key}`, context, problems)
    const [nearest] = nearestNames(snakeKey(key), keys, 1)
    const hint = nearest === undefined ? `The keys are ${keys.join(', ')}.` : `Did you mean ${nearest}?`
    problems.push(`${location}.${shortText(key)} is not a key of an upstream. ${hint}`)
    return []
  })
  return { inputs: { given, location, ...(problems.length > 0 && { isPartial: true }) }, problems }
}

function readValue(
  setting: Setting,
  value: unknown,
  source: string,
  context: UpstreamContext,
  problems: string[],
): readonly GivenValue[] {
  if (!setting.secret || value !== redacted) return readGiven(setting, value, source, context, problems)
  const kept = context.before?.given.find((one) => one.setting === setting)
  if (kept) return [kept]
  problems.push(`${source} is ${redacted}, and the upstream has no value to keep. Send the value.`)
  return []
}

/** An upstream, or its problems, one or two sentences each. */
export interface ResolvedUpstream {
  readonly upstream: Upstream | undefined
  readonly problems: readonly string[]
}

const resolvedBefore = new WeakMap<UpstreamInputs, ResolvedUpstream>()

/** Validates an upstream other than the default one. It inherits no settings. Returns the same object for the same inputs. */
export function resolveUpstream(name: string, inputs: UpstreamInputs): ResolvedUpstream {
  const before = resolvedBefore.get(inputs)
  if (before) return before
  const resolved = validate(name, inputs)
  resolvedBefore.set(inputs, resolved)
  return resolved
}

function validate(name: string, { given, location, isPartial = false }: UpstreamInputs): ResolvedUpstream {
  const problems: string[] = []
  const values: Partial<Record<UpstreamKey, unknown>> = {}
  for (const setting of upstreamSettingsByName.values()) {
    const one = given.find((value) => value.setting === setting)
    const parsed = setting.schema.safeParse(one?.value)
    if (!parsed.success && one) problems.push(...describeWrongValue(one))
    values[keyOf(setting)] = parsed.data
  }
  const settings = values as UpstreamSettings
  const lacks = (key: UpstreamKey): boolean => !given.some(({ setting }) => keyOf(setting) === key)
  const nameOf = (key: UpstreamKey): string => `${location}.${snakeKey(key)}`
  if (!isPartial && lacks('endpoint'))
    problems.push(`${nameOf('endpoint')} is missing. Set it to the address of the service.`)
  if (!isPartial && lacks('key') && settings.credential === 'key')
    problems.push(
      `${nameOf('key')} is missing. Set it to the key of the service, or set credential to entra or caller.`,
    )
  if (problems.length === 0) problems.push(...upstreamProblems(settings, nameOf))
  const isValid = problems.length === 0 && !isPartial
  return { upstream: isValid ? deepFreeze(createUpstream(name, settings)) : undefined, problems }
}

function keyOf({ path }: Setting): UpstreamKey {
  return path.at(-1) as UpstreamKey
}

const completedBefore = new WeakMap<UpstreamInputs, readonly GivenValue[]>()

/**
 * Returns the valid settings of an upstream, with all defaults, for a resource that uses it instead of the default one. Returns the
 * same array for the same inputs.
 */
export function completeSettings(inputs: UpstreamInputs): readonly GivenValue[] {
  const before = completedBefore.get(inputs)
  if (before) return before
  const { given, location } = inputs
  const complete = Array.from(upstreamSettingsByName.values(), (setting) => {
    const own = given.find((one) => one.setting === setting)
    return own ?? givenValue(setting, setting.default, `${location}.${snakeKey(keyOf(setting))}`)
  }).filter(({ setting, value }) => value !== undefined && setting.schema.safeParse(value).success)
  completedBefore.set(inputs, complete)
  return complete
}

/** Returns whether a value is a setting of the default upstream, or of that of a resource. */
export function isUpstreamSetting({ setting: { path } }: GivenValue): boolean {
  return path[0] === 'upstream'
}

/** Returns an upstream in the form in which it is put. Secrets are redacted. */
export function showUpstream({ given }: Pick<UpstreamInputs, 'given'>): Record<string, unknown> {
  return Object.fromEntries(
    given.map(({ setting, typed, value }) => {
      // A variable has a number as text.
      const shown = typeof value === 'number' ? value : typed
      return [snakeKey(keyOf(setting)), setting.secret ? redacted : shown]
    }),
  )
}

/** Returns an upstream in the form in which changes are stored: with its secrets. */
export function storedUpstream({ given }: UpstreamInputs): Readonly<Record<string, unknown>> {
  return Object.fromEntries(given.map(({ setting, typed }) => [snakeKey(keyOf(setting)), typed]))
}

/** Describes the name of an upstream that does not exist. The text follows the path. */
export function unknownUpstream(name: string, known: readonly string[]): string {
  const [nearest] = nearestNames(name, known, 1)
  const hint =
    name === defaultUpstream
      ? 'Set AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_KEY, or name another upstream.'
      : nearest !== undefined
        ? `Did you mean ${nearest}?`
        : known.length === 0
          ? 'No upstreams are configured.'
          : `Known upstreams: ${known.slice(0, 20).join(', ')}.`
  return `must name an upstream (got ${JSON.stringify(shortText(name))}). ${hint}`
}
