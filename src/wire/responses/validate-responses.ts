import {
  parsed,
  type Parsed,
  isSet,
  missing,
  validateBody,
  plainFault,
  type Rule,
} from '../validation/fault.ts'
import type { ResponsesRequest } from './responses-request.ts'
import { malformedJson, modelError, type ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import { description, functionName, schema } from '../chat/validate-chat-tools.ts'
import {
  arrayOf,
  mapOf,
  anything,
  boolean,
  contentText,
  idOf,
  integerBetween,
  oneOf,
  text,
  objectOf,
  optional,
  required,
  variantsOf,
} from '../validation/checks.ts'
import { responsesMediaFault } from '../media/media-rules.ts'
import { cacheOptions, promptCacheFitsModel } from '../validation/prompt-cache-fields.ts'
import { responsesInput } from './validate-responses-input.ts'
import { chosenToolIsDeclared, responsesToolChoice } from './validate-responses-tool-choice.ts'
import { responsesTools } from './validate-responses-tools.ts'
import { responsesSchemasAreValid } from '../json-schema/validate-schemas.ts'
import { computerNeedsTruncation, toolsFitModel } from './validate-hosted-tools.ts'
import { penalty, temperature, topP } from '../validation/common-fields.ts'
import { responsesModelRules } from '../validation/model-rules.ts'
import { isMessage, type ResponsesItem } from './responses-item.ts'
import { isDeeperThan, isRecord } from '../../lib/record.ts'

/** Casts a body in a rule. Rules run after the validation of all fields. */
const asRequest = (body: unknown): ResponsesRequest => body as ResponsesRequest

/** Instructions do not count: the error says "input messages". A previous response or a stored prompt can contain the word. */
const jsonIsMentioned: Rule = (body) => {
  const { text, input, previous_response_id: previous, prompt } = asRequest(body)
  if (text?.format?.type !== 'json_object' || previous || prompt || containsJson(input)) return undefined
  return plainFault(
    'input',
    "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
  )
}

function containsJson(input: string | readonly ResponsesItem[]): boolean {
  if (typeof input === 'string') return input.toLowerCase().includes('json')
  return input.some((item) => {
    if (!isMessage(item)) return false
    const { content } = item
    if (typeof content === 'string') return containsJson(content)
    return content.some((part) => 'text' in part && containsJson(part.text))
  })
}

const backgroundIsStored: Rule = (body) => {
  const { background, store } = asRequest(body)
  if (background !== true || store !== false) return undefined
  return plainFault('background', "Background mode requires 'store' to be true.", 'invalid_value')
}

const streamOptionsNeedStream: Rule = (body) => {
  const { stream_options: options, stream } = asRequest(body)
  if (!options || stream === true) return undefined
  return plainFault(
    'stream_options',
    "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
  )
}

/** The simulator has no conversations. The text is OpenAI's as generally known, not captured. */
const conversationExists: Rule = (body) => {
  const { conversation } = body
  if (!isSet(conversation)) return undefined
  const id = isRecord(conversation) ? conversation['id'] : conversation
  const message = `Conversation with id '${typeof id === 'string' ? id : ''}' not found.`
  return { ...plainFault(null, message), error: { ...modelError(message, null, null), status: 404 } }
}

const mediaFitModel: Rule = (body, model) => responsesMediaFault(asRequest(body).input ?? [], model)

/** The rules between the fields of a Responses request, in the order in which they are reported. */
const responsesRules: readonly Rule[] = [
  chosenToolIsDeclared,
  streamOptionsNeedStream,
  backgroundIsStored,
  conversationExists,
  mediaFitModel,
  jsonIsMentioned,
  ...responsesModelRules,
  promptCacheFitsModel,
  responsesSchemasAreValid,
  toolsFitModel,
  computerNeedsTruncation,
]

/** Minimum of `max_output_tokens` (public reports of the error message, 2025 and 2026). */
const MIN_OUTPUT_TOKENS = 16

/** Minimum of `compact_threshold` (OpenAI's reference, 2026). */
const MIN_COMPACT_THRESHOLD = 1_000

/** The response repeats parts of the body. Deeper nesting could overflow the stack when it is written. */
const MAX_NESTING = 200

const plainFormat = objectOf([required('type', anything)])
const format = variantsOf(
  'type',
  new Map([
    ['json_object', plainFormat],
    [
      'json_schema',
      objectOf([
        required('type', anything),
        required('name', functionName),
        required('schema', schema),
        optional('description', description),
        optional('strict', boolean),
      ]),
    ],
    ['text', plainFormat],
  ]),
)

const responseId = idOf('resp')

const summary = oneOf('auto', 'concise', 'detailed')

const otherFields = [
  optional('instructions', contentText),
  optional('previous_response_id', responseId),
  optional('tools', responsesTools),
  optional('tool_choice', responsesToolChoice),
  optional('parallel_tool_calls', boolean),
  optional('max_output_tokens', integerBetween(MIN_OUTPUT_TOKENS, Infinity)),
  optional('max_tool_calls', integerBetween(1, Infinity)),
  optional('temperature', temperature),
  optional('top_p', topP),
  optional('presence_penalty', penalty),
  optional('frequency_penalty', penalty),
  optional('top_logprobs', integerBetween(0, 20)),
  optional(
    'text',
    objectOf([optional('format', format), optional('verbosity', oneOf('low', 'medium', 'high'))]),
  ),
  optional(
    'reasoning',
    objectOf([
      // The valid values depend on the model: see `responsesModelRules`.
      optional('effort', text()),
      optional('summary', summary),
      optional('generate_summary', summary),
      optional('context', text()),
      optional('mode', text()),
    ]),
  ),
  optional('truncation', oneOf('auto', 'disabled')),
  optional('include', arrayOf(text(), { expected: 'an array of strings' })),
  optional('user', text()),
  optional('safety_identifier', text({ maxLength: 64 })),
  optional('prompt_cache_key', text({ maxLength: 64 })),
  optional('prompt_cache_retention', oneOf('in_memory', '24h')),
  optional('prompt_cache_options', cacheOptions),
  optional('service_tier', oneOf('auto', 'default', 'fast', 'flex', 'priority')),
  optional('stream', boolean),
  optional('stream_options', objectOf([optional('include_obfuscation', boolean)])),
  optional('store', boolean),
  optional('background', boolean),
  optional(
    'metadata',
    mapOf(text({ maxLength: 512 }), { expected: 'a metadata object', maxKeys: 16, maxKeyLength: 64 }),
  ),
  optional('prompt', objectOf([required('id', text())], 'ignore')),
  optional('conversation', anything),
  optional(
    'context_management',
    arrayOf(
      objectOf([
        required('type', oneOf('compaction')),
        optional('compact_threshold', integerBetween(MIN_COMPACT_THRESHOLD, Infinity)),
      ]),
      { expected: 'an array of objects' },
    ),
  ),
  optional('moderation', objectOf([required('model', text())], 'ignore')),
  optional('model', anything),
]
/** The fields of a Responses request. */
export const responsesFields = [required('input', responsesInput), ...otherFields]
const fields = objectOf(responsesFields)
/** A stored prompt can contain the input. */
const fieldsWithPrompt = objectOf([optional('input', responsesInput), ...otherFields])

/** Validates the body of a Responses request. Returns the error of the service, or undefined. Never throws. */
export function validateResponses(body: unknown, model: Model): ServiceError | undefined {
  if (isDeeperThan(body, MAX_NESTING)) return malformedJson()
  const check = isRecord(body) && isRecord(body['prompt']) ? fieldsWithPrompt : fields
  return validateBody(body, check, responsesRules, model)
}

/** Parses and validates the body of a Responses request. */
export function parseResponsesRequest(body: unknown, model: Model): Parsed<ResponsesRequest> {
  const result = parsed<ResponsesRequest>(body, validateResponses(body, model))
  const isWithoutInput = result.ok && ((result.request.input as unknown) ?? null) === null
  return isWithoutInput ? { ok: true, request: { ...result.request, input: [] } } : result
}

const compactFields = objectOf([
  optional('input', responsesInput),
  optional('instructions', contentText),
  optional('previous_response_id', responseId),
  optional('prompt_cache_key', text({ maxLength: 64 })),
  optional('prompt_cache_retention', oneOf('in_memory', '24h')),
  optional('prompt_cache_options', cacheOptions),
  optional('service_tier', oneOf('auto', 'default', 'fast', 'flex', 'priority')),
  optional('model', anything),
])

const somethingToCompact: Rule = ({ input, previous_response_id: previous }) =>
  (input ?? previous ?? undefined) === undefined ? missing('.input') : undefined

/** Parses and validates the body of a request to compact a conversation. */
export function parseCompactRequest(body: unknown, model: Model): Parsed<ResponsesRequest> {
  if (isDeeperThan(body, MAX_NESTING)) return { ok: false, error: malformedJson() }
  const result = parsed<ResponsesRequest>(
    body,
    validateBody(body, compactFields, [somethingToCompact], model),
  )
  if (!result.ok) return result
  return { ok: true, request: { ...result.request, input: result.request.input ?? [] } }
}

/** Parses and validates the body of a request for input tokens: a Responses request of which the input can be missing. */
export function parseInputTokensRequest(body: unknown, model: Model): Parsed<ResponsesRequest> {
  if (!isRecord(body)) return parseResponsesRequest(body, model)
  return parseResponsesRequest({ ...body, input: body['input'] ?? [] }, model)
}
