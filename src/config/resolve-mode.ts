import { resolve } from 'node:path'
import type { Deployment } from './deployments.ts'
import type { RecordingsConfig, Upstream } from './config.ts'
import type { Settings } from './settings-schema.ts'
import { showValue } from './show-value.ts'
import { sourcesInUse, sourceTraits, writesRecordings } from './source-names.ts'

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
