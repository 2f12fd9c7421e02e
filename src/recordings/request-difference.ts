import { shortText } from '../lib/error-text.ts'
import type { MatchConfig } from '../config/recordings-config.ts'
import { jsonDifferences, showDifference } from './json-difference.ts'
import { apiVersionOf, type MatchKeys } from './match-key.ts'
import type { MatchRequest } from './match-request.ts'

/** The first thing in which a request differs from a recorded one, and how far apart the two are. */
export interface RequestDifference {
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
const mostCounted = 200

/** Compares a request with a recorded one by the rules of matching; undefined when they are equal. */
export function requestDifference(
  requested: MatchRequest,
  recorded: MatchRequest,
  keys: MatchKeys,
  config: MatchConfig,
): RequestDifference | undefined {
  const plain = (at: string, left: string, right: string, advice: string): RequestDifference => ({
    at,
    requested: shortText(left, MAX_PATH_CHARACTERS) || 'nothing',
    recorded: shortText(right, MAX_PATH_CHARACTERS) || 'nothing',
    count: mostCounted,
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
      count: mostCounted,
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
    if (count === mostCounted) break
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
