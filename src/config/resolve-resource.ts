import { deepFreeze, frozenMap } from '../lib/record.ts'
import type { ResourceConfig } from './config.ts'
import { resolveDeployments } from './deployment-file.ts'
import type { Deployment } from './deployments.ts'
import { checkFaultFile, type FaultRule } from './fault-rules.ts'
import { checkIncidents, type IncidentTimetable } from './incident-file.ts'
import type { ConfigInputs, FileEntries, ResourceInputs } from './read-inputs.ts'
import { describeWrongValues, nestValues } from './resolve-settings.ts'
import { type Settings, settingsSchema } from './settings-schema.ts'
import type { GivenValue } from './settings-table.ts'
import { missActionsInUse, sourceOf, sourcesInUse } from './source-names.ts'
import { type ResolvedMode, resolveMode } from './resolve-mode.ts'
import { defaultUpstream, upstreamSettingsByName } from './file-settings.ts'
import { problemAt, snakeKey } from './mapping-file.ts'
import { describeFirst } from '../lib/error-text.ts'
import { showValue } from './zod-problems.ts'

const modeSchema = settingsSchema.pick({ mode: true, recordings: true, upstream: true })

/** A resource, or its problems. */
export interface ResolvedResource {
  /** The validated settings; undefined if one is invalid. */
  readonly settings: Settings | undefined
  /** Undefined if there is a problem. */
  readonly config: ResourceConfig | undefined
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
  /** The upstreams that deployments name. */
  readonly named: readonly NamedUpstream[]
}

/** A deployment that names an upstream. */
export interface NamedUpstream {
  readonly deployment: string
  readonly upstream: string
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
  'upstream',
] as const satisfies readonly (keyof ResourceInputs)[]

/** Resolves a resource, or returns the previous result for the same inputs. */
export function resolveOnce(
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

/**
 * Resolves a resource.
 *
 * @param given its settings, including inherited ones
 * @param unread problems from reading the inputs, reported with the others
 */
export function resolveResource(
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
    ? resolveMode(modeSettings.data, {
        deployments: file.deployments,
        location,
        workingDirectory,
        upstreamName: inputs.upstream ?? defaultUpstream,
        nameOf: (key) => sourceIn(given, key),
      })
    : undefined
  const problems = [
    ...describeWrongValues(given, parsed.error),
    ...unread,
    ...file.problems,
    ...faults.problems,
    ...(mode?.problems ?? []),
    ...(parsed.success ? tokenProblems(parsed.data) : []),
  ]
  const isValid = parsed.success && mode && problems.length === 0
  return {
    settings: parsed.data,
    config: isValid ? createResource(name, inputs, parsed.data, mode, file.deployments, faults) : undefined,
    problems,
    warnings: [
      ...file.warnings,
      ...(parsed.success ? missWarnings(file.deployments, parsed.data, location) : []),
    ],
    named: file.deployments.flatMap(({ name: deployment, to }) =>
      to ? [{ deployment, upstream: to.upstream }] : [],
    ),
  }
}

/** Returns a setting of the upstream as it was given, or its variable. */
function sourceIn(given: readonly GivenValue[], key: keyof Settings['upstream']): string {
  const own = given.findLast(({ setting: { path } }) => path[0] === 'upstream' && path[1] === key)
  const setting = upstreamSettingsByName.get(snakeKey(key))
  return own?.source ?? setting?.env ?? key
}

/** Returns a warning for the deployments with `onMiss` that are not replayed in this mode. */
function missWarnings(deployments: readonly Deployment[], settings: Settings, location: string): string[] {
  const unused = deployments.filter(
    (deployment) => deployment.onMiss !== undefined && sourceOf(deployment, settings) !== 'replay',
  )
  return describeFirst(unused, ({ name }) =>
    problemAt(location, `${showValue(name)}.onMiss has no effect, because the deployment is not replayed.`),
  )
}

/** Returns the problem of ENTRA_TOKENS without the tenants that it needs. */
function tokenProblems({ entra: { tokens, tenants = [] } }: Settings): string[] {
  if (tokens !== 'tenants' || tenants.length > 0) return []
  return [
    'ENTRA_TOKENS (tokens) is tenants, but ENTRA_TENANTS (token_tenants) is not set. Set it to the ids of the accepted tenants.',
  ]
}

function namesOf(deployments: readonly Deployment[]): ReadonlySet<string> {
  return new Set(deployments.map(({ name }) => name))
}

export function isSameList(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((item, index) => item === others[index])
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
    missActions: missActionsInUse(settings, deployments),
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
    modelMap: frozenMap(settings.modelMap ?? []),
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
