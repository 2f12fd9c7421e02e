import type { Random } from '../lib/random.ts'
import { drawJson } from './json/draw-json.ts'
import { drawLorem } from './lorem.ts'
import type { TextFormat } from './completion-task.ts'

/** Members of an object that no schema describes. */
const MIN_MEMBERS = 2
const MAX_MEMBERS = 5

/** Longest text among them, in tokens. */
const MAX_TEXT_LENGTH = 8

/** How JSON is written: without any space, or with one after each comma and colon. */
export type JsonSpacing = 'compact' | 'spaced'

/** The forms of an answer that are JSON. */
export type JsonFormat = Exclude<TextFormat, { kind: 'text' }>

/** Draws an answer in JSON: a value that fits the schema, or else an object of some kind. */
export function drawJsonAnswer(format: JsonFormat, random: Random): string {
  return writeJson(format.kind === 'json-schema' ? drawJson(format.schema, random) : drawObject(random))
}

/**
 * Writes a value as a model does, in ASCII: what lies beyond is escaped, so that every token is whole text. `spaced` is
 * what the service's models write into calls that they make side by side.
 */
export function writeJson(value: unknown, spacing: JsonSpacing = 'compact'): string {
  const text = spacing === 'spaced' ? spacedJson(value) : JSON.stringify(value)
  return text.replace(/[\u0080-\uffff]/g, escapeUnit)
}

function drawObject(random: Random): object {
  const members = new Map<string, unknown>()
  const count = MIN_MEMBERS + random.below(MAX_MEMBERS - MIN_MEMBERS + 1)
  while (members.size < count) members.set(drawKey(random), drawMember(random))
  return Object.fromEntries(members)
}

/** The first word of a text is a capitalised one without punctuation. */
function drawKey(random: Random): string {
  return drawLorem(random, 1).text.toLowerCase()
}

function drawMember(random: Random): string | number | boolean {
  switch (random.below(4)) {
    case 0:
      return random.below(1_000)
    case 1:
      return random.below(2) === 1
    default:
      return drawLorem(random, 1 + random.below(MAX_TEXT_LENGTH)).text
  }
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}: ${spacedJson(member)}`,
  )
  return `{${members.join(', ')}}`
}
