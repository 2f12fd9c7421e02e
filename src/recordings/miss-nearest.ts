import type { MatchConfig } from '../config/config.ts'
import { redacted } from '../lib/credential-texts.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { addedMessages } from './conversation.ts'
import { type NormalizerName, normalizerNames } from '../config/recording-settings.ts'
import {
  apiVersionOf,
  createMatchKeys,
  type MatchKeys,
  matchRecorded,
  type MatchRequest,
} from './match-request.ts'
import type { Interaction, RecordingEntry } from './interaction.ts'
import type { RecordingIndex } from './recording-index.ts'
import type { RecordingReader } from './recording-reader.ts'
import type { ShownNearest } from './recording-use.ts'
import type { Redactor } from './redact-interaction.ts'
import { shortText } from '../lib/error-text.ts'
import { jsonDifferences, formatValue } from './json-difference.ts'

/** The recording that is most similar to a request, and the first difference. */
export interface NearestRecording {
  readonly entry: RecordingEntry
  readonly method: string
  readonly uri: string
  readonly difference: RequestDifference
  /** The settings with which the recording matches, as a sentence; undefined if none make it match. */
  readonly setting: string | undefined
}

/** Number of recordings to compare: those with the most similar body lengths. */
const MAX_COMPARED_RECORDINGS = 12

/** A larger body is compared with one recording only, because a comparison parses both. */
const LARGE_BODY_BYTES = 256 * 1024

/** Number of paths that are compared by edit distance. For all paths, it is checked whether one is a suffix of the other. */
const MAX_COMPARED_PATHS = 200

/** The nearest recording as the list of misses shows it. */
export function shownNearest({ entry, method, uri, difference, setting }: NearestRecording): ShownNearest {
  const { all, count, advice } = difference
  return {
    file: entry.file,
    line: entry.line,
    method,
    uri,
    differences: all.map(({ at, recorded, requested }) => ({ path: at, recorded, sent: requested })),
    total: all.length < MAX_SHOWN_DIFFERENCES ? all.length : count,
    advice: setting ?? advice,
  }
}

/** Finds the recording that is most similar to a request without a match; undefined if there is nothing to compare. */
export async function findNearest(
  request: MatchRequest,
  index: RecordingIndex,
  reader: RecordingReader,
  config: MatchConfig,
  redactor: Redactor,
): Promise<NearestRecording | undefined> {
  const canMatch =
    request.body.length > LARGE_BODY_BYTES
      ? undefined
      : matchTest(request, { ...config, normalize: normalizerNames, conversation: 'prefix' }, redactor)
  let nearest: NearestRecording | undefined
  for (const entry of candidates(request, index)) {
    const interaction = await reader.read(entry)
    if (!interaction) continue
    const recorded = matchRecorded(interaction.request)
    const difference = requestDifference(request, recorded, index.keys, config)
    if (!difference) continue
    const { method, uri } = interaction.request
    if (canMatch?.(recorded)) {
      nearest = {
        entry,
        method,
        uri,
        difference,
        setting: settingAdvice(request, recorded, config, redactor),
      }
      break
    }
    if (nearest && nearest.difference.count <= difference.count) continue
    nearest = { entry, method, uri, difference, setting: undefined }
  }
  return nearest && redactNearest(nearest, request, await reader.read(nearest.entry), index, config, redactor)
}

/** Redacts the values of the difference. If only credentials differ, both values are replaced. */
function redactNearest(
  { entry, method, uri, difference, setting }: NearestRecording,
  request: MatchRequest,
  interaction: Interaction | undefined,
  { keys }: RecordingIndex,
  config: MatchConfig,
  redactor: Redactor,
): NearestRecording {
  const common = { entry, method, uri: redactor.uri(uri), setting }
  const hide = <T extends FieldDifference>(shown: T): T => ({
    ...shown,
    requested: redacted,
    recorded: redacted,
  })
  const hidden = { ...hide(difference), all: difference.all.map(hide) }
  try {
    const recorded = interaction && matchRecorded(redactor.request(interaction.request))
    const shown = recorded && requestDifference(redactor.live(request), recorded, keys, config)
    return { ...common, difference: shown ?? hidden }
  } catch {
    // The patterns of RECORDING_REDACT took too long on one of the bodies.
    return { ...common, difference: hidden }
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
  const maxCompared = length > LARGE_BODY_BYTES ? 1 : MAX_COMPARED_RECORDINGS
  // Keeps only the nearest few. Sorting all recordings would block the event loop.
  const nearest: { distance: number; entry: RecordingEntry }[] = []
  for (const { bodyLength, lists } of sameMethod.length > 0 ? sameMethod : groups) {
    const entry = lists.find(({ entries }) => entries.length > 0)?.entries[0]
    const distance = Math.abs(bodyLength - length)
    if (!entry || (nearest.length === maxCompared && distance >= (nearest.at(-1)?.distance ?? 0))) continue
    nearest.push({ distance, entry })
    nearest.sort((a, b) => a.distance - b.distance)
    if (nearest.length > maxCompared) nearest.pop()
  }
  return nearest.map(({ entry }) => entry)
}

function nearestPath(path: string, index: RecordingIndex): string | undefined {
  const paths: string[] = []
  let first: string | undefined
  for (const other of index.paths()) {
    first ??= other
    if (path.endsWith(other) || other.endsWith(path)) return other
    if (paths.length < MAX_COMPARED_PATHS) paths.push(other)
  }
  return nearestNames(path, paths, 1)[0] ?? first
}

/** A difference of a request from a recorded one. */
interface FieldDifference {
  /** `method`, `path`, `header x-name`, `api-version`, `host`, `body`, or a field: `messages[0].content`. */
  readonly at: string
  /** As shown in a message. */
  readonly requested: string
  readonly recorded: string
}

/** The first difference of a request from a recorded one, and the number of differences. */
interface RequestDifference extends FieldDifference {
  /** The first `MAX_SHOWN_DIFFERENCES` differences, including this one. */
  readonly all: readonly FieldDifference[]
  /** Number of differences, up to `MAX_COUNTED_DIFFERENCES`. */
  readonly count: number
  /** How to make the two equal, as a sentence. */
  readonly advice: string
}

/** Clients choose paths and header values, so messages contain at most this many characters of them. */
const MAX_SHOWN_CHARACTERS = 300

/** Number of differences that the list of misses shows. */
const MAX_SHOWN_DIFFERENCES = 20

/** Differences are counted up to this number. */
const MAX_COUNTED_DIFFERENCES = 200

/** Compares a request with a recorded one by the rules of matching; undefined if they match. */
function requestDifference(
  requested: MatchRequest,
  recorded: MatchRequest,
  keys: MatchKeys,
  config: MatchConfig,
): RequestDifference | undefined {
  const differs = (at: string, left: string, right: string, advice: string): RequestDifference =>
    onlyDifference(
      {
        at,
        requested: shortText(left, MAX_SHOWN_CHARACTERS) || 'nothing',
        recorded: shortText(right, MAX_SHOWN_CHARACTERS) || 'nothing',
      },
      advice,
    )
  const [path, recordedPath] = [keys.pathOf(requested), keys.pathOf(recorded)]
  if (requested.method !== recorded.method) {
    const advice = `Send it with ${recorded.method}.`
    return differs('method', requested.method, recorded.method, advice)
  }
  if (path !== recordedPath) {
    const prefixed = path.endsWith(recordedPath) || recordedPath.endsWith(path)
    const advice = prefixed
      ? 'Set MATCH_ANY_PREFIX=on to leave the prefix out of matching.'
      : `Send it to ${shortText(recordedPath, MAX_SHOWN_CHARACTERS)}.`
    return differs('path', path, recordedPath, advice)
  }
  if (config.host && requested.host !== recorded.host) {
    return differs('host', requested.host, recorded.host, 'Set MATCH_HOST=off to accept any host.')
  }
  const [version, recordedVersion] = [apiVersionOf(requested.query), apiVersionOf(recorded.query)]
  if (config.apiVersion && version !== recordedVersion) {
    return differs(
      'api-version',
      version,
      recordedVersion,
      'Set MATCH_API_VERSION=off to accept any version.',
    )
  }
  for (const name of config.headers) {
    const [value = '', recordedValue = ''] = [requested.header(name), recorded.header(name)]
    if (value === recordedValue) continue
    return differs(
      `header ${name}`,
      value,
      recordedValue,
      `Take ${name} out of MATCH_HEADERS to accept any value.`,
    )
  }
  const difference = bodyDifference(requested, recorded, keys)
  if (difference || requested.contentType === recorded.contentType) return difference
  if (keys.keyOf(requested) === keys.keyOf(recorded)) return undefined
  // The bytes are equal, but only one of the content types is that of a form.
  const advice = 'Send it with the content type of the recording, or correct that of the recording.'
  return differs('header content-type', requested.contentType ?? '', recorded.contentType ?? '', advice)
}

function bodyDifference(
  requested: MatchRequest,
  recorded: MatchRequest,
  keys: MatchKeys,
): RequestDifference | undefined {
  const [left, right] = [keys.comparedBody(requested), keys.comparedBody(recorded)]
  if (left.kind === 'json' && right.kind === 'json') return fieldDifference(left.value, right.value)
  if (left.kind === 'json' || right.kind === 'json') {
    const [shown, shownRecorded] = [formatBytes(requested.body), formatBytes(recorded.body)]
    const advice = 'Send the recorded body.'
    return onlyDifference({ at: 'body', requested: shown, recorded: shownRecorded }, advice)
  }
  const offset = firstDifference(left.bytes, right.bytes)
  if (offset === undefined) return undefined
  const field = left.kind === 'form' ? formFieldAt(left.bytes, offset) : undefined
  return onlyDifference(
    {
      at: field === undefined ? 'body' : `form field ${field}`,
      requested: formatBytes(left.bytes, offset),
      recorded: formatBytes(right.bytes, offset),
    },
    field === undefined ? 'Send the recorded body.' : `Send ${field} as recorded.`,
  )
}

/** A difference after which nothing else is compared. */
function onlyDifference(difference: FieldDifference, advice: string): RequestDifference {
  return { ...difference, all: [difference], count: MAX_COUNTED_DIFFERENCES, advice }
}

function fieldDifference(requested: unknown, recorded: unknown): RequestDifference | undefined {
  const all: FieldDifference[] = []
  let advice = ''
  let count = 0
  for (const { path, left, right } of jsonDifferences(requested, recorded)) {
    count++
    const at = shortText(path)
    if (count === 1) advice = at === '' ? 'Send the recorded body.' : fieldAdvice(at, right === undefined)
    if (count <= MAX_SHOWN_DIFFERENCES)
      all.push({
        at: at || 'body',
        requested: formatValue(left, right),
        recorded: formatValue(right, left),
      })
    if (count === MAX_COUNTED_DIFFERENCES) break
  }
  const [first] = all
  return first && { ...first, all, count, advice }
}

/** Parts of prompts in all APIs, at any depth. They must not be ignored, because requests with other prompts would match then. */
const promptField =
  /(^|\.)(messages|input|prompt|instructions|contents?|query|system|parts|suffix|items|arguments|output|documents|tools|functions)(\.|$)/

function fieldAdvice(at: string, isAdded: boolean): string {
  const field = at.replace(/\[\d+\]/g, '')
  const send = isAdded ? `Send it without ${at}` : `Send ${at} as recorded`
  if (promptField.test(field)) return `${send}.`
  return `${send}, or set MATCH_IGNORE_FIELDS=${field} to leave it out of matching.`
}

/** Tests whether recordings match with a configuration. */
function matchTest(
  request: MatchRequest,
  config: MatchConfig,
  redactor: Redactor,
): (recorded: MatchRequest) => boolean {
  const requested = redactedRequest(request, redactor)
  const keys = createMatchKeys(config)
  const key = keys.keyOf(requested)
  const conversation = keys.conversationOf?.(requested)
  return (recorded) => {
    if (keys.keyOf(recorded) === key) return true
    const other = conversation && keys.conversationOf?.(recorded)
    if (!other || other.key !== conversation.key) return false
    return addedMessages(conversation, other) !== undefined
  }
}

/** The fewest settings with which a recording matches that `matchTest` accepts, as a sentence. */
function settingAdvice(
  request: MatchRequest,
  recorded: MatchRequest,
  config: MatchConfig,
  redactor: Redactor,
): string {
  const isMatch = (
    normalize: readonly NormalizerName[],
    conversation: MatchConfig['conversation'],
  ): boolean => matchTest(request, { ...config, normalize, conversation }, redactor)(recorded)
  let names: readonly NormalizerName[] = normalizerNames
  for (const name of normalizerNames) {
    const fewer = names.filter((other) => other !== name)
    if (!config.normalize.includes(name) && isMatch(fewer, 'prefix')) names = fewer
  }
  const settings = [
    ...(names.length > config.normalize.length ? [`MATCH_NORMALIZE=${names.join(',')}`] : []),
    ...(isMatch(names, config.conversation) ? [] : ['MATCH_CONVERSATION=prefix']),
  ]
  return `Set ${settings.join(' and ')}, because the requests are equal otherwise.`
}

/** The request as it would be recorded; as it is if the patterns of RECORDING_REDACT take too long. */
function redactedRequest(request: MatchRequest, redactor: Redactor): MatchRequest {
  try {
    return redactor.live(request)
  } catch {
    return request
  }
}

/** Offset of the first byte that differs; undefined if the bytes are equal. */
function firstDifference(left: Buffer, right: Buffer): number | undefined {
  if (left.equals(right)) return undefined
  const length = Math.min(left.length, right.length)
  for (let offset = 0; offset < length; offset++) if (left[offset] !== right[offset]) return offset
  return length
}

/** The name of the field of a form at an offset; undefined before the first field. */
function formFieldAt(form: Buffer, offset: number): string | undefined {
  const label = 'form-data; name="'
  const start = form.lastIndexOf(label, offset)
  if (start < 0) return undefined
  const name = form.toString('utf8', start + label.length, start + label.length + 100)
  return /^[^"\r\n]{1,60}/.exec(name)?.[0]
}

/** Number of bytes that a message shows before the first difference, and in all. */
const BYTES_BEFORE_DIFFERENCE = 20
const MAX_SHOWN_BYTES = 60

function formatBytes(bytes: Buffer, difference = 0): string {
  if (bytes.length === 0) return 'nothing'
  const start = Math.max(0, difference - BYTES_BEFORE_DIFFERENCE)
  const text = bytes.toString('utf8', start, start + MAX_SHOWN_BYTES)
  return /^[\x20-\x7e\s]*$/.test(text)
    ? `${JSON.stringify(`${start > 0 ? '...' : ''}${text}`)} (${bytes.length} bytes)`
    : `${bytes.length} bytes`
}
