import { isRecord, ownValue } from '../../lib/record.ts'
import type { ConversionOptions, Converted, JsonMembers } from '../conversion.ts'
import { Conversion, convertRequest, types, type Parameter } from '../convert-parameters.ts'
import { schemaProblem } from '../json-schema/check-schema.ts'
import { integerBetween, oneOf } from '../validation/checks.ts'
import { isSet, missing } from '../validation/fault.ts'
import { chatChoiceOf, chatToolsOf } from './convert-tools.ts'
import { threadsNotSupported } from './messages-errors.ts'
import { messagesEfforts } from './messages-request.ts'
import { messageOfSystem, messagesOfTurns } from './turns-to-chat.ts'

const limit = integerBetween(0, Infinity)
const effortCheck = oneOf(...messagesEfforts)
const tierCheck = oneOf('auto', 'standard_only')

/** The parameters of Anthropic Messages, in the order in which they are converted. */
export const messagesParameters: readonly Parameter[] = [
  { name: 'model', kind: 'converted', becomes: '`model`: the name at the upstream', convert: () => ({}) },
  {
    name: 'stream',
    kind: 'converted',
    becomes: '`stream`, with `stream_options.include_usage: true`',
    convert: (stream, conversion) => {
      conversion.expect(stream, 'stream', types.boolean)
      return { stream, ...(stream === true && { stream_options: { include_usage: true } }) }
    },
  },
  {
    name: 'system',
    kind: 'converted',
    becomes: 'the first message, with the role `system`',
    convert: (value, conversion) => ({ messages: messageOfSystem(value, conversion) }),
  },
  {
    name: 'messages',
    kind: 'converted',
    becomes:
      '`messages`. Each `tool_result` becomes a message with the role `tool`. `thinking` blocks and `cache_control` are left out. A final message of the assistant stays one: chat completions answers after it, and does not continue its text',
    convert: (value, conversion) => ({ messages: messagesOfTurns(value, conversion) }),
  },
  {
    name: 'tools',
    kind: 'converted',
    becomes: '`tools`: functions. Tools of Anthropic have no equivalent',
    convert: (value, conversion) => ({ tools: chatToolsOf(value, conversion) }),
  },
  {
    name: 'tool_choice',
    kind: 'converted',
    becomes: '`tool_choice` and `parallel_tool_calls`',
    convert: chatChoiceOf,
  },
  {
    name: 'max_tokens',
    kind: 'converted',
    becomes: '`max_completion_tokens`. 0 has no equivalent',
    convert: (value, conversion) => {
      conversion.expect(value, 'max_tokens', limit)
      if (value !== 0) return { max_completion_tokens: value }
      conversion.leaveOut('max_tokens', 'chat completions cannot only fill the cache')
      return {}
    },
  },
  {
    name: 'stop_sequences',
    kind: 'converted',
    becomes: '`stop`. More than 4 have no equivalent',
    convert: (value, conversion) => {
      conversion.expect(value, 'stop_sequences', types.strings)
      const stop = value as readonly string[]
      if (stop.length <= MAX_STOPS) return stop.length === 0 ? {} : { stop }
      conversion.leaveOut('stop_sequences', `chat completions accepts ${MAX_STOPS}, but got ${stop.length}`)
      return {}
    },
  },
  { name: 'temperature', kind: 'same', type: types.decimal },
  { name: 'top_p', kind: 'same', type: types.decimal },
  { name: 'top_k', kind: 'none' },
  {
    name: 'output_config',
    kind: 'converted',
    becomes: '`reasoning_effort` (`effort`; `max` becomes `xhigh`) and `response_format` (`format`)',
    convert: convertOutput,
  },
  {
    name: 'thinking',
    kind: 'converted',
    becomes:
      '`reasoning_effort`, unless `output_config.effort` is set: `none` for `disabled`. A budget below 4,096 tokens becomes `low`, and one of at least 16,384 `high`',
    convert: convertThinking,
  },
  {
    name: 'metadata',
    kind: 'converted',
    becomes: '`user` (`user_id`)',
    convert: (value, conversion) => {
      const metadata = conversion.object(value, 'metadata')
      conversion.leaveOutOthers(metadata, 'metadata', new Set(['user_id']))
      const { user_id: user } = conversion.members(metadata, 'metadata', { user_id: types.text })
      return user === undefined ? {} : { user }
    },
  },
  {
    name: 'service_tier',
    kind: 'converted',
    becomes: '`service_tier`: `standard_only` becomes `default`',
    convert: (value, conversion) => {
      conversion.expect(value, 'service_tier', tierCheck)
      return { service_tier: value === 'auto' ? 'auto' : 'default' }
    },
  },
  {
    name: 'cache_control',
    kind: 'converted',
    becomes: 'nothing: chat completions caches prompts without it',
    convert: (value, conversion) => {
      conversion.expect(value, 'cache_control', types.object)
      return {}
    },
  },
  { name: 'speed', kind: 'none', isDefault: (value) => value === 'standard', defaultText: '"standard"' },
  { name: 'container', kind: 'none' },
  { name: 'diagnostics', kind: 'none' },
  { name: 'inference_geo', kind: 'none' },
  { name: 'thread', kind: 'none' },
]

const byName = new Map(messagesParameters.map((parameter) => [parameter.name, parameter]))

const MAX_STOPS = 4

/** Anthropic Messages follow every schema. In chat completions, a schema is strict where it allows it. */
function convertOutput(value: unknown, conversion: Conversion): JsonMembers {
  const path = 'output_config'
  const output = conversion.object(value, path)
  conversion.leaveOutOthers(output, path, new Set(['effort', 'format']))
  const { effort, format } = conversion.members(output, path, { effort: effortCheck, format: types.object })
  return {
    ...(effort !== undefined && { reasoning_effort: effort === 'max' ? 'xhigh' : effort }),
    ...(isRecord(format) && { response_format: responseFormat(format, `${path}.format`, conversion) }),
  }
}

const formatTypes = new Map([['json_schema', 'json_schema']])

function responseFormat(format: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  const type = conversion.byType(format, path, formatTypes)
  conversion.leaveOutOthers(format, path, new Set(['type', 'schema']))
  const schema = conversion.objectIn(format, 'schema', path)
  const strict = schemaProblem(schema, 'response_format', true) === ''
  return { type, json_schema: { name: 'output', schema, strict } }
}

/** Budgets in tokens of the efforts of chat completions, which have no numbers. */
const LOW_BUDGET = 4_096
const HIGH_BUDGET = 16_384

const thinkingTypes = new Map(
  ['adaptive', 'enabled', 'disabled', 'between_tools'].map((type) => [type, type]),
)

/** How the reasoning is shown (`display`) is not a parameter of chat completions. */
function convertThinking(value: unknown, conversion: Conversion): JsonMembers {
  const path = 'thinking'
  const thinking = conversion.object(value, path)
  const type = conversion.byType(thinking, path, thinkingTypes)
  conversion.leaveOutOthers(thinking, path, new Set(['type', 'budget_tokens', 'display']))
  conversion.members(thinking, path, { display: types.text })
  if (type === 'disabled') return { reasoning_effort: 'none' }
  if (type !== 'enabled') return {}
  if (thinking['budget_tokens'] === undefined) conversion.refuse(path, missing('.budget_tokens'))
  conversion.expect(thinking['budget_tokens'], `${path}.budget_tokens`, types.integer)
  const budget = thinking['budget_tokens'] as number
  return { reasoning_effort: budget < LOW_BUDGET ? 'low' : budget < HIGH_BUDGET ? 'medium' : 'high' }
}

/**
 * Converts the body of a request of Anthropic Messages to a chat completions request. Never throws: 400 with the path of the parameter,
 * if it has a wrong type, or has no equivalent and is not listed in `drop`.
 */
export function messagesToChat(body: JsonMembers, options: ConversionOptions): Converted {
  const conversion = new Conversion('messages', 'chat', options)
  // The SDK of Anthropic sends the request again without a thread.
  if (isSet(ownValue(body, 'thread'))) return { kind: 'refused', error: threadsNotSupported() }
  return convertRequest(body, byName, conversion, (converted, asked) => {
    for (const name of ['messages', 'max_tokens']) {
      if (!isSet(asked[name])) conversion.refuse('', missing(`.${name}`))
    }
    converted['model'] = options.model
    const { tools } = converted
    if (Array.isArray(tools) && tools.length > 0) return
    delete converted['tools']
    delete converted['parallel_tool_calls']
    // Chat completions refuses a choice without tools.
    if (converted['tool_choice'] === 'auto' || converted['tool_choice'] === 'none') {
      delete converted['tool_choice']
    }
  })
}
