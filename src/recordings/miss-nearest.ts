import type { MatchConfig } from '../config/config.ts'
import { redacted } from '../lib/credential-texts.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { matchRecorded, type MatchRequest, apiVersionOf, type MatchKeys } from './match-request.ts'
import type { Interaction, RecordingEntry } from './interaction.ts'
import type { RecordingIndex } from './recording-index.ts'
import type { RecordingReader } from './recording-reader.ts'
import type { Redactor } from './redact-interaction.ts'
import { shortText } from '../lib/error-text.ts'
import { jsonDifferences, showDifference } from './json-difference.ts'

/** The recording that comes nearest to a request, and why it does not answer it. */
export interface NearestRecording {
  readonly entry: RecordingEntry
  readonly method: string
  readonly uri: string
  readonly difference: RequestDifference
}

/** So many recordings are read and compared: those whose bodies are nearest in length. */
const COMPARED_RECORDINGS = 12

/** A larger body is compared with one recording only: comparing costs as much as parsing both. */
const LARGE_BYTES = 256 * 1024

/** Paths that are compared by their letters; beyond this, only those of the same beginning or end are. */
const COMPARED_PATHS = 200

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
  const most = length > LARGE_BYTES ? 1 : COMPARED_RECORDINGS
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
    if (paths.length < COMPARED_PATHS) paths.push(other)
  }
  return nearestNames(path, paths, 1)[0] ?? any
}

/** The first thing in which a request differs from a recorded one, and how far apart the two are. */
interface RequestDifference {
  /** `method`, `path`, `header x-name`, `api-version`, `host`, `body`, or a field: `messages[0].content`. */
  readonly at: string
  /** As shown in a message. */
  readonly requested: string
  readonly recorded: string
  /** How many places differ, up to a bound: the nearest recording has the fewest. */
  readonly count: number
  /** What would have made the two equal, as a sentence. */
  readonly advice: string
}

/** Longer than most paths; clients choose them, and headers. */
const MAX_PATH_CHARACTERS = 300

/** More differences than this are simply many. */
const MAX_COUNTED = 200

/** Compares a request with a recorded one by the rules of matching; undefined when they are equal. */
function requestDifference(
  requested: MatchRequest,
  recorded: MatchRequest,
  keys: MatchKeys,
  config: MatchConfig,
): RequestDifference | undefined {
  const plain = (at: string, left: string, right: string, advice: string): RequestDifference => ({
    at,
    requested: shortText(left, MAX_PATH_CHARACTERS) || 'nothing',
    recorded: shortText(right, MAX_PATH_CHARACTERS) || 'nothing',
    count: MAX_COUNTED,
    advice,
  })
  const [path, recordedPath] = [keys.pathOf(requested), keys.pathOf(recorded)]
  if (requested.method !== recorded.method) {
    const advice = `Send it with ${recorded.method}.`
    return plain('method', requested.method, recorded.method, advice)
  }
  if (path !== recordedPath) {
    const prefixed = path.endsWith(recordedPath) || recordedPath.endsWith(path)
    const advice = prefixed
      ? 'Set MATCH_ANY_PREFIX=on to leave the prefix out of matching.'
      : `Send it to ${shortText(recordedPath, MAX_PATH_CHARACTERS)}.`
    return plain('path', path, recordedPath, advice)
  }
  if (config.host && requested.host !== recorded.host) {
    return plain('host', requested.host, recorded.host, 'Set MATCH_HOST=off to accept any host.')
  }
  const [version, recordedVersion] = [apiVersionOf(requested.query), apiVersionOf(recorded.query)]
  if (config.apiVersion && version !== recordedVersion) {
    return plain('api-version', version, recordedVersion, 'Set MATCH_API_VERSION=off to accept any version.')
  }
  for (const name of config.headers) {
    const [value = '', recordedValue = ''] = [requested.header(name), recorded.header(name)]
    if (value === recordedValue) continue
    return plain(
      `header ${name}`,
      value,
      recordedValue,
      `Take ${name} out of MATCH_HEADERS to accept any value.`,
    )
  }
  const difference = bodyDifference(requested, recorded, keys)
  if (difference || requested.contentType === recorded.contentType) return difference
  if (keys.keyOf(requested) === keys.keyOf(recorded)) return undefined
  // The same bytes, which are a form with one content type and none with the other.
  const advice = 'Send it with the content type of the recording, or correct that of the recording.'
  return plain('header content-type', requested.contentType ?? '', recorded.contentType ?? '', advice)
}

function bodyDifference(
  requested: MatchRequest,
  recorded: MatchRequest,
  keys: MatchKeys,
): RequestDifference | undefined {
  const left = keys.comparedJson(requested)
  const right = keys.comparedJson(recorded)
  if (left === undefined || right === undefined) {
    if (requested.body.equals(recorded.body)) return undefined
    return {
      at: 'body',
      requested: showBytes(requested.body),
      recorded: showBytes(recorded.body),
      count: MAX_COUNTED,
      advice: 'Send the recorded body.',
    }
  }
  let first: RequestDifference | undefined
  let count = 0
  for (const { at: whole, left: ours, right: theirs } of jsonDifferences(left.value, right.value)) {
    count++
    const at = shortText(whole)
    first ??= {
      at: at || 'body',
      requested: showDifference(ours, theirs),
      recorded: showDifference(theirs, ours),
      count,
      advice: at === '' ? 'Send the recorded body.' : fieldAdvice(at),
    }
    if (count === MAX_COUNTED) break
  }
  return first && { ...first, count }
}

/** The prompt itself, whatever API it is of: without it every request would match. Ids within it may differ each time. */
const promptField = /^(messages|input|prompt|instructions|contents|query)(\.|$)/
const idField = /(^|[._])id$/

function fieldAdvice(at: string): string {
  const field = at.replace(/\[\d+\]/g, '')
  if (promptField.test(field) && !idField.test(field)) return `Send ${at} as recorded.`
  return `Send ${at} as recorded, or set MATCH_IGNORE_FIELDS=${field} to leave it out of matching.`
}

function showBytes(bytes: Buffer): string {
  if (bytes.length === 0) return 'nothing'
  const text = bytes.toString('utf8', 0, 60)
  return /^[\x20-\x7e\s]*$/.test(text)
    ? `${JSON.stringify(text)} (${bytes.length} bytes)`
    : `${bytes.length} bytes`
}
