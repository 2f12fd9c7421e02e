import { resolve } from 'node:path'
import type { Mode } from './config.ts'
import type { RecordingsConfig, Upstream } from './recordings-config.ts'
import type { Settings } from './settings-schema.ts'

/** The mode, and what it lacks: one sentence or two each. */
export interface ResolvedMode {
  readonly mode: Mode
  readonly problems: readonly string[]
}

/** Joins the settings that a mode needs. */
export function resolveMode({ kind, ...settings }: Settings['mode'], workingDirectory: string): ResolvedMode {
  if (kind === 'generate') return { mode: { kind }, problems: [] }
  const recordings = resolveRecordings(settings.recordings, workingDirectory)
  if (kind === 'replay' && recordings.replay.onMiss !== 'record') {
    return { mode: { kind, recordings, upstream: undefined }, problems: [] }
  }
  const upstream = resolveUpstream(settings.upstream)
  const asked = kind === 'record' ? 'SIMULATOR_MODE=record' : 'REPLAY_ON_MISS=record'
  const problems = [
    ...(upstream.endpoint
      ? []
      : [`${asked} needs AZURE_OPENAI_ENDPOINT. Set it to the address of the service.`]),
    ...(upstream.key ? [] : [`${asked} needs AZURE_OPENAI_KEY. Set it to the key of that service.`]),
  ]
  return { mode: { kind, recordings, upstream }, problems }
}

function resolveUpstream({ endpoint = '', key = '', ...rest }: Settings['mode']['upstream']): Upstream {
  return { ...rest, endpoint: endpoint.replace(/\/+$/, ''), key }
}

/** Makes of the settings of recordings what works with them; relative paths start from `workingDirectory`. */
export function resolveRecordings(
  { dir, match, redact, ...rest }: Settings['mode']['recordings'],
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
