import { shortText } from '../../lib/error-text.ts'
import { fieldsOf } from '../../lib/record.ts'
import type { ConversionOptions, Converted, JsonMembers } from '../conversion.ts'
import { Conversion, convertRequest, isEmpty, types, type Parameter } from '../convert-parameters.ts'
import { anything, arrayOf, textOrArray } from '../validation/checks.ts'
import { isSet, missing } from '../validation/fault.ts'
import { LOGPROBS } from '../validation/model-rules.ts'
import { ENCRYPTED_REASONING } from './encrypted-content.ts'
import { chatChoiceOf, chatToolsOf, responseFormatOf } from './convert-tools.ts'
import { messagesOfItems } from './items-to-messages.ts'

/** The parameters of the Responses API, in the order in which they are converted. */
export const responsesParameters: readonly Parameter[] = [
  {
    name: 'model',
    kind: 'converted',
    becomes: '`model`: the name at the upstream',
    convert: () => ({}),
  },
  { name: 'previous_response_id', kind: 'none' },
  { name: 'conversation', kind: 'none' },
  { name: 'prompt', kind: 'none' },
  { name: 'background', kind: 'none', isDefault: (value) => value === false, defaultText: 'false' },
  { name: 'stream', kind: 'same', type: types.boolean },
  {
    name: 'stream_options',
    kind: 'converted',
    becomes: '`stream_options`, with `include_usage: true` for every stream',
    convert: (value, conversion, body) => {
      const path = 'stream_options'
      const options = conversion.object(value, path)
      conversion.expectStream(body, path)
      conversion.leaveOutOthers(options, path, new Set(['include_obfuscation']))
      const converted = conversion.members(options, path, { include_obfuscation: types.boolean })
      return isEmpty(converted) ? {} : { stream_options: converted }
    },
  },
  {
    name: 'instructions',
    kind: 'converted',
    becomes: 'the first message, with the role `system`',
    convert: (content, conversion) => {
      conversion.expect(content, 'instructions', types.text)
      return content === '' ? {} : { messages: [{ role: 'system', content }] }
    },
  },
  {
    name: 'input',
    kind: 'converted',
    becomes: '`messages`',
    convert: (value, conversion) => {
      conversion.expect(value, 'input', inputType)
      return { messages: messagesOfItems(value, conversion) }
    },
  },
  {
    name: 'tools',
    kind: 'converted',
    becomes: '`tools`: functions and custom tools. Tools that the service executes have no equivalent',
    convert: (value, conversion) => ({ tools: chatToolsOf(value, conversion) }),
  },
  {
    name: 'tool_choice',
    kind: 'converted',
    becomes: '`tool_choice`. `auto` and `none` are left out of requests without tools',
    convert: chatChoiceOf,
  },
  {
    name: 'parallel_tool_calls',
    kind: 'converted',
    becomes: '`parallel_tool_calls`, left out of requests without tools',
    convert: (value, conversion) => {
      conversion.expect(value, 'parallel_tool_calls', types.boolean)
      return { parallel_tool_calls: value }
    },
  },
  { name: 'max_tool_calls', kind: 'none' },
  {
    name: 'text',
    kind: 'converted',
    becomes: '`response_format` (`format`) and `verbosity`. A schema without `strict` is strict',
    convert: (value, conversion) => {
      const text = conversion.object(value, 'text')
      conversion.leaveOutOthers(text, 'text', new Set(['format', 'verbosity']))
      const format = isSet(text['format']) ? responseFormatOf(text['format'], conversion) : {}
      return { ...format, ...conversion.members(text, 'text', { verbosity: types.text }) }
    },
  },
  {
    name: 'reasoning',
    kind: 'converted',
    becomes:
      '`reasoning_effort` (`effort`). `summary` and other values than `context: auto` and `mode: standard` have no equivalent',
    convert: convertReasoning,
  },
  {
    name: 'include',
    kind: 'converted',
    becomes:
      '`logprobs: true` for `message.output_text.logprobs`. `reasoning.encrypted_content` becomes nothing: chat completions has no reasoning items. Other values have no equivalent',
    convert: (value, conversion) => {
      conversion.expect(value, 'include', types.strings)
      const names = value as readonly string[]
      for (const [index, name] of names.entries()) {
        if (name === LOGPROBS || name === ENCRYPTED_REASONING) continue
        conversion.leaveOut(
          `include[${index}]`,
          `chat completions has no '${shortText(name)}'`,
          `include.${name}`,
        )
      }
      return names.includes(LOGPROBS) ? { logprobs: true } : {}
    },
  },
  {
    name: 'top_logprobs',
    kind: 'converted',
    becomes: '`top_logprobs`, with `logprobs: true`',
    convert: (value, conversion) => {
      conversion.expect(value, 'top_logprobs', types.integer)
      return value === 0 ? {} : { logprobs: true, top_logprobs: value }
    },
  },
  {
    name: 'max_output_tokens',
    kind: 'converted',
    becomes: '`max_completion_tokens`',
    convert: (value, conversion) => {
      conversion.expect(value, 'max_output_tokens', types.integer)
      return { max_completion_tokens: value }
    },
  },
  { name: 'temperature', kind: 'same', type: types.decimal },
  { name: 'top_p', kind: 'same', type: types.decimal },
  { name: 'presence_penalty', kind: 'same', type: types.decimal },
  { name: 'frequency_penalty', kind: 'same', type: types.decimal },
  { name: 'store', kind: 'same', type: types.boolean },
  {
    name: 'metadata',
    kind: 'converted',
    becomes: '`metadata`, with `store: true`. With `store: false`, it has no equivalent',
    convert: (metadata, conversion, body) => {
      conversion.expect(metadata, 'metadata', types.object)
      const { store } = body
      if (isEmpty(metadata)) return {}
      if (store === true) return { metadata }
      // The Responses API stores by default.
      if (!isSet(store) && !conversion.drops('metadata')) return { metadata, store: true }
      conversion.leaveOut('metadata', 'chat completions has it only for stored answers')
      return {}
    },
  },
  { name: 'user', kind: 'same', type: types.text },
  { name: 'safety_identifier', kind: 'same', type: types.text },
  { name: 'prompt_cache_key', kind: 'same', type: types.text },
  { name: 'prompt_cache_retention', kind: 'same', type: types.text },
  { name: 'prompt_cache_options', kind: 'same', type: types.object },
  { name: 'service_tier', kind: 'same', type: types.text },
  { name: 'moderation', kind: 'same', type: types.object },
  {
    name: 'truncation',
    kind: 'none',
    isDefault: (value) => value === 'disabled',
    defaultText: '"disabled"',
  },
  { name: 'context_management', kind: 'none', isDefault: isEmpty, defaultText: '[]' },
]

const byName = new Map(responsesParameters.map((parameter) => [parameter.name, parameter]))

const inputType = textOrArray('one of a string or array of objects', anything, anything)
const notEmpty = arrayOf(anything, { expected: 'an array of objects', min: 1 })

/** Values of members of `reasoning` that mean the default. */
const reasoningDefaults: ReadonlyMap<string, unknown> = new Map([
  ['context', 'auto'],
  ['mode', 'standard'],
])

function convertReasoning(value: unknown, conversion: Conversion): JsonMembers {
  const path = 'reasoning'
  const reasoning = conversion.object(value, path)
  for (const [name, member] of Object.entries(reasoning)) {
    if (name === 'effort' || !isSet(member) || reasoningDefaults.get(name) === member) continue
    // The thinking of a Claude model is shown as the summary.
    const hasThinking = isSet(reasoning['effort']) && conversion.upstreamForm === 'messages'
    if (name === 'summary' && hasThinking) continue
    conversion.leaveOut(`${path}.${name}`)
  }
  const { effort } = conversion.members(reasoning, path, { effort: types.text })
  return effort === undefined ? {} : { reasoning_effort: effort }
}

/**
 * Converts the body of a Responses request to a chat completions request. Never throws. Its errors are those of the Responses API: 400
 * with the path of the parameter, if it has a wrong type, or has no equivalent and is not listed in `drop`.
 */
export function responsesToChat(body: JsonMembers, options: ConversionOptions): Converted {
  const conversion = new Conversion('responses', 'chat', options)
  return convertRequest(body, byName, conversion, (converted, asked) => {
    if (!isSet(asked['input'])) conversion.refuse('', missing('.input'))
    conversion.expect(converted['messages'], 'input', notEmpty)
    converted['model'] = options.model
    addUsage(converted, conversion)
    leaveOutEmptyTools(converted)
  })
}

/** Only with `include_usage`, the stream has the usage that the Responses API reports. */
function addUsage(converted: Record<string, unknown>, conversion: Conversion): void {
  if (converted['stream'] !== true || conversion.drops('stream_options.include_usage')) return
  converted['stream_options'] = { ...fieldsOf(converted['stream_options']), include_usage: true }
}

/** Chat completions refuses empty lists of tools, and parameters of tools without them. */
function leaveOutEmptyTools(converted: Record<string, unknown>): void {
  const { tools, tool_choice: choice } = converted
  if (Array.isArray(tools) && tools.length > 0) return
  delete converted['tools']
  delete converted['parallel_tool_calls']
  if (choice === 'auto' || choice === 'none') delete converted['tool_choice']
}
