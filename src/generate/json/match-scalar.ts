import { numberOf, type SchemaObject } from './json-schema.ts'
import { matchesPattern } from './match-pattern.ts'
import type { SchemaMatcher } from './match-schema.ts'

const date = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/
const time = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/i
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const hostname = new RegExp(`^${label}(?:\\.${label})*$`, 'i')
const emailName = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i
const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)
const uuid = /^(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const duration = /^P(?=.)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)$/

const isDateTime = (text: string): boolean =>
  /^.{10}[T ]/i.test(text) && date.test(text.slice(0, 10)) && time.test(text.slice(11))

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@')
  const host = text.slice(at + 1)
  return at > 0 && at <= 64 && host.includes('.') && hostname.test(host) && emailName.test(text.slice(0, at))
}

function isIpv6(text: string): boolean {
  const halves = text.split('::')
  const groups = text.split(':').filter((group) => group !== '')
  if (text.length > 39 || halves.length > 2 || !groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) {
    return false
  }
  return halves.length === 2 ? groups.length < 8 : groups.length === 8 && /^[^:].*[^:]$/.test(text)
}

const checks: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['date', (text: string) => date.test(text)],
  ['time', (text) => time.test(text)],
  ['date-time', isDateTime],
  ['duration', (text) => duration.test(text)],
  ['email', isEmail],
  ['hostname', (text) => text.length <= 253 && hostname.test(text)],
  ['ipv4', (text) => ipv4.test(text)],
  ['ipv6', isIpv6],
  ['uuid', (text) => uuid.test(text)],
  ['uri', (text) => /^[a-z][a-z0-9+.-]*:[^\s"<>\\^`{|}]+$/i.test(text)],
  ['uri-reference', (text) => /^[^\s"<>\\^`{|}]*$/.test(text)],
])

/**
 * Whether a text has a `format`; true for formats that are not known. Close to what validators assert, so that `oneOf`
 * and `not` can tell formats apart; each expression runs in linear time.
 */
function matchesFormat(format: unknown, text: string): boolean {
  return typeof format !== 'string' || (checks.get(format)?.(text) ?? true)
}

/** The keywords of strings. Length counts code points. */
export function matchesString(
  { document, budget }: Pick<SchemaMatcher, 'document' | 'budget'>,
  schema: SchemaObject,
  text: string,
): boolean {
  budget.spend(text.length >> 6)
  const least = numberOf(schema, 'minLength')
  const most = numberOf(schema, 'maxLength')
  if (least !== undefined || most !== undefined) {
    const length = Array.from(text).length
    if (length < (least ?? 0) || length > (most ?? Infinity)) return false
  }
  if (!matchesFormat(schema['format'], text)) return false
  const pattern = document.pattern(schema['pattern'], budget)
  return !pattern || matchesPattern(pattern, text, budget)
}

/** The keywords of numbers, draft 4's `exclusiveMinimum: true` among them. */
export function matchesNumber(schema: SchemaObject, value: number): boolean {
  const { low, high, lowOpen, highOpen } = boundsOf([schema])
  if (value < low || value > high || (lowOpen && value === low) || (highOpen && value === high)) return false
  const step = numberOf(schema, 'multipleOf')
  return step === undefined || step <= 0 || isMultiple(value, step)
}

/** Whether a number is a multiple as validators see it: the quotient of the two floats is an integer. */
export function isMultiple(value: number, step: number): boolean {
  return Number.isInteger(value / step)
}

/** Where numbers may lie. Infinite where there is no bound; an open bound is itself not allowed. */
export interface NumberBounds {
  readonly low: number
  readonly high: number
  readonly lowOpen: boolean
  readonly highOpen: boolean
}

/** The bounds that several schemas set together. */
export function boundsOf(schemas: readonly SchemaObject[]): NumberBounds {
  let [low, high, lowOpen, highOpen] = [-Infinity, Infinity, false, false]
  const raise = (bound: number | undefined, open: boolean): void => {
    if (bound === undefined || bound < low) return
    lowOpen = open || (lowOpen && bound === low)
    low = bound
  }
  const lower = (bound: number | undefined, open: boolean): void => {
    if (bound === undefined || bound > high) return
    highOpen = open || (highOpen && bound === high)
    high = bound
  }
  for (const schema of schemas) {
    raise(numberOf(schema, 'minimum'), schema['exclusiveMinimum'] === true)
    raise(numberOf(schema, 'exclusiveMinimum'), true)
    lower(numberOf(schema, 'maximum'), schema['exclusiveMaximum'] === true)
    lower(numberOf(schema, 'exclusiveMaximum'), true)
  }
  return { low, high, lowOpen, highOpen }
}
