import { isRecord } from '../lib/record.ts'

/** A place where two JSON values differ. What is absent is undefined. */
export interface JsonDifference {
  /** As in JavaScript: `messages[0].content`; empty for the whole. */
  readonly at: string
  readonly left: unknown
  readonly right: unknown
}

/** Values that are nested deeper are compared as a whole. */
const MAX_DEPTH = 100

/** Finds where two JSON values differ, in the order of the left one's keys; key order does not count. */
export function* jsonDifferences(
  left: unknown,
  right: unknown,
  at = '',
  depth = 0,
): Generator<JsonDifference> {
  if (Object.is(left, right)) return
  if (depth < MAX_DEPTH && Array.isArray(left) && Array.isArray(right)) {
    for (let index = 0; index < Math.max(left.length, right.length); index++) {
      yield* jsonDifferences(left[index], right[index], `${at}[${index}]`, depth + 1)
    }
    return
  }
  if (depth < MAX_DEPTH && isRecord(left) && isRecord(right)) {
    for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
      yield* jsonDifferences(left[name], right[name], at === '' ? name : `${at}.${name}`, depth + 1)
    }
    return
  }
  if (depth >= MAX_DEPTH && JSON.stringify(left) === JSON.stringify(right)) return
  yield { at, left, right }
}

/** Shows a value in a message, cut where it is long: a long text around the first place where it differs from `other`. */
export function showDifference(value: unknown, other: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value !== 'string') return cut(JSON.stringify(value), 0)
  if (typeof other !== 'string') return cut(JSON.stringify(value), 0)
  let same = 0
  while (same < value.length && value[same] === other[same]) same++
  return cut(JSON.stringify(value), same)
}

/** So much of a value is shown in a message, in characters. */
const MAX_SHOWN_LENGTH = 100

function cut(text: string, place: number): string {
  if (text.length <= MAX_SHOWN_LENGTH) return text
  const start = Math.max(0, Math.min(place - 20, text.length - MAX_SHOWN_LENGTH))
  const end = start + MAX_SHOWN_LENGTH
  return `${start > 0 ? '...' : ''}${text.slice(start, end)}${end < text.length ? '...' : ''}`
}

