import type { ResourceConfig } from './config.ts'
import type { Deployment } from './deployments.ts'
import type { Settings } from './settings-schema.ts'
import type { MissAction } from './recording-settings.ts'

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

/** Returns the source of answers for a deployment: its own, else the mode; `forward` if it has an upstream and the mode is generate. */
export function sourceOf(deployment: Deployment | undefined, { mode }: { mode: SourceName }): SourceName {
  if (deployment === undefined) return mode
  return deployment.source ?? (deployment.to && mode === 'generate' ? 'forward' : mode)
}

/** Returns all sources in use without duplicates: the mode first, then those of deployments. */
export function sourcesInUse(mode: SourceName, deployments: Iterable<Deployment>): readonly SourceName[] {
  const sources = new Set([mode])
  for (const deployment of deployments) sources.add(sourceOf(deployment, { mode }))
  return [...sources]
}

/** Returns what replay does without a recording, of all deployments that are replayed. */
export function missActionsInUse(
  { mode, recordings }: Pick<Settings, 'mode' | 'recordings'>,
  deployments: Iterable<Deployment>,
): readonly MissAction[] {
  const actions = new Set<MissAction>(mode === 'replay' ? [recordings.replay.onMiss] : [])
  for (const deployment of deployments)
    if (sourceOf(deployment, { mode }) === 'replay')
      actions.add(deployment.onMiss ?? recordings.replay.onMiss)
  return [...actions]
}

/** Returns whether a configuration replays recordings. */
export function replaysRecordings({ sources }: Pick<ResourceConfig, 'sources'>): boolean {
  return sources.includes('replay')
}

/** Returns whether a configuration writes recordings. */
export function writesRecordings({
  sources,
  missActions,
}: Pick<ResourceConfig, 'sources' | 'missActions'>): boolean {
  return sources.includes('record') || missActions.includes('record')
}
