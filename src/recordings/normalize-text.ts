import type { NormalizerName } from '../config/recording-settings.ts'

/**
 * Replaces volatile parts of texts by placeholders. All patterns take linear time: quantifiers are bounded, or start only at a word
 * boundary.
 */

const month =
  '(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)'
const dayName = '(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?'
/** Before and after a date. */
const weekday = `(?:${dayName},? )`
const weekdayAfter = `(?:,? ${dayName}\\b| \\(${dayName}\\))?`
const dayOfMonth = '\\d{1,2}(?:st|nd|rd|th)?'
const clockTime = '[0-2]?\\d:[0-5]\\d(?::[0-5]\\d(?:[.,]\\d{1,9})?)?(?:[ \\u202f]?[AaPp][Mm])?'
const zone = '(?:Z| ?(?:UTC|GMT|[A-Z]{2,4}T)(?:[+-]\\d\\d:?\\d\\d)?| ?[+-]\\d\\d:?\\d\\d|[+-]\\d\\d(?!\\d))?'
/** Between a date and a time. */
const link = '(?:,? at |, | |T|_)'

/** Dates with times, dates, and times with seconds. A model name with a date (`gpt-4o-2024-08-06`) is no date. */
const timestampPattern = new RegExp(
  [
    `(?:\\b${weekday}|(?<!\\d))(?:19|20)\\d\\d([-/])[01]\\d\\1[0-3]\\d${link}${clockTime}${zone}${weekdayAfter}`,
    `(?<!\\d)(?:19|20)\\d\\d-[01]\\d-[0-3]\\d[T_-][0-2]\\d-[0-5]\\d-[0-5]\\d(?:Z|(?!\\d))`,
    `(?<!\\d)(?:19|20)\\d\\d[01]\\d[0-3]\\d[T_-][0-2]\\d[0-5]\\d[0-5]\\d(?:Z|(?!\\d))`,
    `(?:\\b${weekday}|(?<![\\w.-]))(?:19|20)\\d\\d([-/])[01]\\d\\2[0-3]\\d(?![\\w-])${weekdayAfter}`,
    `(?<![\\w.-])\\d{1,2}([./])\\d{1,2}\\3(?:19|20)\\d\\d(?!\\d)(?:${link}${clockTime}${zone})?`,
    `\\b${weekday}?${month}\\.? ${dayOfMonth}(?:,? (?:19|20)\\d\\d(?!\\d)(?:${link}${clockTime}${zone})?|${link}${clockTime}${zone}(?: (?:19|20)\\d\\d)?)`,
    `\\b${weekday}?${dayOfMonth}[ -]${month}\\.?,?[ -](?:19|20)\\d\\d(?!\\d)(?:${link}${clockTime}${zone})?`,
    `(?<![\\w:.])[0-2]?\\d:[0-5]\\d:[0-5]\\d(?:[.,]\\d{1,9})?(?:[ \\u202f]?[AaPp][Mm])?(?!\\w|:\\d)`,
    // Unix time from 2020 to 2033, in seconds, milliseconds, microseconds or nanoseconds.
    `(?<![0-9A-Za-z.+])1[6-9]\\d{8}(?:\\.\\d{1,9}|\\d{3}(?:\\.\\d{1,6})?|\\d{6}|\\d{9})?(?![0-9A-Za-z]|\\.\\d)`,
  ].join('|'),
  'g',
)

/** Limits of Unix time from 2020 to 2033, in seconds. */
const MIN_UNIX_TIME = 1.6e9
const MAX_UNIX_TIME = 2e9

/** Whether a number is a Unix time in seconds, milliseconds, microseconds or nanoseconds. */
export function isUnixTime(value: number): boolean {
  for (const unit of [1, 1e3, 1e6, 1e9]) {
    if (value >= MIN_UNIX_TIME * unit && value < MAX_UNIX_TIME * unit) return true
  }
  return false
}

/** Prefixes of ids that a model or the API generates for calls, messages and responses. */
const answerPrefix =
  '(?:call|chatcmpl|cmpl|resp|msg|fc|fco|ctc|cu|rs|ws|fs|ci|ig|lsc|mcp|mcpl|mcpr|toolu|srvtoolu)'
/** Prefixes that are also words. Their short ids can have a meaning: `item_12345678`. */
const wordPrefix =
  '(?:asst|thread|run|step|req|conv|cntr|batch|ftjob|sess|session|event|evt|item|trace|span|task)'

const idPattern = new RegExp(
  [
    // UUID
    '(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])',
    // With a digit: `call_me` and `task_sendConfirmationMail` are names.
    `(?<![0-9A-Za-z])(?:${answerPrefix}[_-]+(?=[A-Za-z]*\\d)[A-Za-z0-9]{8,}|${wordPrefix}[_-]+(?=[A-Za-z]*\\d)[A-Za-z0-9]{16,})(?![A-Za-z0-9])`,
    // Ids with any other prefix
    '(?<![0-9A-Za-z_-])[a-z]{2,12}[_-](?=[A-Za-z]{0,40}\\d)[A-Za-z0-9]{20,64}(?![0-9A-Za-z_-])',
    // UUID without hyphens, trace id, ObjectId
    '(?<![0-9A-Za-z])(?:[0-9a-f]{32}|[0-9a-f]{24})(?![0-9A-Za-z])',
    // ULID
    '(?<![0-9A-Za-z])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Za-z])',
  ].join('|'),
  'g',
)

/** Boundaries as curl, browsers, Node.js, Python and mail programs generate them, and lines that consist of one. */
const boundaryPattern = new RegExp(
  [
    '(?<!-)-{2,30}WebKitFormBoundary[A-Za-z0-9]{16}',
    '(?<!-)-{20,30}[0-9A-Za-z]{10,32}',
    '(?<!=)={10,20}\\d{8,20}=={0,2}',
    '(?<!-)-{2,8}=_(?:Part|NextPart)_[\\w.]{4,60}',
    "(?<=^|\\n)--(?=[^\\r\\n]{0,70}\\d)[\\w'+./:=?-]{16,70}(?=\\r?\\n|$)",
  ].join('|'),
  'g',
)
const boundaryParameter = /\bboundary=(?:"([^"\r\n]{6,70})"|([^\s";,]{6,70}))/gi

/** Number of boundary parameters of one text that are replaced everywhere in it. */
const MAX_BOUNDARIES = 4

const localUrlPattern =
  /(?<![\w.-])(?:(?:https?|wss?):\/\/(?:localhost|host\.docker\.internal|0\.0\.0\.0|127(?:\.\d{1,3}){3}|10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}|\[::1?\])(?::\d{1,5})?|(?:localhost|host\.docker\.internal|0\.0\.0\.0|127(?:\.\d{1,3}){3}|\[::1?\]):\d{1,5})(?!\w|\.\w)/gi

/** Returns the label of an id: the same for equal ids of a request. */
export type LabelId = (id: string) => string

/** Placeholder of a time. All times have the same one: which of them are equal depends on the second in which they were taken. */
export const timePlaceholder = '<time>'

/** Replaces the volatile parts of a text. */
export function normalizeText(text: string, names: ReadonlySet<NormalizerName>, labelId: LabelId): string {
  let result = text
  // Most texts have neither, and a search for a fixed text is much faster than a pattern.
  if (names.has('boundaries') && /--|==|boundary=/i.test(result)) result = withoutBoundaries(result)
  if (names.has('local-urls') && /:\d|:\/\//.test(result))
    result = result.replace(localUrlPattern, '<local-url>')
  if (names.has('ids')) result = result.replace(idPattern, labelId)
  if (names.has('timestamps') && /\d\d/.test(result))
    result = result.replace(timestampPattern, timePlaceholder)
  return result
}

function withoutBoundaries(text: string): string {
  let result = text
  let count = 0
  for (const [, quoted, plain] of text.matchAll(boundaryParameter)) {
    if (count++ === MAX_BOUNDARIES) break
    result = result.replaceAll(quoted ?? plain ?? '', '<boundary>')
  }
  return result.replace(boundaryPattern, '<boundary>')
}
