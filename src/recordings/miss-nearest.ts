import type { MatchConfig } from '../config/recordings-config.ts'
import { redacted } from '../lib/credential-texts.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { matchRecorded, type MatchRequest } from './match-request.ts'
import type { Interaction } from './interaction.ts'
import type { RecordingEntry } from './recording-entry.ts'
import type { RecordingIndex } from './recording-index.ts'
import type { RecordingReader } from './recording-reader.ts'
import type { Redactor } from './redact-interaction.ts'
import { type RequestDifference, requestDifference } from './request-difference.ts'

/** The recording that comes nearest to a request, and why it does not answer it. */
export interface NearestRecording {
  readonly entry: RecordingEntry
  readonly method: string
  readonly uri: string
  readonly difference: RequestDifference
}

/** So many recordings are read and compared: those whose bodies are nearest in length. */
const comparedRecordings = 12

/** A larger body is compared with one recording only: comparing costs as much as parsing both. */
const largeBytes = 256 * 1024

/** Paths that are compared by their letters; beyond this, only those of the same beginning or end are. */
const comparedPaths = 200

/** Finds the recording that comes nearest to a request that none answers; undefined when there is nothing to compare. */
export async function findNearest(
  request: MatchRequest,
  index: RecordingIndex,
  reader: RecordingReader,
  config: MatchConfig,
  redactor: Redactor,
): Promise<NearestRecording | undefined> {
  let nearest: NearestRecording | undefined
  for (const entry of candidates(request, index)) {
    const interaction = await reader.read(entry)
    if (!interaction) continue
    const recorded = matchRecorded(interaction.request)
    const difference = requestDifference(request, recorded, index.keys, config)
    if (!difference || (nearest && nearest.difference.count <= difference.count)) continue
    const { method, uri } = interaction.request
    nearest = { entry, method, uri, difference }
  }
  return (
    nearest && withoutSecrets(nearest, request, await reader.read(nearest.entry), index, config, redactor)
  )
}

/** A difference is shown as it would be recorded; where only credentials differ, without the two values. */
function withoutSecrets(
  { entry, method, uri, difference }: NearestRecording,
  request: MatchRequest,
  interaction: Interaction | undefined,
  { keys }: RecordingIndex,
  config: MatchConfig,
  redactor: Redactor,
): NearestRecording {
  const same = { entry, method, uri: redactor.uri(uri) }
  const hidden = { ...difference, requested: redacted, recorded: redacted }
  try {
    const recorded = interaction && matchRecorded(redactor.request(interaction.request))
    const shown = recorded && requestDifference(redactor.live(request), recorded, keys, config)
    return { ...same, difference: shown ?? hidden }
  } catch {
    // The patterns of RECORDING_REDACT do not come to an end on one of the bodies.
    return { ...same, difference: hidden }
  }
}

function candidates(request: MatchRequest, index: RecordingIndex): RecordingEntry[] {
  const length = request.body.length
  const path =
    index.groupsOf(index.keys.pathOf(request)).length > 0
      ? index.keys.pathOf(request)
      : nearestPath(index.keys.pathOf(request), index)
  if (path === undefined) return []
  const groups = index.groupsOf(path)
  const sameMethod = groups.filter(({ method }) => method === request.method)
  const most = length > largeBytes ? 1 : comparedRecordings
  // The few nearest of very many: sorting them all would hold up others.
  const nearest: { distance: number; entry: RecordingEntry }[] = []
  for (const { bodyLength, lists } of sameMethod.length > 0 ? sameMethod : groups) {
    const entry = lists.find(({ entries }) => entries.length > 0)?.entries[0]
    const distance = Math.abs(bodyLength - length)
    if (!entry || (nearest.length === most && distance >= (nearest.at(-1)?.distance ?? 0))) continue
    nearest.push({ distance, entry })
    nearest.sort((a, b) => a.distance - b.distance)
    if (nearest.length > most) nearest.pop()
  }
  return nearest.map(({ entry }) => entry)
}

function nearestPath(path: string, index: RecordingIndex): string | undefined {
  const paths: string[] = []
  let any: string | undefined
  for (const other of index.paths()) {
    any ??= other
    if (path.endsWith(other) || other.endsWith(path)) return other
    if (paths.length < comparedPaths) paths.push(other)
  }
  return nearestNames(path, paths, 1)[0] ?? any
}
