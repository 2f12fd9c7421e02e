import type { ResourceConfig, ReplayConfig, RecordingsConfig, Upstream } from './config.ts'
import type { Deployment } from './deployments.ts'
import { resolve } from 'node:path'
import type { Settings } from './settings-schema.ts'
import { problemAt } from './mapping-file.ts'
import { showValue } from './zod-problems.ts'

/** Properties of a source of answers. */
interface SourceTraits {
  /** Description of its answers in a list of deployments. */
  readonly answers: string
  /** Whether unknown paths, api-versions and deployments are rejected before the source handles the request. */
  readonly checksRequests: boolean
  /** Whether limits, faults and latency apply to all requests. Otherwise only those in the deployment apply. */
  readonly isSimulated: boolean
  /** Whether it sends requests to a real service. */
  readonly asksUpstream: boolean
}

/** Sources of answers, by the values of SIMULATOR_MODE and of `source` in a deployment. */
export const sourceTraits = {
  generate: { answers: 'generated', checksRequests: true, isSimulated: true, asksUpstream: false },
  record: { answers: 'recorded', checksRequests: false, isSimulated: false, asksUpstream: true },
  replay: { answers: 'replayed', checksRequests: false, isSimulated: true, asksUpstream: false },
  forward: { answers: 'forwarded', checksRequests: false, isSimulated: false, asksUpstream: true },
} as const satisfies Record<string, SourceTraits>

/** Name of a source of answers. */
export type SourceName = keyof typeof sourceTraits

export const sourceNames = Object.keys(sourceTraits) as readonly SourceName[]

/** Returns the source of answers for a deployment. */
export function sourceOf(deployment: Deployment | undefined, { mode }: { mode: SourceName }): SourceName {
  return deployment?.source ?? mode
}

/** Returns all sources in use without duplicates: the mode first, then those of deployments. */
export function sourcesInUse(mode: SourceName, deployments: Iterable<Deployment>): readonly SourceName[] {
  const sources = new Set([mode])
  for (const { source } of deployments) if (source !== undefined) sources.add(source)
  return [...sources]
}

/** Returns whether a configuration replays recordings. */
export function replaysRecordings({ sources }: Pick<ResourceConfig, 'sources'>): boolean {
  return sources.includes('replay')
}

/** Returns whether a configuration writes recordings. */
export function writesRecordings({
  sources,
  recordings,
}: {
  readonly sources: readonly SourceName[]
  readonly recordings: { readonly replay: Pick<ReplayConfig, 'onMiss'> }
}): boolean {
  return sources.includes('record') || (sources.includes('replay') && recordings.replay.onMiss === 'record')
}

/** Settings of the sources of answers. */
type ModeSettings = Pick<Settings, 'mode' | 'recordings' | 'upstream'>

/** Resolved settings of sources. Problems have one or two sentences each. */
export interface ResolvedMode {
  readonly upstream: Upstream | undefined
  readonly recordings: RecordingsConfig
  readonly problems: readonly string[]
}

/** Deployments with their sources, and the path of their file, with which problems begin. */
interface NamedSources {
  readonly deployments: readonly Deployment[]
  readonly location: string
}

/** Resolves the settings of sources. Relative paths start from `workingDirectory`. */
export function resolveMode(
  settings: ModeSettings,
  named: NamedSources,
  workingDirectory: string,
): ResolvedMode {
  const { endpoint, key } = settings.upstream
  const requiredBy = upstreamRequirement(settings, named)
  const lacks = (name: string, value: string | undefined, what: string): string[] =>
    requiredBy === undefined || value !== undefined ? [] : [`${requiredBy} needs ${name}. Set it to ${what}.`]
  return {
    upstream: resolveUpstream(settings.upstream),
    recordings: resolveRecordings(settings.recordings, workingDirectory),
    problems: [
      ...lacks('AZURE_OPENAI_ENDPOINT', endpoint, 'the address of the service'),
      ...lacks('AZURE_OPENAI_KEY', key, 'the key of that service'),
    ],
  }
}

/** Returns the first setting that requires an upstream, in the form that an operator writes. */
function upstreamRequirement(
  { mode, recordings }: ModeSettings,
  { deployments, location }: NamedSources,
): string | undefined {
  if (sourceTraits[mode].asksUpstream) return `SIMULATOR_MODE=${mode}`
  const asking = deployments.find(({ source }) => source !== undefined && sourceTraits[source].asksUpstream)
  if (asking) return problemAt(location, `${showValue(asking.name)}.source: ${asking.source}`)
  const sources = sourcesInUse(mode, deployments)
  return writesRecordings({ sources, recordings }) ? 'REPLAY_ON_MISS=record' : undefined
}

function resolveUpstream({ endpoint, key, ...rest }: ModeSettings['upstream']): Upstream | undefined {
  if (endpoint === undefined || key === undefined) return undefined
  return { ...rest, endpoint: endpoint.replace(/\/+$/, ''), key }
}

/** Resolves the settings of recordings. Relative paths start from `workingDirectory`. */
export function resolveRecordings(
  { dir, match, redact, ...rest }: Settings['recordings'],
  workingDirectory: string,
): RecordingsConfig {
  return {
    ...rest,
    redact: redact ?? [],
    dir: resolve(workingDirectory, dir),
    match: {
      ...match,
      ignoreFields: match.ignoreFields ?? [],
      normalize: match.normalize ?? [],
      headers: match.headers ?? [],
    },
    replay: { ...rest.replay, testHeader: rest.replay.testHeader.toLowerCase() },
  }
}
