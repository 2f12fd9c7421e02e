import { resolve } from 'node:path'
import type { RecordingsConfig } from './config.ts'
import type { Deployment } from './deployments.ts'
import { problemAt } from './mapping-file.ts'
import type { MissAction } from './recording-settings.ts'
import type { Settings } from './settings-schema.ts'
import { sourceOf, sourceTraits } from './source-names.ts'
import { createUpstream, type Upstream, upstreamProblems } from './upstreams.ts'
import { showValue } from './zod-problems.ts'

/** Settings of the sources of answers. */
type ModeSettings = Pick<Settings, 'mode' | 'recordings' | 'upstream'>

/** Resolved settings of sources. Problems have one or two sentences each. */
export interface ResolvedMode {
  readonly upstream: Upstream | undefined
  readonly recordings: RecordingsConfig
  readonly problems: readonly string[]
}

/** What sources depend on apart from their settings. */
interface ModeContext {
  readonly deployments: readonly Deployment[]
  /** Path of the file of the deployments, with which problems begin. */
  readonly location: string
  /** Base of relative paths. */
  readonly workingDirectory: string
  /** Name of the upstream of the resource. */
  readonly upstreamName: string
  /** Returns a setting of the upstream as the operator has written it. */
  readonly nameOf: (key: keyof Settings['upstream']) => string
}

/** Resolves the settings of sources. */
export function resolveMode(settings: ModeSettings, context: ModeContext): ResolvedMode {
  const { endpoint, key, credential } = settings.upstream
  const requiredBy = upstreamRequirement(settings, context)
  const lacks = (name: string, isMissing: boolean, what: string): string[] =>
    requiredBy === undefined || !isMissing ? [] : [`${requiredBy} needs ${name}. Set it to ${what}.`]
  const problems = [
    ...lacks('AZURE_OPENAI_ENDPOINT', endpoint === undefined, 'the address of the service'),
    ...lacks('AZURE_OPENAI_KEY', key === undefined && credential === 'key', 'the key of that service'),
    ...upstreamProblems(settings.upstream, context.nameOf),
  ]
  return {
    upstream: createUpstream(context.upstreamName, settings.upstream),
    recordings: resolveRecordings(settings.recordings, context.workingDirectory),
    problems,
  }
}

/** Returns the first setting that requires the upstream of the resource, in the form that an operator writes. */
function upstreamRequirement(
  { mode, recordings }: ModeSettings,
  { deployments, location }: ModeContext,
): string | undefined {
  // A gateway can have an upstream for each deployment.
  const isGateway = deployments.some(({ to }) => to !== undefined)
  if (sourceTraits[mode].asksUpstream && !isGateway) return `SIMULATOR_MODE=${mode}`
  for (const deployment of deployments) {
    if (deployment.to) continue
    const source = sourceOf(deployment, { mode })
    const onMiss = deployment.onMiss ?? recordings.replay.onMiss
    const at = (key: string, value: string): string =>
      problemAt(location, `${showValue(deployment.name)}.${key}: ${value}`)
    if (sourceTraits[source].asksUpstream)
      return deployment.source === undefined
        ? `SIMULATOR_MODE=${mode} of ${problemAt(location, showValue(deployment.name))} without an upstream`
        : at('source', source)
    if (source === 'replay' && asksOnMiss(onMiss))
      return deployment.onMiss === undefined ? `REPLAY_ON_MISS=${onMiss}` : at('onMiss', onMiss)
  }
  if (mode === 'replay' && asksOnMiss(recordings.replay.onMiss) && !isGateway)
    return `REPLAY_ON_MISS=${recordings.replay.onMiss}`
  return undefined
}

function asksOnMiss(action: MissAction): boolean {
  return action === 'record' || action === 'forward'
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
