import type { ConversionOptions, Converted, JsonMembers } from '../conversion.ts'
import { Conversion, convertRequest, isEmpty, types, type Parameter } from '../convert-parameters.ts'
import { readStreamOptions } from '../chat/convertible-members.ts'
import { isSet, missing, plainFault } from '../validation/fault.ts'
import { LOGPROBS } from '../validation/model-rules.ts'
import {
  responsesChoiceOf,
  responsesFunctionChoiceOf,
  responsesFunctionsOf,
  responsesToolsOf,
  textFormatOf,
} from './convert-tools.ts'
import { itemsOfMessages } from './messages-to-items.ts'

/** The parameters of chat completions, in the order in which they are converted. */
export const chatParameters: readonly Parameter[] = [
  {
    name: 'model',
    kind: 'converted',
    becomes: '`model`: the name at the upstream',
    convert: () => ({}),
  },
  { name: 'stream', kind: 'same', type: types.boolean },
  {
    name: 'stream_options',
    kind: 'converted',
    becomes:
      '`stream_options.include_obfuscation`. The Responses API always reports the usage (`include_usage`)',
    convert: (value, conversion, body) => {
      const { include_usage: _, ...converted } = readStreamOptions(value, conversion, body)
      return isEmpty(converted) ? {} : { stream_options: converted }
    },
  },
  {
    name: 'messages',
    kind: 'converted',
    becomes: '`input`',
    convert: (value, conversion) => ({ input: itemsOfMessages(value, conversion) }),
  },
  {
    name: 'tools',
    kind: 'converted',
    becomes: '`tools`. Functions without `strict` are not strict',
    convert: (value, conversion) => ({ tools: responsesToolsOf(value, conversion) }),
  },
  {
    name: 'functions',
    kind: 'converted',
    becomes: '`tools`, with `parallel_tool_calls: false`',
    convert: (value, conversion) => ({ tools: responsesFunctionsOf(value, conversion) }),
  },
  { name: 'tool_choice', kind: 'converted', becomes: '`tool_choice`', convert: responsesChoiceOf },
  {
    name: 'function_call',
    kind: 'converted',
    becomes: '`tool_choice`',
    convert: responsesFunctionChoiceOf,
  },
  { name: 'parallel_tool_calls', kind: 'same', type: types.boolean },
  {
    name: 'response_format',
    kind: 'converted',
    becomes: '`text.format`. A schema without `strict` is not strict',
    convert: textFormatOf,
  },
  {
    name: 'verbosity',
    kind: 'converted',
    becomes: '`text.verbosity`',
    convert: (verbosity, conversion) => {
      conversion.expect(verbosity, 'verbosity', types.text)
      return { text: { verbosity } }
    },
  },
  {
    name: 'reasoning_effort',
    kind: 'converted',
    becomes: '`reasoning.effort`',
    convert: (effort, conversion) => {
      conversion.expect(effort, 'reasoning_effort', types.text)
      return { reasoning: { effort } }
    },
  },
  {
    name: 'max_completion_tokens',
    kind: 'converted',
    becomes: '`max_output_tokens`',
    convert: outputLimit('max_completion_tokens'),
  },
  {
    name: 'max_tokens',
    kind: 'converted',
    becomes: '`max_output_tokens`, unless `max_completion_tokens` is set',
    convert: outputLimit('max_tokens'),
  },
  { name: 'temperature', kind: 'same', type: types.decimal },
  { name: 'top_p', kind: 'same', type: types.decimal },
  { name: 'presence_penalty', kind: 'same', type: types.decimal },
  { name: 'frequency_penalty', kind: 'same', type: types.decimal },
  {
    name: 'logprobs',
    kind: 'converted',
    becomes: '`include`: `message.output_text.logprobs`',
    convert: (value, conversion) => {
      conversion.expect(value, 'logprobs', types.boolean)
      return value === true ? { include: [LOGPROBS] } : {}
    },
  },
  {
    name: 'top_logprobs',
    kind: 'converted',
    becomes: '`top_logprobs`',
    convert: (value, conversion, body) => {
      const path = 'top_logprobs'
      conversion.expect(value, path, types.integer)
      if (body['logprobs'] !== true) {
        conversion.refuse(
          '',
          plainFault(path, "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."),
        )
      }
      return { top_logprobs: value }
    },
  },
  {
    name: 'store',
    kind: 'converted',
    becomes: '`store`. `false` if it is absent, because only the Responses API stores by default',
    convert: (store, conversion) => {
      conversion.expect(store, 'store', types.boolean)
      return { store }
    },
  },
  { name: 'metadata', kind: 'same', type: types.object },
  { name: 'user', kind: 'same', type: types.text },
  { name: 'safety_identifier', kind: 'same', type: types.text },
  { name: 'prompt_cache_key', kind: 'same', type: types.text },
  { name: 'prompt_cache_retention', kind: 'same', type: types.text },
  { name: 'prompt_cache_options', kind: 'same', type: types.object },
  { name: 'service_tier', kind: 'same', type: types.text },
  { name: 'moderation', kind: 'same', type: types.object },
  { name: 'n', kind: 'none', isDefault: (value) => value === 1, defaultText: '1' },
  { name: 'stop', kind: 'none', isDefault: isEmpty, defaultText: '[]' },
  { name: 'seed', kind: 'none' },
  { name: 'logit_bias', kind: 'none', isDefault: isEmpty, defaultText: '{}' },
  { name: 'prediction', kind: 'none' },
  {
    name: 'modalities',
    kind: 'none',
    isDefault: (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text',
    defaultText: '["text"]',
  },
  { name: 'audio', kind: 'none' },
  { name: 'web_search_options', kind: 'none' },
  { name: 'data_sources', kind: 'none', isDefault: isEmpty, defaultText: '[]' },
  { name: 'user_security_context', kind: 'none' },
]

const byName = new Map(chatParameters.map((parameter) => [parameter.name, parameter]))

function outputLimit(name: string) {
  return (value: unknown, conversion: Conversion): JsonMembers => {
    conversion.expect(value, name, types.integer)
    return { max_output_tokens: value }
  }
}

/**
 * Converts the body of a chat completions request to a Responses request. Never throws. Its errors are those of chat completions: 400
 * with the path of the parameter, if it has a wrong type, or has no equivalent and is not listed in `drop`.
 */
export function chatToResponses(body: JsonMembers, options: ConversionOptions): Converted {
  const conversion = new Conversion('chat', 'responses', options)
  return convertRequest(body, byName, conversion, (converted, asked) => {
    if (!isSet(asked['messages'])) conversion.refuse('', missing('.messages'))
    converted['model'] = options.model
    converted['store'] ??= false
    // A call in the older form is the only one of an answer.
    if (isSet(asked['functions']) && !isSet(asked['tools'])) converted['parallel_tool_calls'] = false
  })
}
