import { arrayOf, textOrArray } from './collections.ts'
import type { Check } from './fault.ts'
import { integerBetween, text } from './scalars.ts'

const token = integerBetween(0, Infinity)
const tokens = arrayOf(token, { expected: 'an array of integers', min: 1 })

/** Accepts a text, texts, a list of tokens or lists of tokens; the first item tells which. `item` checks each text. */
export function textOrTokens(maxItems: number, item: Check = text()): Check {
  const texts = arrayOf(item, { expected: 'an array of strings', min: 1, max: maxItems })
  const lists = arrayOf(tokens, { expected: 'an array of arrays', min: 1, max: maxItems })
  const array: Check = (value) => {
    const head = (value as unknown[])[0]
    if (typeof head === 'number') return tokens(value)
    return Array.isArray(head) ? lists(value) : texts(value)
  }
  return textOrArray('one of a string, array of strings, array of integers, or array of arrays', item, array)
}
