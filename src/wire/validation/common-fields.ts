import {
  createFault,
  plainFault,
  quotedList,
  prefixPath,
  wrongType,
  type Fault,
  type Rule,
  type Check,
} from './fault.ts'
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

/** Rejects a `reasoning_effort` that the model does not support. */
export const effortIsSupported: Rule = ({ reasoning_effort: effort }, { capabilities }) => {
  if (effort === undefined || effort === null) return undefined
  const { efforts } = capabilities
  if (typeof effort !== 'string') {
    return prefixPath('.reasoning_effort', wrongType(`one of ${quotedList(efforts, 'or')}`, effort))
  }
  if (efforts.includes(effort)) return undefined
  const list = quotedList(efforts, 'and')
  return prefixPath(
    '.reasoning_effort',
    createFault(
      'unsupported_value',
      (path) =>
        `Unsupported value: '${path}' does not support '${effort}' with this model. Supported values are: ${list}.`,
    ),
  )
}

/** Defaults of parameters that accept no other value while the model reasons, in the order in which others are rejected. */
const onlyValues: readonly (readonly [name: string, onlyValue: unknown])[] = [
  ['temperature', 1],
  ['top_p', 1],
  ['presence_penalty', 0],
  ['frequency_penalty', 0],
  ['logprobs', false],
  ['top_logprobs', 0],
]

/**
 * Rejects sampling parameters of models that reason, except with effort `none`, which is the default of some models. Default values
 * are always accepted.
 */
export const noSamplingWhileReasoning: Rule = (body, { reasoning, capabilities }) => {
  if (!reasoning || (body['reasoning_effort'] ?? capabilities.defaultEffort) === 'none') return undefined
  for (const [name, onlyValue] of onlyValues) {
    const value = body[name]
    if (value === undefined || value === null || value === onlyValue) continue
    if (capabilities.parameters[name] === 'default') return samplingFault(name, value)
  }
  return undefined
}

function samplingFault(name: string, value: unknown): Fault {
  const fault =
    name === 'temperature'
      ? createFault(
          'unsupported_value',
          (path) =>
            `Unsupported value: '${path}' does not support ${String(value)} with this model. Only the default (1) value is supported.`,
        )
      : createFault(
          'unsupported_parameter',
          (path) => `Unsupported parameter: '${path}' is not supported with this model.`,
        )
  return prefixPath(`.${name}`, fault)
}

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
