import { plainFault, type Rule, type Check } from './fault.ts'
import {
  arrayOf,
  mapOf,
  textOrArray,
  boolean,
  decimalBetween,
  integerBetween,
  text,
  objectOf,
  optional,
} from './checks.ts'

/** `temperature`. */
export const temperature = decimalBetween(0, 2)

/** `top_p`. */
export const topP = decimalBetween(0, 1)

/** `presence_penalty` and `frequency_penalty`. */
export const penalty = decimalBetween(-2, 2)

/** `max_tokens`, `max_completion_tokens` and similar fields. */
export const tokenLimit = integerBetween(1, Infinity)

/** `stop`: one string, or up to four. */
export const stop = textOrArray(
  'one of a string or array of strings',
  text(),
  arrayOf(text(), { expected: 'an array of strings', max: 4 }),
)

/** `logit_bias`: bias by token. */
export const logitBias = mapOf(decimalBetween(-100, 100), { expected: 'an object' })

/** `stream_options`. */
export const streamOptions = objectOf([
  optional('include_usage', boolean),
  optional('include_obfuscation', boolean),
])

/** Rejects `stream_options` without `stream`. */
export const streamOptionsNeedStream: Rule = (body) => {
  if (body['stream_options'] === undefined || body['stream_options'] === null || body['stream'] === true) {
    return undefined
  }
  return plainFault(
    'stream_options',
    "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
  )
}

const token = integerBetween(0, Infinity)
const tokens = arrayOf(token, { expected: 'an array of integers', min: 1 })

/** Accepts a string, strings, token ids or arrays of token ids, depending on the first item. `item` checks each string. */
export function textOrTokens(maxItems: number, item: Check = text()): Check {
  const texts = arrayOf(item, { expected: 'an array of strings', min: 1, max: maxItems })
  const lists = arrayOf(tokens, { expected: 'an array of arrays', min: 1, max: maxItems })
  const array: Check = (value) => {
    const first = (value as unknown[])[0]
    if (typeof first === 'number') return tokens(value)
    return Array.isArray(first) ? lists(value) : texts(value)
  }
  return textOrArray('one of a string, array of strings, array of integers, or array of arrays', item, array)
}
