import type { ConversionOptions, Converted, JsonMembers } from '../conversion.ts'
import { Conversion, convertRequest, isEmpty, types, type Parameter } from '../convert-parameters.ts'
import { readStreamOptions, schemaMembers } from '../chat/convertible-members.ts'
import { arrayOf, integerBetween, text, textOrArray } from '../validation/checks.ts'
import { isSet, missing, plainFault } from '../validation/fault.ts'
import { convertEffort, fitSampling, fitThinking } from './convert-effort.ts'
import { turnsOfMessages } from './chat-to-turns.ts'
import {
  messagesChoiceOf,
  messagesFunctionChoiceOf,
  messagesFunctionsOf,
  messagesToolsOf,
  type MessagesChoice,
} from './convert-tools.ts'

const stopType = textOrArray(
  'one of a string or array of strings',
  text(),
  arrayOf(text(), { expected: 'an array of strings' }),
)

/** The parameters of chat completions, in the order in which they are converted. */
export const chatToMessagesParameters: readonly Parameter[] = [
  { name: 'model', kind: 'converted', becomes: '`model`: the name at the upstream', convert: () => ({}) },
  { name: 'stream', kind: 'same', type: types.boolean },
  {
    name: 'stream_options',
    kind: 'converted',
    becomes: 'nothing: Anthropic Messages always report the usage, and pad no events',
    convert: (value, conversion, body) => {
      readStreamOptions(value, conversion, body)
      return {}
    },
  },
  {
    name: 'messages',
    kind: 'converted',
    becomes: '`system` (the texts of all messages with the role `system` or `developer`) and `messages`',
    convert: turnsOfMessages,
  },
  {
    name: 'tools',
    kind: 'converted',
    becomes: '`tools`: functions. Custom tools have no equivalent',
    convert: (value, conversion) => ({ tools: messagesToolsOf(value, conversion) }),
  },
  {
    name: 'functions',
    kind: 'converted',
    becomes: '`tools`, with `tool_choice.disable_parallel_tool_use: true`',
    convert: (value, conversion) => ({ tools: messagesFunctionsOf(value, conversion) }),
  },
  {
    name: 'tool_choice',
    kind: 'converted',
    becomes: '`tool_choice`: `required` becomes `any`. `allowed_tools` leaves only these tools in `tools`',
    convert: (value, conversion) => ({ [CHOICE]: messagesChoiceOf(value, conversion) }),
  },
  {
    name: 'function_call',
    kind: 'converted',
    becomes: '`tool_choice`',
    convert: (value, conversion) => ({ [CHOICE]: messagesFunctionChoiceOf(value, conversion) }),
  },
  {
    name: 'parallel_tool_calls',
    kind: 'converted',
    becomes: '`tool_choice.disable_parallel_tool_use`',
    convert: (value, conversion) => {
      conversion.expect(value, 'parallel_tool_calls', types.boolean)
      return {}
    },
  },
  {
    name: 'response_format',
    kind: 'converted',
    becomes: '`output_config.format` for `json_schema`. `json_object` has no equivalent',
    convert: convertFormat,
  },
  {
    name: 'reasoning_effort',
    kind: 'converted',
    becomes:
      '`thinking` and `output_config.effort`, as the model has them: see [Reasoning of Claude models](#reasoning-of-claude-models)',
    convert: convertEffort,
  },
  {
    name: 'max_completion_tokens',
    kind: 'converted',
    becomes: '`max_tokens`',
    convert: outputLimit('max_completion_tokens'),
  },
  {
    name: 'max_tokens',
    kind: 'converted',
    becomes: '`max_tokens`, unless `max_completion_tokens` is set. Without both, the maximum of the model',
    convert: outputLimit('max_tokens'),
  },
  {
    name: 'stop',
    kind: 'converted',
    becomes: '`stop_sequences`. Sequences of whitespace have no equivalent',
    convert: convertStop,
  },
  {
    name: 'temperature',
    kind: 'converted',
    becomes: '`temperature`, left out for the default of 1. Values above 1 have no equivalent',
    convert: (value, conversion) => {
      conversion.expect(value, 'temperature', types.decimal)
      return share('temperature', value as number, conversion)
    },
  },
  {
    name: 'top_p',
    kind: 'converted',
    becomes: '`top_p`, left out for the default of 1',
    convert: (value, conversion) => {
      conversion.expect(value, 'top_p', types.decimal)
      return share('top_p', value as number, conversion)
    },
  },
  { name: 'top_k', kind: 'same', type: types.integer },
  { name: 'thinking', kind: 'same', type: types.object },
  { name: 'user', kind: 'converted', becomes: '`metadata.user_id`', convert: userId('user') },
  {
    name: 'safety_identifier',
    kind: 'converted',
    becomes: '`metadata.user_id`, before `user`',
    convert: userId('safety_identifier'),
  },
  {
    name: 'metadata',
    kind: 'converted',
    becomes: '`metadata.user_id`. Other members have no equivalent',
    convert: (value, conversion) => {
      const metadata = conversion.object(value, 'metadata')
      for (const name of Object.keys(metadata)) {
        if (name !== 'user_id') conversion.leaveOut(`metadata.${name}`)
      }
      const given = conversion.members(metadata, 'metadata', { user_id: types.text })
      return isEmpty(given) ? {} : { metadata: given }
    },
  },
  {
    name: 'service_tier',
    kind: 'converted',
    becomes:
      '`service_tier`: `default` becomes `standard_only`. `auto` is the default. Others have no equivalent',
    convert: (value, conversion) => {
      conversion.expect(value, 'service_tier', types.text)
      if (value === 'default') return { service_tier: 'standard_only' }
      if (value !== 'auto')
        conversion.leaveOut('service_tier', `Anthropic Messages have no tier '${value as string}'`)
      return {}
    },
  },
  { name: 'n', kind: 'none', isDefault: (value) => value === 1, defaultText: '1' },
  { name: 'presence_penalty', kind: 'none', isDefault: (value) => value === 0, defaultText: '0' },
  { name: 'frequency_penalty', kind: 'none', isDefault: (value) => value === 0, defaultText: '0' },
  { name: 'logprobs', kind: 'none', isDefault: (value) => value === false, defaultText: 'false' },
  { name: 'top_logprobs', kind: 'none', isDefault: (value) => value === 0, defaultText: '0' },
  { name: 'seed', kind: 'none' },
  { name: 'logit_bias', kind: 'none', isDefault: isEmpty, defaultText: '{}' },
  { name: 'verbosity', kind: 'none', isDefault: (value) => value === 'medium', defaultText: '"medium"' },
  { name: 'store', kind: 'none', isDefault: (value) => value === false, defaultText: 'false' },
  { name: 'prediction', kind: 'none' },
  {
    name: 'modalities',
    kind: 'none',
    isDefault: (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text',
    defaultText: '["text"]',
  },
  { name: 'audio', kind: 'none' },
  { name: 'moderation', kind: 'none' },
  { name: 'prompt_cache_key', kind: 'none' },
  { name: 'prompt_cache_retention', kind: 'none' },
  { name: 'prompt_cache_options', kind: 'none', isDefault: isEmpty, defaultText: '{}' },
  { name: 'web_search_options', kind: 'none' },
  { name: 'data_sources', kind: 'none', isDefault: isEmpty, defaultText: '[]' },
  { name: 'user_security_context', kind: 'none' },
]

const byName = new Map(chatToMessagesParameters.map((parameter) => [parameter.name, parameter]))

/** Holds the `MessagesChoice` until all parameters are converted. No parameter has this name. */
const CHOICE = ' choice'

const limit = integerBetween(1, Infinity)

function outputLimit(name: string) {
  return (value: unknown, conversion: Conversion): JsonMembers => {
    conversion.expect(value, name, limit)
    return { max_tokens: value }
  }
}

function userId(name: string) {
  return (value: unknown, conversion: Conversion): JsonMembers => {
    conversion.expect(value, name, types.text)
    return { metadata: { user_id: value } }
  }
}

/**
 * A share from 0 to 1, which is also the default of both APIs. A higher temperature is refused: the model would answer differently
 * with another one than the caller asked for.
 */
function share(name: string, value: number, conversion: Conversion): JsonMembers {
  if (value === 1) return {}
  if (value >= 0 && value < 1) return { [name]: value }
  conversion.leaveOut(name, `Anthropic Messages accept values from 0 to 1, but got ${value}`)
  return {}
}

function convertStop(value: unknown, conversion: Conversion): JsonMembers {
  conversion.expect(value, 'stop', stopType)
  const given = typeof value === 'string' ? [value] : (value as readonly string[])
  const sequences = given.filter((sequence, index) => {
    if (sequence.trim() !== '') return true
    conversion.leaveOut(
      typeof value === 'string' ? 'stop' : `stop[${index}]`,
      'Anthropic Messages require a character that is not whitespace',
    )
    return false
  })
  return sequences.length === 0 ? {} : { stop_sequences: sequences }
}

const schemaNames = new Set(Object.keys(schemaMembers))
const formatTypes = new Map(['text', 'json_object', 'json_schema'].map((type) => [type, type]))

/** Anthropic Messages follow every schema strictly. They have no name for it, and its description is in the schema. */
function convertFormat(value: unknown, conversion: Conversion): JsonMembers {
  const path = 'response_format'
  const format = conversion.object(value, path)
  const type = conversion.byType(format, path, formatTypes)
  conversion.leaveOutOthers(format, path, new Set(type === 'json_schema' ? ['type', type] : ['type']))
  if (type === 'text') return {}
  if (type === 'json_object') {
    conversion.leaveOut(path, "Anthropic Messages have no JSON without a schema. Use the type 'json_schema'")
    return {}
  }
  const at = `${path}.${type}`
  const named = conversion.objectIn(format, type, path)
  conversion.leaveOutOthers(named, at, schemaNames)
  conversion.text(named, 'name', at)
  const { description } = conversion.members(named, at, schemaMembers)
  const schema = conversion.objectIn(named, 'schema', at)
  return {
    output_config: {
      format: { type, schema: description === undefined ? schema : { description, ...schema } },
    },
  }
}

/**
 * Converts the body of a chat completions request to a request of Anthropic Messages, version 2023-06-01. Never throws. Its errors are
 * those of chat completions: 400 with the path of the parameter, if it has a wrong type, or has no equivalent and is not listed in `drop`.
 */
export function chatToMessages(body: JsonMembers, options: ConversionOptions): Converted {
  const conversion = new Conversion('chat', 'messages', options)
  return convertRequest(body, byName, conversion, (converted, asked) => {
    if (!isSet(asked['messages'])) conversion.refuse('', missing('.messages'))
    converted['model'] = options.model
    converted['max_tokens'] ??= options.maxOutputTokens
    if (converted['max_tokens'] === undefined) {
      const name = 'max_completion_tokens'
      const message = `Missing required parameter: '${name}'. Anthropic Messages require a limit, and the maximum of the model is not known.`
      conversion.refuse('', plainFault(name, message, 'missing_required_parameter'))
    }
    chooseTools(converted, asked, conversion)
    fitThinking(converted, asked, conversion)
    fitSampling(converted, conversion)
  })
}

/** A choice is valid only with tools. */
function chooseTools(converted: Record<string, unknown>, asked: JsonMembers, conversion: Conversion): void {
  const chosen = converted[CHOICE] as MessagesChoice | undefined
  delete converted[CHOICE]
  const given = (converted['tools'] ?? []) as readonly JsonMembers[]
  const tools = given.filter(({ name }) => chosen?.allowed === undefined || chosen.allowed.has(name))
  const choice = chosen?.choice
  if (tools.length === 0) {
    delete converted['tools']
    if (choice?.['type'] === 'any' || choice?.['type'] === 'tool') {
      const param = isSet(asked['tool_choice']) ? 'tool_choice' : 'function_call'
      const needed = param === 'tool_choice' ? 'tools' : 'functions'
      const message = `Invalid value for '${param}': '${param}' is only allowed when '${needed}' are specified.`
      conversion.refuse('', plainFault(param, message))
    }
    return
  }
  converted['tools'] = tools
  const isSingle =
    asked['parallel_tool_calls'] === false || (isSet(asked['functions']) && !isSet(asked['tools']))
  const single = isSingle && choice?.['type'] !== 'none' ? { disable_parallel_tool_use: true } : {}
  if (choice !== undefined || isSingle) converted['tool_choice'] = { type: 'auto', ...choice, ...single }
}
