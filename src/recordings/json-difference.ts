import { isRecord } from '../lib/record.ts'

/** A difference of two JSON values. A missing value is undefined. */
export interface JsonDifference {
  /** The path: `messages[0].content`; empty for the complete value. */
  readonly path: string
  readonly left: unknown
  readonly right: unknown
}

/** Values that are nested deeper are compared as one value. */
const MAX_DEPTH = 100

/** Finds the differences of two JSON values, in the order of the keys of `left`. Key order is ignored. */
export function* jsonDifferences(
  left: unknown,
  right: unknown,
  path = '',
  depth = 0,
): Generator<JsonDifference> {
  if (Object.is(left, right)) return
  if (depth < MAX_DEPTH && Array.isArray(left) && Array.isArray(right)) {
    for (let index = 0; index < Math.max(left.length, right.length); index++) {
      yield* jsonDifferences(left[index], right[index], `${path}[${index}]`, depth + 1)
    }
    return
  }
  if (depth < MAX_DEPTH && isRecord(left) && isRecord(right)) {
    for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
      yield* jsonDifferences(left[name], right[name], path === '' ? name : `${path}.${name}`, depth + 1)
    }
    return
  }
  if (depth >= MAX_DEPTH && JSON.stringify(left) === JSON.stringify(right)) return
  yield { path, left, right }
}

/** Formats a value for a message. Cuts a long text to the part around its first difference from `other`. */
export function formatValue(value: unknown, other: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value !== 'string') return cut(JSON.stringify(value), 0)
  if (typeof other !== 'string') return cut(JSON.stringify(value), 0)
  let equalLength = 0
  while (equalLength < value.length && value[equalLength] === other[equalLength]) equalLength++
  return cut(JSON.stringify(value), equalLength)
}

/** Maximum length of a value in a message, in characters. */
const MAX_SHOWN_LENGTH = 100

function cut(text: string, center: number): string {
  if (text.length <= MAX_SHOWN_LENGTH) return text
  const start = Math.max(0, Math.min(center - 20, text.length - MAX_SHOWN_LENGTH))
  const end = start + MAX_SHOWN_LENGTH
  return `${start > 0 ? '...' : ''}${text.slice(start, end)}${end < text.length ? '...' : ''}`
}
