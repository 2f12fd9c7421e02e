import {
  faultHere,
  plainFault,
  quotedList,
  under,
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

/** Efforts by the start of a model's name, first match; from Azure's documentation of reasoning models. */
const effortsByName: readonly (readonly [start: string, efforts: readonly string[]])[] = [
  ['o', ['low', 'medium', 'high']],
  ['codex-mini', ['low', 'medium', 'high']],
  ['gpt-oss', ['low', 'medium', 'high']],
  ['gpt-5.1', ['none', 'low', 'medium', 'high']],
  ['gpt-5.', ['none', 'low', 'medium', 'high', 'xhigh']],
  ['gpt-5', ['minimal', 'low', 'medium', 'high']],
]
const newestEfforts = ['none', 'low', 'medium', 'high', 'xhigh']

/** Refuses a `reasoning_effort` that the model does not offer, and any where the model does not reason. */
export const effortIsOffered: Rule = ({ reasoning_effort: effort }, model) => {
  if (effort === undefined || effort === null) return undefined
  if (!model.reasoning) return plainFault(null, 'Unrecognized request argument supplied: reasoning_effort')
  const offered = effortsByName.find(([start]) => model.name.startsWith(start))?.[1] ?? newestEfforts
  if (typeof effort !== 'string') {
    return under('.reasoning_effort', wrongType(`one of ${quotedList(offered, 'or')}`, effort))
  }
  if (offered.includes(effort)) return undefined
  const list = quotedList(offered, 'and')
  return under(
    '.reasoning_effort',
    faultHere(
      'unsupported_value',
      (path) =>
        `Unsupported value: '${path}' does not support '${effort}' with this model. Supported values are: ${list}.`,
    ),
  )
}

/** What a model takes while it reasons, in the order of refusal: the default and nothing else. */
const refusedWhileReasoning: readonly (readonly [name: string, onlyValue: unknown])[] = [
  ['temperature', 1],
  ['top_p', 1],
  ['presence_penalty', 0],
  ['frequency_penalty', 0],
  ['logprobs', false],
  ['top_logprobs', 0],
]

/** Refuses sampling parameters while the model reasons; with effort `none` it takes them. Defaults always pass. */
export const samplingIsOff: Rule = (body, model) => {
  if (!model.reasoning || body['reasoning_effort'] === 'none') return undefined
  for (const [name, onlyValue] of refusedWhileReasoning) {
    const value = body[name]
    if (value !== undefined && value !== null && value !== onlyValue) return refused(name, value)
  }
  return undefined
}

function refused(name: string, value: unknown): Fault {
  const fault =
    name === 'temperature'
      ? faultHere(
          'unsupported_value',
          (path) =>
            `Unsupported value: '${path}' does not support ${String(value)} with this model. Only the default (1) value is supported.`,
        )
      : faultHere(
          'unsupported_parameter',
          (path) => `Unsupported parameter: '${path}' is not supported with this model.`,
        )
  return under(`.${name}`, fault)
}

/** `n` of models before reasoning; the newer ones take 8 at most (measured on gpt-5.6). */
export const MAX_CHOICES_OLDER = 128

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
