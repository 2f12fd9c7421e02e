import { isDeepStrictEqual } from 'node:util'
import { countOf } from '../lib/format-text.ts'
import type { z } from 'zod'
import { listProblems, shortText } from '../lib/error-text.ts'
import { isResourceName, resourceNameRule } from '../wire/route.ts'
import { redacted } from '../lib/credential-texts.ts'
import { OperatorError } from '../lib/operator-error.ts'
import {
  type Config,
  defaultResourceName,
  type HostConfig,
  type ResourceConfig,
  type ResourceView,
} from './config.ts'
import type { ConfigInputs, FileEntries, ResourceInputs } from './read-inputs.ts'
import { deepFreeze, frozenMap } from '../lib/record.ts'
import { resolveDeployments } from './deployment-file.ts'
import type { Deployment } from './deployments.ts'
import { redisProblems } from './redis-settings.ts'
import { hostKeys, type Settings, settingsSchema } from './settings-schema.ts'
import { type GivenValue, setAt, settingsTable } from './settings-table.ts'
import { showValue } from './zod-problems.ts'
import { type ResolvedMode, resolveMode, sourcesInUse } from './source-names.ts'
import { telemetryProblems } from './telemetry-settings.ts'
import { checkFaultFile, type FaultRule } from './fault-rules.ts'
import { checkIncidents, type IncidentTimetable } from './incident-file.ts'

const modeSchema = settingsSchema.pick({ mode: true, recordings: true, upstream: true })

/** A configuration, or all problems of its inputs, one or two sentences each. */
export type ResolvedInputs =
  | {
      readonly config: Config
      /** The validated settings of the host and of the default resource. */
      readonly settings: Settings
      /** One or two sentences each. */
      readonly warnings: readonly string[]
      readonly resolution: Resolution
    }
  | { readonly problems: readonly string[] }

/** The parts of a configuration, so that the next one resolves only what differs. */
export interface Resolution {
  readonly config: Config
  readonly host: HostConfig
  readonly flat: ResolvedResource
  /** The settings that named resources inherit. */
  readonly inherited: readonly GivenValue[]
  readonly workingDirectory: string
  readonly named: ReadonlyMap<string, NamedResource>
}

/** A named resource with the inputs of which it was resolved. */
interface NamedResource {
  readonly inputs: ResourceInputs
  readonly resolved: ResolvedResource
}

/** Options of `resolveInputs`. */
export interface ResolveOptions {
  /** Problems from reading the inputs, reported with the others, which may be consequences. */
  readonly unread?: readonly string[]
  /** The previous configuration. Resources with the same inputs stay the same objects. */
  readonly before?: Resolution | undefined
}

/** Validates all inputs and creates the configuration. */
export function resolveInputs(
  inputs: ConfigInputs,
  { unread = [], before }: ResolveOptions = {},
): ResolvedInputs {
  const { given, workingDirectory, warnings = [] } = inputs
  const flat =
    unread.length > 0
      ? resolveResource(defaultResourceName, inputs, given, workingDirectory, unread)
      : resolveOnce(defaultResourceName, inputs, given, workingDirectory)
  const inheritable = given.filter(({ setting }) => isInherited(setting))
  const inherited =
    before && isSameList(inheritable, before.inherited) && workingDirectory === before.workingDirectory
      ? before.inherited
      : inheritable
  const known = inherited === before?.inherited ? before.named : undefined
  const named = new Map<string, NamedResource>()
  for (const [name, own] of Object.entries(inputs.resources ?? {})) {
    const same = known?.get(name)
    if (same?.inputs === own) {
      named.set(name, same)
      continue
    }
    const changed = new Set(own.given.map(({ setting }) => setting))
    const all = [...inherited.filter(({ setting }) => !changed.has(setting)), ...own.given]
    named.set(name, { inputs: own, resolved: resolveOnce(name, own, all, workingDirectory) })
  }
  const problems = [
    ...flat.problems,
    ...nameProblems(named.keys(), given),
    ...(flat.settings ? redisProblems(flat.settings) : []),
    ...(flat.settings ? telemetryProblems(flat.settings) : []),
    ...withLocations(named, ({ problems: found }) => found),
  ]
  if (!flat.settings || !flat.config || problems.length > 0) return { problems }
  const host = hostOf(flat.settings, flat.config, before)
  const { views, defaultResource } = viewsOf({ flat: flat.config, named, host }, before)
  const config: Config = Object.freeze({ ...host, resources: frozenMap(views), defaultResource })
  return {
    config,
    settings: flat.settings,
    warnings: [...warnings, ...flat.warnings, ...withLocations(named, (resolved) => resolved.warnings)],
    resolution: { config, host, flat, inherited, workingDirectory, named },
  }
}

function nameProblems(names: Iterable<string>, given: readonly GivenValue[]): string[] {
  const prefix = given.find(({ setting }) => setting.env === 'PAGES_PREFIX')?.value
  const [, pagesSegment] = String(prefix ?? '').split('/')
  const problems: string[] = []
  for (const name of names) {
    if (!isResourceName(name)) problems.push(`resources.${shortText(name)}: the name ${resourceNameRule}.`)
    else if (name === pagesSegment)
      problems.push(`resources.${name}: PAGES_PREFIX begins with this name. Choose another one.`)
  }
  return problems
}

/** The settings of the host; the same object while they are equal. */
function hostOf(settings: Settings, { apiKey }: ResourceConfig, before: Resolution | undefined): HostConfig {
  if (before && before.flat.settings === settings) return before.host
  const host = createHost(settings, apiKey)
  return before && isDeepStrictEqual(host, before.host) ? before.host : host
}

/** The views of all resources by name. The view of an unchanged resource is the same object. */
function viewsOf(
  { flat, named, host }: Pick<Resolution, 'named' | 'host'> & { readonly flat: ResourceConfig },
  before: Resolution | undefined,
): { readonly views: ReadonlyMap<string, ResourceView>; readonly defaultResource: ResourceView } {
  const viewOf = (name: string, config: ResourceConfig, same: ResourceConfig | undefined): ResourceView => {
    const known = before?.config.resources.get(name)
    if (!known) return Object.freeze({ ...host, ...config })
    if (config === same && host === before?.host) return known
    // Recordings and connections are looked up by identity.
    const upstream = reuse(config.upstream, known.upstream)
    const recordings = reuse(config.recordings, known.recordings)
    return Object.freeze({ ...host, ...config, upstream, recordings })
  }
  const defaultResource = viewOf(defaultResourceName, flat, before?.flat.config)
  const views = new Map([[defaultResourceName, defaultResource]])
  for (const [name, { resolved }] of named) {
    const { config } = resolved
    if (config) views.set(name, viewOf(name, config, before?.named.get(name)?.resolved.config))
  }
  return { views, defaultResource }
}

function reuse<T>(now: T, then: T): T {
  return isDeepStrictEqual(now, then) ? then : now
}

/** A resource, or its problems. */
interface ResolvedResource {
  /** The validated settings; undefined if one is invalid. */
  readonly settings: Settings | undefined
  /** Undefined if there is a problem. */
  readonly config: ResourceConfig | undefined
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** Results by deployments of the resource, so that a change of one resource resolves only that one. */
const cache = new WeakMap<FileEntries, { readonly from: readonly unknown[]; readonly to: ResolvedResource }>()

/** The inputs of a resource that can change separately, apart from its deployments and settings. */
const resourceParts = [
  'models',
  'faults',
  'incidents',
  'deploymentsAreDefault',
  'generatedKey',
  'keys',
  'signingKey',
  'id',
  'tenant',
] as const satisfies readonly (keyof ResourceInputs)[]

function resolveOnce(
  name: string,
  inputs: ResourceInputs,
  given: readonly GivenValue[],
  workingDirectory: string,
): ResolvedResource {
  const { deployments } = inputs
  const from = [name, workingDirectory, ...resourceParts.map((part) => inputs[part]), ...given]
  const before = cache.get(deployments)
  if (before && isSameList(before.from, from)) return before.to
  const to = resolveResource(name, inputs, given, workingDirectory, [])
  cache.set(deployments, { from, to })
  return to
}

function resolveResource(
  name: string,
  inputs: ResourceInputs,
  given: readonly GivenValue[],
  workingDirectory: string,
  unread: readonly string[],
): ResolvedResource {
  const { models } = inputs
  const nested = nestValues(given)
  const parsed = settingsSchema.safeParse(nested)
  const { entries, location } = inputs.deployments
  // Validated separately, because deployments need it even if another setting is invalid.
  const { data: modelsStrict = false } = settingsSchema.shape.modelsStrict.safeParse(nested['modelsStrict'])
  const file = resolveDeployments(entries, location, models, modelsStrict)
  const isKnown = entries !== undefined && file.problems.length === 0
  const faults = resolveFaultFiles(inputs, isKnown ? () => namesOf(file.deployments) : undefined)
  // Validated separately, so that settings that the mode lacks are reported together with other problems.
  const { mode: kind, recordings, upstream } = nested
  const modeSettings = modeSchema.safeParse({ mode: kind, recordings, upstream })
  const mode = modeSettings.success
    ? resolveMode(modeSettings.data, { deployments: file.deployments, location }, workingDirectory)
    : undefined
  const problems = [
    ...describeWrongValues(given, parsed.error),
    ...unread,
    ...file.problems,
    ...faults.problems,
    ...(mode?.problems ?? []),
  ]
  const isValid = parsed.success && mode && problems.length === 0
  return {
    settings: parsed.data,
    config: isValid ? createResource(name, inputs, parsed.data, mode, file.deployments, faults) : undefined,
    problems,
    warnings: file.warnings,
  }
}

function namesOf(deployments: readonly Deployment[]): ReadonlySet<string> {
  return new Set(deployments.map(({ name }) => name))
}

/** Returns the messages about named resources, each with the path of its resource. */
function withLocations(
  named: ReadonlyMap<string, NamedResource>,
  messagesOf: (resolved: ResolvedResource) => readonly string[],
): string[] {
  const located: string[] = []
  for (const [name, { resolved }] of named) {
    for (const text of messagesOf(resolved)) located.push(`resources.${name}: ${text}`)
  }
  return located
}

/** Returns whether named resources inherit a setting from the default resource. */
function isInherited({ path: [key = ''] }: GivenValue['setting']): boolean {
  return !hostKeys.has(key) && key !== 'apiKey'
}

function isSameList(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((item, index) => item === others[index])
}

/**
 * Creates the error that lists all problems.
 *
 * @param what completes "Could not ...": `start`
 */
export function configError(what: string, problems: readonly string[]): OperatorError {
  const count = countOf(problems.length, 'problem')
  const lines = listProblems(problems)
    .map((problem) => `\n  ${problem}`)
    .join('')
  return new OperatorError('CONFIG_INVALID', `Could not ${what}: ${count} in the configuration${lines}`)
}

/**
 * Validates settings without the files that they name, for commands that do not need the whole configuration. Settings that are
 * not in `given` have their default.
 *
 * @throws {OperatorError} CONFIG_INVALID
 */
export function resolveSettings(given: readonly GivenValue[], unread: readonly string[]): Settings {
  const parsed = settingsSchema.safeParse(nestValues(given))
  const problems = [...unread, ...describeWrongValues(given, parsed.error)]
  if (!parsed.success || problems.length > 0) throw configError('read the settings', problems)
  return parsed.data
}

/** Returns a tree with all settings, including unset ones: the schema fills in defaults of settings, not of groups. */
function nestValues(given: readonly GivenValue[]): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const { path } of settingsTable()) setAt(root, path, undefined)
  for (const { setting, value } of given) setAt(root, setting.path, value)
  return root
}

/** Describes the invalid values, in the order of `given`. */
function describeWrongValues(given: readonly GivenValue[], error: z.ZodError | undefined): string[] {
  if (!error) return []
  return given.flatMap((one) => {
    const { path } = one.setting
    const issues = error.issues.filter((issue) => path.every((key, index) => issue.path[index] === key))
    const inItems = issues.filter((issue) => issue.path.length > path.length)
    if (issues.length === 0) return []
    // A text is reported as a whole. Of an array, each invalid item is reported.
    return Array.isArray(one.typed) && inItems.length > 0
      ? listProblems(inItems.map((issue) => describeWrongItem(one, issue)))
      : [describeWrongValue(one)]
  })
}

function describeWrongItem(
  { setting, typed, source }: GivenValue,
  { path, message }: z.core.$ZodIssue,
): string {
  const index = Number(path[setting.path.length])
  const item: unknown = (typed as readonly unknown[])[index]
  return `${source}[${index}] must be ${message} (got ${item instanceof RegExp ? String(item) : showValue(item)}).`
}

/** Describes an invalid value of a setting. */
export function describeWrongValue({ setting, typed, source, variable }: GivenValue): string {
  const shown = setting.isQuoted ? showValue(typed) : redacted
  const got = variable === undefined ? shown : `the value of ${variable}`
  const advice =
    setting.default === undefined
      ? `Correct it, or leave it unset (${setting.unsetMeaning ?? 'none'}).`
      : `Set it to ${setting.default} (the default) or to another valid value.`
  return `${source} must be ${setting.range} (got ${got}). ${advice}`
}

function createHost(settings: Settings, apiKey: string): HostConfig {
  return deepFreeze({
    adminApiKey: settings.adminApiKey ?? apiKey,
    metricsAuth: settings.metricsAuth,
    clock: settings.clock,
    seed: settings.seed,
    host: settings.host,
    pagesPrefix: settings.pagesPrefix,
    port: settings.port,
    workers: settings.workers,
    bodyLimitMb: settings.bodyLimitMb,
    bodiesLimitMb: settings.bodiesLimitMb,
    connections: settings.connections,
    shutdownGraceSeconds: settings.shutdownGraceSeconds,
    logLevel: settings.logLevel,
    logFormat: settings.logFormat,
    logRequests: settings.logRequests,
    watch: settings.watch,
    extensionPaths: settings.extensionPath ?? [],
    tiktokenCacheDir: settings.tiktokenCacheDir,
    journalSize: settings.journalSize,
    testHeader: settings.recordings.replay.testHeader.toLowerCase(),
    redis: { ...settings.redis, url: settings.redis.url },
    telemetry: settings.telemetry,
  })
}

function createResource(
  name: string,
  { models, deploymentsAreDefault, generatedKey, keys = [], signingKey, id = name, tenant }: ResourceInputs,
  settings: Settings,
  { upstream, recordings }: ResolvedMode,
  deployments: readonly Deployment[],
  { faults, incidents }: FaultFiles,
): ResourceConfig {
  const { apiKey, contentFilter, entra } = settings
  return deepFreeze({
    mode: settings.mode,
    sources: sourcesInUse(settings.mode, deployments),
    upstream,
    recordings,
    apiKey: apiKey ?? generatedKey,
    apiKeyGenerated: apiKey === undefined,
    keys: frozenMap(keys.map((key) => [key.hash, deepFreeze(key)])),
    entra: { ...entra, tenants: entra.tenants ?? [] },
    signingKey,
    id,
    tenant,
    region: settings.region,
    models,
    modelsStrict: settings.modelsStrict,
    retiredModels: settings.retiredModels,
    deployments: frozenMap(deployments.map((deployment) => [deployment.name, deepFreeze(deployment)])),
    deploymentsAreDefault,
    allowUndefinedDeployments: settings.allowUndefinedDeployments,
    limitProfile: settings.limitProfile,
    utilizationHeader: settings.utilizationHeader,
    completionLength: settings.completionLength,
    wireProfile: settings.wireProfile,
    toolCallProbability: settings.toolCallProbability,
    toolCallsPerAnswer: settings.toolCallsPerAnswer,
    toolCallRounds: settings.toolCallRounds,
    apiVersionCheck: settings.apiVersionCheck,
    encryptedContentCheck: settings.encryptedContentCheck,
    contentFilter: {
      prompt: contentFilter.prompt ?? [],
      completion: contentFilter.completion ?? [],
      late: contentFilter.late ?? [],
    },
    latency: settings.latency,
    faults,
    incidents,
    simHeaders: settings.simHeaders,
  })
}

/** The faults and incidents of their files, with all problems. */
export interface FaultFiles {
  readonly faults: readonly FaultRule[]
  readonly incidents: IncidentTimetable | undefined
  /** One or two sentences each, with the path of the file and the path in it. */
  readonly problems: readonly string[]
}

/**
 * Validates the entries of the files in FAULTS_PATH and INCIDENTS_PATH. A file that could not be read has no entries, and is
 * already reported.
 *
 * @param namesOf returns the names of all deployments; undefined if they are not known for certain
 */
function resolveFaultFiles(
  { faults: faultFile, incidents: incidentFile }: Pick<ConfigInputs, 'faults' | 'incidents'>,
  namesOf: (() => ReadonlySet<string>) | undefined,
): FaultFiles {
  const known = faultFile || incidentFile ? namesOf?.() : undefined
  const faults =
    faultFile?.entries === undefined
      ? undefined
      : checkFaultFile(faultFile.entries, faultFile.location, known)
  const incidents =
    incidentFile?.entries === undefined
      ? undefined
      : checkIncidents(incidentFile.entries, incidentFile.location, known)
  return {
    faults: faults?.rules ?? [],
    incidents: incidents?.timetable,
    problems: [...(faults?.problems ?? []), ...(incidents?.problems ?? [])],
  }
}
