import { arrayOf, mapOf, textOrArray } from './collections.ts'
import { plainFault } from './fault.ts'
import { objectOf, optional } from './object-of.ts'
import { boolean, decimalBetween, integerBetween, text } from './scalars.ts'
import type { Rule } from './validate-body.ts'

/** `n` of models before reasoning; the newer ones take 8 at most (measured on gpt-5.6). */
export const maxChoicesOlder = 128

/** `temperature`. */
export const temperature = decimalBetween(0, 2)

/** `top_p`. */
export const topP = decimalBetween(0, 1)

/** `presence_penalty` and `frequency_penalty`. */
export const penalty = decimalBetween(-2, 2)

/** `max_tokens` and its kin: at least one. */
export const tokenLimit = integerBetween(1, Infinity)

/** `stop`: a text, or up to four. */
export const stop = textOrArray(
  'one of a string or array of strings',
  text(),
  arrayOf(text(), { expected: 'an array of strings', max: 4 }),
)

/** `logit_bias`: token to bias. */
export const logitBias = mapOf(decimalBetween(-100, 100), { expected: 'an object' })

/** `stream_options`. */
export const streamOptions = objectOf([
  optional('include_usage', boolean),
  optional('include_obfuscation', boolean),
])

/** Refuses `stream_options` of an answer that is not streamed. */
export const streamOptionsNeedStream: Rule = (body) => {
  if (body['stream_options'] === undefined || body['stream_options'] === null || body['stream'] === true) {
    return undefined
  }
  return plainFault(
    'stream_options',
    "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
  )
}
