import { isRecord } from '../lib/record.ts'
import type { AnswerEvent } from '../answer/answer-events.ts'

/** A JSON object of which nothing is known. */
export type Members = Readonly<Record<string, unknown>>

/** Deeper than any answer of a service: parts of it are passed on, and a deep value would overflow the stack of `JSON.stringify`. */
const MAX_NESTED = 100

/** Reads a JSON object; a text says what is wrong with it. */
export function parseObject(json: string): Members | string {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return 'is not valid JSON'
  }
  if (!isRecord(value)) return 'is no JSON object'
  return isNestedWithin(value, MAX_NESTED) ? value : 'is nested too deeply'
}

function isNestedWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  return Object.values(value).every((member) => isNestedWithin(member, levels - 1))
}

/** The entries of a list; none of what is no list. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** More choices, calls or items than any service gives: a number beyond would make a list of that length. */
const MAX_NUMBERED = 1_024

/** The number of a choice, a call or an item; undefined for what is none. */
export function numbered(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_NUMBERED
    ? (value as number)
    : undefined
}

/** A text, or the texts of a list of parts; undefined where there is neither. */
export function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  return content
    .filter(isRecord)
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('')
}

/** An answer that cannot be read, or is not whole. */
export function failure(message: string): AnswerEvent {
  return { kind: 'error', error: { code: 'invalid_answer', message, type: 'server_error' } }
}

/** An error as services report it: a member `error`, an object or a text, or an event of that name; undefined for none. */
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
