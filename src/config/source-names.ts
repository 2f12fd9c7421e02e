import type { ResourceConfig, ReplayConfig } from './config.ts'
import type { Deployment } from './deployments.ts'

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
