import { describe, expect, it } from 'vitest'
import { assumeModel } from '../models/assume-model.ts'
import { builtInCatalogue, findModel } from '../models/model-catalogue.ts'
import { validateChat } from '../chat/validate-chat.ts'
import { validateResponses } from '../responses/validate-responses.ts'

const user = { role: 'user', content: 'As JSON' }
const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }
const custom = { type: 'custom', custom: { name: 'c' } }
const tools = [tool]
const jsonSchema = {
  type: 'json_schema',
  json_schema: { name: 'x', schema: { type: 'object', properties: {} } },
}

const chat = (name: string, fields: object) => validateChat({ messages: [user], ...fields }, findModel(name)!)
const responses = (name: string, fields: object) =>
  validateResponses({ input: 'As JSON', ...fields }, findModel(name)!)

type Row = readonly [
  model: string,
  fields: object,
  param: string | null,
  code: string | null,
  message: string,
]

const unsupported = (name: string) => `Unsupported parameter: '${name}' is not supported with this model.`
const toolsRefused = (name: string, advice: string) =>
  `Function tools with reasoning_effort are not supported for ${name} in /v1/chat/completions. ${advice}`
const useResponses = 'Please use /v1/responses instead.'
const useNone = "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
const noRetention = 'prompt_cache_retention is not supported on this model'
const noMessage =
  'Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens.'
const noSchema =
  "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. Learn more about supported models at the Structured Outputs guide: https://platform.openai.com/docs/guides/structured-outputs"
const reasoningEffort = 'reasoning_effort'

const chatRows: Row[] = [
  ...['o1', 'o3-mini', 'o3', 'o4-mini'].map((name): Row => [
    name,
    { tools, parallel_tool_calls: true },
    'parallel_tool_calls',
    'unsupported_parameter',
    unsupported('parallel_tool_calls'),
  ]),
  ['o3-mini', { temperature: 1 }, 'temperature', 'unsupported_parameter', unsupported('temperature')],
  ['o1-mini', { tools }, 'tools', 'unsupported_parameter', unsupported('tools')],
  [
    'o1-mini',
    { reasoning_effort: 'medium' },
    reasoningEffort,
    'unknown_parameter',
    "Unknown parameter: 'reasoning_effort'.",
  ],
  [
    'gpt-4o-mini',
    { reasoning_effort: 'low' },
    null,
    null,
    'Unrecognized request argument supplied: reasoning_effort',
  ],
  [
    'gpt-4o',
    { reasoning: {}, reasoning_effort: 'low', enable_thinking: true },
    null,
    null,
    'Unrecognized request arguments supplied: enable_thinking, reasoning, reasoning_effort',
  ],
  [
    'gpt-5.1',
    { reasoningSummary: 'auto' },
    'reasoningSummary',
    'unknown_parameter',
    "Unknown parameter: 'reasoningSummary'.",
  ],
  [
    'o1-preview',
    { messages: [{ role: 'system', content: 'x' }, user] },
    'messages[0].role',
    'unsupported_value',
    "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
  ],
  [
    'o1-mini',
    { messages: [user, { role: 'developer', content: 'x' }] },
    'messages[1].role',
    'unsupported_value',
    "Unsupported value: 'messages[1].role' does not support 'developer' with this model.",
  ],
  [
    'o1',
    { stream: true },
    'stream',
    'unsupported_value',
    "Unsupported value: 'stream' does not support true with this model. Supported values are: false.",
  ],
  [
    'gpt-5.6-terra',
    { reasoning_effort: 'max' },
    reasoningEffort,
    'unsupported_value',
    "Unsupported value: 'reasoning_effort' does not support 'max' with this model. Supported values are: 'none', 'low', 'medium', 'high', and 'xhigh'.",
  ],
  [
    'gpt-5.2-chat',
    { reasoning_effort: 'low' },
    reasoningEffort,
    'unsupported_value',
    "Unsupported value: 'reasoning_effort' does not support 'low' with this model. Supported values are: 'medium'.",
  ],
  [
    'gpt-5',
    { reasoning_effort: 'ultra' },
    reasoningEffort,
    'invalid_value',
    "Invalid value: 'ultra'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'.",
  ],
  [
    'gpt-5.4',
    { tools, reasoning_effort: 'low' },
    reasoningEffort,
    null,
    toolsRefused('gpt-5.4', useResponses),
  ],
  [
    'gpt-5.5',
    { tools, reasoning_effort: 'high' },
    reasoningEffort,
    null,
    toolsRefused('gpt-5.5', useResponses),
  ],
  ['gpt-5.6-terra', { tools }, reasoningEffort, null, toolsRefused('gpt-5.6-terra', useNone)],
  [
    'gpt-5.6-luna',
    { tools: [custom, tool], reasoning_effort: 'low' },
    reasoningEffort,
    null,
    toolsRefused('gpt-5.6-luna', useNone),
  ],
  [
    'gpt-6-astra',
    { tools, reasoning_effort: 'high' },
    reasoningEffort,
    null,
    toolsRefused('gpt-6-astra', useNone),
  ],
  [
    'gpt-4o',
    { verbosity: 'low' },
    'verbosity',
    'unsupported_value',
    "Unsupported value: 'verbosity' does not support 'low' with this model. Supported values are: 'medium'.",
  ],
  [
    'gpt-4.1-mini',
    { prompt_cache_retention: '24h' },
    'prompt_cache_retention',
    'invalid_parameter',
    noRetention,
  ],
  ['gpt-4o', { prompt_cache_retention: '24h' }, 'prompt_cache_retention', 'invalid_parameter', noRetention],
  [
    'gpt-5-nano',
    { prompt_cache_retention: '24h' },
    'prompt_cache_retention',
    'invalid_parameter',
    noRetention,
  ],
  [
    'gpt-5.5',
    { prompt_cache_retention: 'in_memory' },
    'prompt_cache_retention',
    'invalid_parameter',
    noRetention,
  ],
  [
    'gpt-4',
    { prompt_cache_retention: 'in_memory' },
    'prompt_cache_retention',
    'invalid_parameter',
    noRetention,
  ],
  ['gpt-4o-2024-05-13', { response_format: jsonSchema }, null, null, noSchema],
  ['gpt-35-turbo', { response_format: jsonSchema }, null, null, noSchema],
  [
    'gpt-4',
    { response_format: { type: 'json_object' } },
    'response_format',
    null,
    "Invalid parameter: 'response_format' of type 'json_object' is not supported with this model.",
  ],
  ['gpt-5.6-sol', { max_completion_tokens: 1 }, null, null, noMessage],
  ['gpt-5.4-mini', { max_completion_tokens: 1 }, null, null, noMessage],
  ['o4-mini', { max_completion_tokens: 3 }, null, null, noMessage],
]

describe('parameters that the model does not support in chat completions', () => {
  it.each(chatRows)('%s %j', (name, fields, param, code, message) => {
    expect(chat(name, fields)).toMatchObject({ status: 400, param, code, message })
  })

  it.each([
    ['gpt-4o', { tools, parallel_tool_calls: false }],
    ['gpt-4o', { max_completion_tokens: 1 }],
    ['gpt-4o', { verbosity: 'medium' }],
    ['gpt-4o-2024-08-06', { response_format: jsonSchema }],
    ['gpt-35-turbo', { response_format: { type: 'json_object' } }],
    ['gpt-oss-120b', { messages: [user], reasoning_effort: 'low', max_tokens: 10, temperature: 0.5 }],
    ['o3-mini', { messages: [{ role: 'system', content: 'x' }, user], tools }],
    ['o3', { stream: true }],
    ['gpt-5.2', { tools, reasoning_effort: 'high' }],
    ['gpt-5.4', { tools }],
    ['gpt-5.4', { tools, reasoning_effort: 'none' }],
    ['gpt-5.5', { tools }],
    ['gpt-5.6-sol', { tools, reasoning_effort: 'none' }],
    ['gpt-5.6-sol', { tools: [custom] }],
    ['gpt-5.6-sol', { tools: null }],
    ['gpt-5.6-sol', { max_completion_tokens: 16 }],
    ['gpt-5-nano', { prompt_cache_retention: 'in_memory' }],
    ['gpt-4o', { prompt_cache_retention: 'in_memory' }],
    ['gpt-5.4', { prompt_cache_retention: '24h' }],
  ])('accepts supported ones: %s %j', (name, fields) => {
    expect(chat(name, fields)).toBeUndefined()
  })
})

const notSupportedWith = (value: string, name: string, supported: string) =>
  `Unsupported value: '${value}' is not supported with the '${name}' model. Supported values are: ${supported}.`

const responsesRows: Row[] = [
  [
    'gpt-5.1-codex',
    { reasoning: { effort: 'none' } },
    'reasoning.effort',
    'unsupported_value',
    notSupportedWith('none', 'gpt-5.1-codex', "'low', 'medium', and 'high'"),
  ],
  [
    'gpt-5-pro',
    { reasoning: { effort: 'low' } },
    'reasoning.effort',
    'unsupported_value',
    notSupportedWith('low', 'gpt-5-pro', "'high'"),
  ],
  [
    'gpt-4.1',
    { reasoning: { effort: 'low' } },
    'reasoning.effort',
    'unsupported_parameter',
    unsupported('reasoning.effort'),
  ],
  [
    'gpt-5.1-codex-max',
    { text: { verbosity: 'low' } },
    'text.verbosity',
    'unsupported_value',
    notSupportedWith('low', 'gpt-5.1-codex-max', "'medium'"),
  ],
  ...['gpt-4o', 'gpt-5-chat', 'gpt-5.2-chat', 'o4-mini', 'gpt-4.1-mini'].map((name): Row => [
    name,
    { include: ['reasoning.encrypted_content'] },
    'include',
    null,
    'Encrypted content is not supported with this model.',
  ]),
  [
    'gpt-5',
    { include: ['file_search_call.results', 'bogus'] },
    'include[1]',
    'invalid_value',
    "Invalid value: 'bogus'. Supported values are: 'file_search_call.results', 'web_search_call.results', 'web_search_call.action.sources', 'message.input_image.image_url', 'computer_call_output.output.image_url', 'code_interpreter_call.outputs', 'reasoning.encrypted_content', and 'message.output_text.logprobs'.",
  ],
  [
    'gpt-4.1-mini',
    { prompt_cache_retention: '24h' },
    'prompt_cache_retention',
    'invalid_parameter',
    noRetention,
  ],
  ['gpt-5.5', { temperature: 0.2 }, 'temperature', null, unsupported('temperature')],
  ['o3-mini', { temperature: 1 }, 'temperature', null, unsupported('temperature')],
  ...[{}, { reasoning: { effort: 'low' } }].map((fields): Row => [
    'gpt-5-mini',
    { ...fields, include: ['message.output_text.logprobs'], top_logprobs: 3 },
    'include',
    'unsupported_parameter',
    'logprobs are not supported with reasoning models.',
  ]),
  [
    'gpt-5.4',
    { include: ['message.output_text.logprobs'], reasoning: { effort: 'low' } },
    'include',
    'unsupported_parameter',
    'logprobs are not supported with reasoning models.',
  ],
  [
    'gpt-5',
    { reasoning: { summary: 'concise' } },
    'reasoning.summary',
    'unsupported_value',
    notSupportedWith('concise', 'gpt-5', "'detailed'"),
  ],
  [
    'computer-use-preview',
    { reasoning: { generate_summary: 'detailed' } },
    'reasoning.generate_summary',
    'unsupported_value',
    notSupportedWith('detailed', 'computer-use-preview', "'concise'"),
  ],
]

describe('parameters that the model does not support in responses', () => {
  it.each(responsesRows)('%s %j', (name, fields, param, code, message) => {
    expect(responses(name, fields)).toMatchObject({ status: 400, param, code, message })
  })

  it.each([
    ['gpt-5.6-sol', { reasoning: { effort: 'max' } }],
    ['gpt-6-astra', { reasoning: { effort: 'max' }, include: ['reasoning.encrypted_content'] }],
    ['gpt-5.4', { include: ['reasoning.encrypted_content', 'message.output_text.logprobs'] }],
    ['gpt-5.4', { temperature: 0.2 }],
    ['gpt-5', { reasoning: { summary: 'auto' } }],
    ['gpt-5', { reasoning: { summary: 'detailed' } }],
    ['gpt-5.5', { reasoning: { summary: 'concise' } }],
    ['gpt-4o', { reasoning: { summary: 'auto' } }],
    [
      'gpt-5.4',
      {
        tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }],
        reasoning: { effort: 'low' },
      },
    ],
    ['computer-use-preview', { reasoning: { effort: null, generate_summary: 'concise' } }],
    ['o3', { tools: [], parallel_tool_calls: false }],
  ])('accepts supported ones: %s %j', (name, fields) => {
    expect(responses(name, fields)).toBeUndefined()
  })
})

describe('errors of a model that is not in the catalogue', () => {
  const model = assumeModel('gpt-5.7-nova', builtInCatalogue)!

  it('name the requested model', () => {
    expect(validateChat({ messages: [user], tools }, model)).toMatchObject({
      message: toolsRefused('gpt-5.7-nova', useNone),
    })
    expect(validateResponses({ input: 'x', reasoning: { effort: 'minimal' } }, model)).toMatchObject({
      message: expect.stringContaining("with the 'gpt-5.7-nova' model.") as unknown,
    })
  })
})
