import { isRecord } from '../../lib/record.ts'
import {
  parsed,
  type Parsed,
  createFault,
  isSet,
  wrongType,
  type Check,
  plainFault,
  type Fault,
  type Rule,
  validateBody,
} from '../validation/fault.ts'
import { audioAnswerFault, audioField, chatMediaFault } from '../media/media-rules.ts'
import type { ChatRequest, ChatMessage } from './chat-request.ts'
import { messages, toolHistoryFault } from './validate-chat-messages.ts'
import {
  description,
  functionCall,
  functionName,
  functions,
  schema,
  toolChoice,
  toolsWith,
} from './validate-chat-tools.ts'
import {
  arrayOf,
  mapOf,
  anything,
  boolean,
  integer,
  integerBetween,
  oneOf,
  text,
  unsupported,
  objectOf,
  optional,
  required,
  variantsOf,
  type Field,
} from '../validation/checks.ts'
import {
  logitBias,
  penalty,
  stop,
  streamOptions,
  temperature,
  tokenLimit,
  topP,
  streamOptionsNeedStream,
} from '../validation/common-fields.ts'
import { chatModelRules } from '../validation/model-rules.ts'
import {
  chosenToolIsDeclared,
  limitIsSetOnce,
  listIsSpecified,
  metadataNeedsStore,
  predictionStandsAlone,
} from './validate-chat-rules.ts'
import { cacheOptions, promptCacheFitsModel } from '../validation/prompt-cache-fields.ts'
import { chatSchemasAreValid } from '../json-schema/validate-schemas.ts'
import { maxTokensTooLargeText } from './error-context-length.ts'
import type { ServiceError } from '../errors.ts'
import { unknownArguments } from '../feature-gates.ts'
import type { Model } from '../models/models.ts'
import type { ModelCapabilities } from '../models/model-capabilities.ts'

const metadata = mapOf(text({ maxLength: 512 }), {
  expected: 'a metadata object',
  maxKeys: 16,
  maxKeyLength: 64,
})

const retention: Check = (value) => {
  if (typeof value !== 'string') return wrongType("one of 'in_memory' or '24h'", value)
  if (value === 'in_memory' || value === '24h') return undefined
  return createFault(null, () => 'Invalid prompt_cache_retention argument')
}

const plainFormat = objectOf([required('type', anything)])
const responseFormat = variantsOf(
  'type',
  new Map([
    ['json_object', plainFormat],
    [
      'json_schema',
      objectOf([
        required('type', anything),
        required(
          'json_schema',
          objectOf([
            required('name', functionName),
            optional('description', description),
            optional('schema', schema),
            optional('strict', boolean),
          ]),
        ),
      ]),
    ],
    ['text', plainFormat],
  ]),
)

function topLogprobs(max: number): Check {
  const integer = integerBetween(0, Infinity)
  return (value) => {
    const fault = integer(value)
    if (fault !== undefined || (value as number) <= max) return fault
    return createFault(null, (path) => `Invalid value for '${path}': must be less than or equal to ${max}.`)
  }
}

/** The fields of a chat request in the order in which the service reports faults. The order from `moderation` on is not measured. */
export function chatFieldList(capabilities: ModelCapabilities): readonly Field[] {
  const { maxChoices, maxTopLogprobs, unknownToolMembers } = capabilities
  return [
    required('messages', messages),
    optional('functions', functions),
    optional('function_call', functionCall),
    optional('tools', toolsWith(unknownToolMembers)),
    optional('tool_choice', toolChoice),
    optional('parallel_tool_calls', boolean),
    optional('max_completion_tokens', tokenLimit),
    optional('max_tokens', tokenLimit),
    optional('n', integerBetween(1, maxChoices)),
    optional('stop', stop),
    optional('temperature', temperature),
    optional('top_p', topP),
    optional('presence_penalty', penalty),
    optional('frequency_penalty', penalty),
    optional('logprobs', boolean),
    optional('top_logprobs', topLogprobs(maxTopLogprobs)),
    optional('user', text()),
    optional('seed', integer),
    optional('safety_identifier', text({ maxLength: 64 })),
    optional('prompt_cache_options', cacheOptions),
    optional('prompt_cache_key', text({ maxLength: 64 })),
    optional('prompt_cache_retention', retention),
    optional('service_tier', oneOf('auto', 'default', 'fast', 'flex', 'priority')),
    optional('stream', boolean),
    optional('stream_options', streamOptions),
    optional('store', boolean),
    optional('metadata', metadata),
    optional('logit_bias', logitBias),
    optional('prediction', schema),
    optional('verbosity', oneOf('low', 'medium', 'high')),
    optional('moderation', objectOf([required('model', text())], 'ignore')),
    optional('response_format', responseFormat),
    // The valid values depend on the model: see `chatModelRules`.
    optional('reasoning_effort', anything),
    optional('modalities', arrayOf(oneOf('text', 'audio'), { expected: 'an array of strings' })),
    optional('audio', audioField),
    optional('web_search_options', schema),
    // Only on Azure.
    // Another component checks them: see `dataSourcesError`.
    optional('data_sources', anything),
    optional('user_security_context', schema),
    // If it names the deployment, it is read before validation. Otherwise it is ignored.
    optional('model', anything),
  ]
}

/** @param unknown names of fields that do not exist in the API version of the request */
function chatFields(capabilities: ModelCapabilities, unknown: ReadonlySet<string>): Check {
  const { unknownMembers } = capabilities
  const accepted = chatFieldList(capabilities).flatMap((field) => {
    const support = supportOf(field.name, capabilities)
    if (support === 'unknown' || unknown.has(field.name)) return []
    return support === 'unsupported' ? optional(field.name, unsupported(hints[field.name])) : field
  })
  return objectOf(accepted, unknownMembers === 'unrecognized' ? 'list' : 'refuse')
}

/** Endings of the message for an unsupported parameter. */
const hints: Readonly<Record<string, string>> = { max_tokens: " Use 'max_completion_tokens' instead." }

function supportOf(name: string, { parameters, parallelToolCalls }: ModelCapabilities) {
  return name === 'parallel_tool_calls' && !parallelToolCalls ? 'unsupported' : parameters[name]
}

const fieldsByModel = new WeakMap<Model, Map<string, Check>>()

/** Compiled once for each model and API version. */
function fieldsOf(model: Model, apiVersion = 'v1'): Check {
  let byVersion = fieldsByModel.get(model)
  if (byVersion === undefined) fieldsByModel.set(model, (byVersion = new Map<string, Check>()))
  let fields = byVersion.get(apiVersion)
  if (fields === undefined) {
    fields = chatFields(model.capabilities, unknownArguments(model, apiVersion))
    byVersion.set(apiVersion, fields)
  }
  return fields
}

const topLogprobsNeedLogprobs: Rule = ({ logprobs, top_logprobs: top }) =>
  top === undefined || top === null || logprobs === true
    ? undefined
    : plainFault('top_logprobs', "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")

const completionFitsModel: Rule = (body, { maxOutputTokens }) =>
  tooLong('max_completion_tokens', body['max_completion_tokens'], maxOutputTokens) ??
  tooLong('max_tokens', body['max_tokens'], maxOutputTokens)

function tooLong(name: string, requested: unknown, max: number): Fault | undefined {
  if (typeof requested !== 'number' || requested <= max) return undefined
  return plainFault(name, maxTokensTooLargeText(name, requested, max), 'invalid_value')
}

const toolHistoryIsComplete: Rule = (body) => toolHistoryFault(body['messages'] as readonly ChatMessage[])

const jsonIsMentioned: Rule = ({ response_format: format, messages }) => {
  if (!isRecord(format) || format['type'] !== 'json_object') return undefined
  if ((messages as readonly ChatMessage[]).some(mentionsJson)) return undefined
  return plainFault(
    'messages',
    "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
  )
}

function mentionsJson({ content }: ChatMessage): boolean {
  if (typeof content === 'string') return containsJson(content)
  return content?.some((part) => part.type === 'text' && containsJson(part.text)) ?? false
}

function containsJson(text: string): boolean {
  return text.toLowerCase().includes('json')
}

const mediaFitModel: Rule = (body, model) =>
  chatMediaFault(body['messages'] as readonly ChatMessage[], model) ?? audioAnswerFault(body, model)

/** The models with web search in chat do not exist on Azure. The text is OpenAI's as generally known, not captured. */
const webSearchIsSupported: Rule = ({ web_search_options: options }) =>
  isSet(options)
    ? plainFault('web_search_options', 'Web search options not supported with this model.')
    : undefined

/** The rules between the fields of a chat request, in the order in which they are reported. */
const chatRules: readonly Rule[] = [
  limitIsSetOnce,
  listIsSpecified,
  chosenToolIsDeclared,
  topLogprobsNeedLogprobs,
  streamOptionsNeedStream,
  metadataNeedsStore,
  predictionStandsAlone,
  completionFitsModel,
  webSearchIsSupported,
  mediaFitModel,
  toolHistoryIsComplete,
  jsonIsMentioned,
  ...chatModelRules,
  promptCacheFitsModel,
  chatSchemasAreValid,
]

/**
 * Validates the body of a chat completions request. Returns the error of the service, or undefined. Never throws.
 *
 * @param apiVersion a version that the service has; absent without a check of versions
 */
export function validateChat(body: unknown, model: Model, apiVersion?: string): ServiceError | undefined {
  return validateBody(body, fieldsOf(model, apiVersion), chatRules, model)
}

/** Parses and validates the body of a chat completions request, like `validateChat`. */
export function parseChatRequest(body: unknown, model: Model, apiVersion?: string): Parsed<ChatRequest> {
  return parsed<ChatRequest>(body, validateChat(body, model, apiVersion))
}

/** The parameters of the model inference API (Microsoft Learn, "Azure AI Model Inference REST API reference", 2026). */
const inferenceParameters = new Set([
  'frequency_penalty',
  'max_tokens',
  'messages',
  'modalities',
  'model',
  'presence_penalty',
  'response_format',
  'seed',
  'stop',
  'stream',
  'stream_options',
  'temperature',
  'tool_choice',
  'tools',
  'top_p',
])

/** Removes the parameters that the model inference API does not have, for a request with `extra-parameters: drop`. */
export function withoutExtraParameters(body: unknown): unknown {
  if (!isRecord(body)) return body
  return Object.fromEntries(Object.entries(body).filter(([name]) => inferenceParameters.has(name)))
}
