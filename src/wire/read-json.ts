import { isRecord } from '../lib/record.ts'
import type { AnswerEvent } from '../answer/answer-events.ts'

/** A JSON object of unknown shape. */
export type Members = Readonly<Record<string, unknown>>

/** Answers of services are less deep. `JSON.stringify` of a deeper value could overflow the stack. */
const MAX_DEPTH = 100

/** Parses a JSON object. Returns a string that describes the problem if it is invalid. */
export function parseObject(json: string): Members | string {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return 'is not valid JSON'
  }
  if (!isRecord(value)) return 'is no JSON object'
  return hasFewBrackets(json) || isNestedWithin(value, MAX_DEPTH) ? value : 'is nested too deeply'
}

/** Whether a text has fewer opening brackets than the maximum depth, as events of streams have. Faster than visiting all values. */
function hasFewBrackets(json: string): boolean {
  let brackets = 0
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if ((code === OPENING_BRACE || code === OPENING_BRACKET) && ++brackets > MAX_DEPTH) return false
  }
  return true
}

const OPENING_BRACE = 0x7b
const OPENING_BRACKET = 0x5b

function isNestedWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  return Object.values(value).every((member) => isNestedWithin(member, levels - 1))
}

/** Returns the array, or an empty one if the value is not an array. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** No service returns as many choices, calls or items. A larger index would create an array of that length. */
const MAX_INDEX_COUNT = 1_024

/** Returns the index of a choice, a call or an item, or undefined if it is not valid. */
export function parseIndex(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_INDEX_COUNT
    ? (value as number)
    : undefined
}

/** Returns the text of a string or of an array of content parts, else undefined. */
export function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  return content
    .filter(isRecord)
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('')
}

/** Creates the event for an answer that is invalid or incomplete. */
export function invalidAnswer(message: string): AnswerEvent {
  return { kind: 'error', error: { code: 'invalid_answer', message, type: 'server_error' } }
}

/** Reads the error of a service: the value of `error`, an object or a string, or an `error` event. Undefined if it is neither. */
export function errorOf(error: unknown): AnswerEvent | undefined {
  if (typeof error === 'string' && error !== '') {
    return { kind: 'error', error: { code: null, message: error } }
  }
  if (!isRecord(error)) return undefined
  const { code, message, type, param } = error
  return {
    kind: 'error',
    error: {
      code: typeof code === 'string' ? code : typeof code === 'number' ? String(code) : null,
      message: typeof message === 'string' ? message : 'The service reported an error without a message.',
      ...(typeof type === 'string' && { type }),
      ...(typeof param === 'string' && { param }),
    },
  }
}
