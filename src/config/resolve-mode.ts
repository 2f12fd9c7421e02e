import { resolve } from 'node:path'
import type { RecordingsConfig, Upstream } from './recordings-config.ts'
import type { Settings } from './settings-schema.ts'

/** The settings that say where answers come from. */
type ModeSettings = Pick<Settings, 'mode' | 'recordings' | 'upstream'>

/** What the settings of the mode become, and what the mode lacks: one sentence or two each. */
export interface ResolvedMode {
  readonly upstream: Upstream | undefined
  readonly recordings: RecordingsConfig
  readonly problems: readonly string[]
}

/** Makes of settings what the mode works with; relative paths start from `workingDirectory`. */
export function resolveMode(settings: ModeSettings, workingDirectory: string): ResolvedMode {
  const { endpoint, key } = settings.upstream
  const asked = askingForUpstream(settings)
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

/** The setting that asks for a service to forward to, as an operator would write it. */
function askingForUpstream({ mode, recordings }: ModeSettings): string | undefined {
  if (mode === 'record') return 'SIMULATOR_MODE=record'
  return mode === 'replay' && recordings.replay.onMiss === 'record' ? 'REPLAY_ON_MISS=record' : undefined
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
