import type { ResourceConfig, ReplayConfig, RecordingsConfig, Upstream } from './config.ts'
import type { Deployment } from './deployments.ts'
import { resolve } from 'node:path'
import type { Settings } from './settings-schema.ts'
import { showValue } from './zod-problems.ts'

/** What is different between what answers requests. */
interface SourceTraits {
  /** What is said of its answers in a list of deployments. */
  readonly answers: string
  /** Whether paths, api-versions and deployments that the service does not have are refused; else the source decides. */
  readonly checksRequests: boolean
  /** Whether limits, faults and latency act on every request; else only those that its deployment asks for. */
  readonly isSimulated: boolean
  /** Whether it sends requests to a real service. */
  readonly asksUpstream: boolean
}

/** What answers requests, by the values of SIMULATOR_MODE and of a deployment's `source`. */
export const sourceTraits = {
  generate: { answers: 'generated', checksRequests: true, isSimulated: true, asksUpstream: false },
  record: { answers: 'recorded', checksRequests: false, isSimulated: false, asksUpstream: true },
  replay: { answers: 'replayed', checksRequests: false, isSimulated: true, asksUpstream: false },
  forward: { answers: 'forwarded', checksRequests: false, isSimulated: false, asksUpstream: true },
} as const satisfies Record<string, SourceTraits>

/** The name of what answers requests. */
export type SourceName = keyof typeof sourceTraits

export const sourceNames = Object.keys(sourceTraits) as readonly SourceName[]

/** What answers the requests to a deployment. */
export function sourceOf(deployment: Deployment | undefined, { mode }: { mode: SourceName }): SourceName {
  return deployment?.source ?? mode
}

/** Every source that answers requests: the mode first, and then those of deployments, each once. */
export function sourcesInUse(mode: SourceName, deployments: Iterable<Deployment>): readonly SourceName[] {
  const sources = new Set([mode])
  for (const { source } of deployments) if (source !== undefined) sources.add(source)
  return [...sources]
}

/** Whether a configuration answers requests from recordings. */
export function replaysRecordings({ sources }: Pick<ResourceConfig, 'sources'>): boolean {
  return sources.includes('replay')
}

/** Whether a configuration writes recordings. */
export function writesRecordings({
  sources,
  recordings,
}: {
  readonly sources: readonly SourceName[]
  readonly recordings: { readonly replay: Pick<ReplayConfig, 'onMiss'> }
}): boolean {
  return sources.includes('record') || (sources.includes('replay') && recordings.replay.onMiss === 'record')
}

/** The settings that say where answers come from. */
type ModeSettings = Pick<Settings, 'mode' | 'recordings' | 'upstream'>

/** What the settings of sources become, and what the sources lack: one sentence or two each. */
export interface ResolvedMode {
  readonly upstream: Upstream | undefined
  readonly recordings: RecordingsConfig
  readonly problems: readonly string[]
}

/** The deployments, which may name sources of their own, and what problems of them begin with. */
interface NamedSources {
  readonly deployments: readonly Deployment[]
  readonly place: string
}

/** Makes of settings what sources work with; relative paths start from `workingDirectory`. */
export function resolveMode(
  settings: ModeSettings,
  named: NamedSources,
  workingDirectory: string,
): ResolvedMode {
  const { endpoint, key } = settings.upstream
  const asked = askingForUpstream(settings, named)
  const lacks = (name: string, value: string | undefined, what: string): string[] =>
    asked === undefined || value !== undefined ? [] : [`${asked} needs ${name}. Set it to ${what}.`]
  return {
    upstream: resolveUpstream(settings.upstream),
    recordings: resolveRecordings(settings.recordings, workingDirectory),
    problems: [
      ...lacks('AZURE_OPENAI_ENDPOINT', endpoint, 'the address of the service'),
      ...lacks('AZURE_OPENAI_KEY', key, 'the key of that service'),
    ],
  }
}

/** What asks for a service to forward to, as an operator would write it: the first of them. */
function askingForUpstream(
  { mode, recordings }: ModeSettings,
  { deployments, place }: NamedSources,
): string | undefined {
  if (sourceTraits[mode].asksUpstream) return `SIMULATOR_MODE=${mode}`
  const asking = deployments.find(({ source }) => source !== undefined && sourceTraits[source].asksUpstream)
  if (asking) return `${place}: ${showValue(asking.name)}.source: ${asking.source}`
  const sources = sourcesInUse(mode, deployments)
  return writesRecordings({ sources, recordings }) ? 'REPLAY_ON_MISS=record' : undefined
}

function resolveUpstream({ endpoint, key, ...rest }: ModeSettings['upstream']): Upstream | undefined {
  if (endpoint === undefined || key === undefined) return undefined
  return { ...rest, endpoint: endpoint.replace(/\/+$/, ''), key }
}

/** Makes of the settings of recordings what works with them; relative paths start from `workingDirectory`. */
export function resolveRecordings(
  { dir, match, redact, ...rest }: Settings['recordings'],
  workingDirectory: string,
): RecordingsConfig {
  return {
    ...rest,
    redact: redact ?? [],
    dir: resolve(workingDirectory, dir),
    match: { ...match, ignoreFields: match.ignoreFields ?? [], headers: match.headers ?? [] },
    replay: { ...rest.replay, testHeader: rest.replay.testHeader.toLowerCase() },
  }
}
