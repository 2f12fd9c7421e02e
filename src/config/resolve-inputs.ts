import { isDeepStrictEqual } from 'node:util'
import { shortText } from '../lib/error-text.ts'
import { deepFreeze, frozenMap, ownValue } from '../lib/record.ts'
import { isResourceName, resourceNameRule } from '../wire/route.ts'
import {
  type Config,
  defaultResourceName,
  type HostConfig,
  type ResourceConfig,
  type ResourceView,
} from './config.ts'
import type { ConfigInputs, ResourceInputs } from './read-inputs.ts'
import { configStoreProblems } from './config-store-settings.ts'
import { redisProblems } from './redis-settings.ts'
import { isSameList, type ResolvedResource, resolveOnce, resolveResource } from './resolve-resource.ts'
import { hostKeys, type Settings } from './settings-schema.ts'
import type { GivenValue } from './settings-table.ts'
import { telemetryProblems } from './telemetry-settings.ts'
import { tlsFilesOf, tlsProblems } from './tls-settings.ts'
import {
  completeSettings,
  isUpstreamSetting,
  resolveUpstream,
  unknownUpstream,
  type Upstream,
} from './upstreams.ts'
import { defaultUpstream } from './file-settings.ts'
import { problemAt } from './mapping-file.ts'

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
  readonly upstreams: ConfigInputs['upstreams']
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
    if (same?.inputs === own && (own.upstream === undefined || inputs.upstreams === before?.upstreams)) {
      named.set(name, same)
      continue
    }
    const table = own.upstream === undefined ? undefined : ownValue(inputs.upstreams, own.upstream)
    const others = own.upstream === undefined ? inherited : inherited.filter((one) => !isUpstreamSetting(one))
    const all = mergeGiven(own.given, table ? completeSettings(table) : [], others)
    named.set(name, { inputs: own, resolved: resolveOnce(name, own, all, workingDirectory) })
  }
  const upstreams = Object.entries(inputs.upstreams ?? {}).map(([name, own]) => resolveUpstream(name, own))
  const problems = [
    ...flat.problems,
    ...upstreams.flatMap(({ problems: found }) => found),
    ...nameProblems(inputs),
    ...upstreamNameProblems(inputs, { flat, named }),
    ...(flat.settings ? configStoreProblems(flat.settings) : []),
    ...(flat.settings ? redisProblems(flat.settings) : []),
    ...(flat.settings ? telemetryProblems(flat.settings) : []),
    ...(flat.settings ? tlsProblems(flat.settings) : []),
    ...withLocations(inputs, { flat, named }, ({ problems: found }) => found),
  ]
  if (!flat.settings || !flat.config || problems.length > 0) return { problems }
  const table = tableOf(
    [flat.config.upstream, ...upstreams.map(({ upstream }) => upstream)].filter((one) => one !== undefined),
    before,
  )
  const host = hostOf(flat.settings, flat.config, workingDirectory, table, before)
  const { views, defaultResource } = viewsOf({ flat: flat.config, named, host }, before)
  const config: Config = Object.freeze({ ...host, resources: frozenMap(views), defaultResource })
  return {
    config,
    settings: flat.settings,
    warnings: [
      ...warnings,
      ...flat.warnings,
      ...withLocations(inputs, { flat, named }, (resolved) => resolved.warnings),
    ],
    resolution: { config, host, flat, inherited, workingDirectory, named, upstreams: inputs.upstreams },
  }
}

/** Merges values of settings. Those of an earlier list have priority. */
function mergeGiven(...lists: readonly (readonly GivenValue[])[]): readonly GivenValue[] {
  const seen = new Set<GivenValue['setting']>()
  return lists
    .map((list) => {
      const added = list.filter(({ setting }) => !seen.has(setting))
      for (const { setting } of added) seen.add(setting)
      return added
    })
    .toReversed()
    .flat()
}

/** Returns a problem for each deployment and resource that names an upstream that does not exist. */
function upstreamNameProblems(
  { resources = {}, upstreams = {}, deployments }: ConfigInputs,
  { flat, named }: Pick<Resolution, 'named'> & { readonly flat: ResolvedResource },
): string[] {
  const hasDefault = flat.config?.upstream !== undefined || flat.settings === undefined
  const known = [...(flat.config?.upstream ? [defaultUpstream] : []), ...Object.keys(upstreams)]
  const problems: string[] = []
  const check = (prefix: string, location: string, { named: uses }: ResolvedResource): void => {
    for (const { deployment, upstream } of uses) {
      if (upstream === defaultUpstream ? hasDefault : Object.hasOwn(upstreams, upstream)) continue
      const described = `${JSON.stringify(deployment)}.upstream ${unknownUpstream(upstream, known)}`
      problems.push(`${prefix}${problemAt(location, described)}`)
    }
  }
  check('', deployments.location, flat)
  for (const [name, { inputs, resolved }] of named) {
    const { location = `resources.${name}`, upstream } = ownValue(resources, name) ?? {}
    if (upstream !== undefined && !Object.hasOwn(upstreams, upstream))
      problems.push(`${location}.upstream ${unknownUpstream(upstream, known)}`)
    const isFile = inputs.deployments.location.startsWith(location)
    check(isFile ? '' : `${location}: `, inputs.deployments.location, resolved)
  }
  return problems
}

/** The table of upstreams; the same object while they are the same. */
function tableOf(
  upstreams: readonly Upstream[],
  before: Resolution | undefined,
): ReadonlyMap<string, Upstream> {
  const known = before?.host.upstreams
  const reused = upstreams.map((upstream) => reuse(upstream, known?.get(upstream.name) ?? upstream))
  if (known && isSameList(reused, [...known.values()])) return known
  return frozenMap(reused.map((upstream) => [upstream.name, upstream]))
}

function nameProblems({ resources = {}, given }: ConfigInputs): string[] {
  const prefix = given.find(({ setting }) => setting.env === 'PAGES_PREFIX')?.value
  const [, pagesSegment] = typeof prefix === 'string' ? prefix.split('/') : []
  const problems: string[] = []
  for (const name of Object.keys(resources)) {
    const isValid = isResourceName(name)
    if (isValid && name !== pagesSegment) continue
    const { location = `resources.${shortText(name)}` } = ownValue(resources, name) ?? {}
    problems.push(
      isValid
        ? `${location}: PAGES_PREFIX begins with this name. Choose another one.`
        : `${location}: the name ${resourceNameRule}.`,
    )
  }
  return problems
}

/** The settings of the host; the same object while they are equal. */
function hostOf(
  settings: Settings,
  { apiKey }: ResourceConfig,
  workingDirectory: string,
  upstreams: ReadonlyMap<string, Upstream>,
  before: Resolution | undefined,
): HostConfig {
  const isSame = before?.flat.settings === settings && before.workingDirectory === workingDirectory
  if (isSame && before.host.upstreams === upstreams) return before.host
  const host = createHost(settings, apiKey, workingDirectory, upstreams)
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

/** Returns the messages about named resources, each with the path of its resource. Leaves out those about inherited settings. */
function withLocations(
  { resources: inputs = {} }: ConfigInputs,
  { flat, named }: Pick<Resolution, 'named'> & { readonly flat: ResolvedResource },
  messagesOf: (resolved: ResolvedResource) => readonly string[],
): string[] {
  const inherited = new Set(messagesOf(flat))
  const located: string[] = []
  for (const [name, { resolved }] of named) {
    for (const text of messagesOf(resolved))
      if (!inherited.has(text)) located.push(withLocation(text, name, ownValue(inputs, name)))
  }
  return located
}

/** A message about a part of the configuration file has its path already. */
function withLocation(text: string, name: string, inputs: ResourceInputs | undefined): string {
  const { location, given = [], deployments } = inputs ?? {}
  if (location === undefined) return `resources.${name}: ${text}`
  if (text.startsWith(location)) return text
  const isChanged = [...given.map(({ source }) => source), deployments?.location].some(
    (source) => source?.startsWith(location) === false,
  )
  return isChanged ? `resources.${name}: ${text}` : `${location}: ${text}`
}

/** Returns whether named resources inherit a setting from the default resource. */
function isInherited({ path: [key = ''] }: GivenValue['setting']): boolean {
  return !hostKeys.has(key) && key !== 'apiKey'
}

function createHost(
  settings: Settings,
  apiKey: string,
  workingDirectory: string,
  upstreams: ReadonlyMap<string, Upstream>,
): HostConfig {
  return deepFreeze({
    adminApiKey: settings.adminApiKey ?? apiKey,
    metricsAuth: settings.metricsAuth,
    clock: settings.clock,
    seed: settings.seed,
    host: settings.host,
    pagesPrefix: settings.pagesPrefix,
    publicUrl: settings.publicUrl,
    corsOrigins: settings.corsOrigins,
    port: settings.port,
    workers: settings.workers,
    bodyLimitMb: settings.bodyLimitMb,
    bodiesLimitMb: settings.bodiesLimitMb,
    tls: tlsFilesOf(settings.tls, workingDirectory),
    connections: settings.connections,
    shutdownGraceSeconds: settings.shutdownGraceSeconds,
    logLevel: settings.logLevel,
    logFormat: settings.logFormat,
    logRequests: settings.logRequests,
    logRing: settings.logRing,
    traceRing: settings.traceRing,
    configStore: settings.configStore,
    configStoreKey: settings.configStoreKey,
    configStoreCopy: settings.configStoreCopy,
    watch: settings.watch,
    twin: settings.twin,
    extensionPaths: settings.extensionPath ?? [],
    tiktokenCacheDir: settings.tiktokenCacheDir,
    journalSize: settings.journalSize,
    testHeader: settings.recordings.replay.testHeader.toLowerCase(),
    redis: { ...settings.redis, url: settings.redis.url },
    telemetry: settings.telemetry,
    upstreams,
  })
}
