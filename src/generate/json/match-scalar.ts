import { numberOf, type SchemaObject } from './json-schema.ts'
import { matchesFormat } from './match-format.ts'
import { matchesPattern } from './match-pattern.ts'
import type { SchemaMatcher } from './match-schema.ts'

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
