import { parsed, type Parsed, faultHere, type Check, validateBody } from '../validation/fault.ts'
import type { ResponsesRequest } from './responses-request.ts'
import { malformedJson, type ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import { description, functionName, schema } from '../chat/validate-chat-tools.ts'
import {
  arrayOf,
  mapOf,
  anything,
  boolean,
  contentText,
  integerBetween,
  oneOf,
  text,
  objectOf,
  optional,
  required,
  variantsOf,
} from '../validation/checks.ts'
import { responsesInput } from './validate-responses-input.ts'
import { responsesRules } from './validate-responses-rules.ts'
import { responsesTools, responsesToolChoice } from './validate-responses-tools.ts'
import { penalty, temperature, topP } from '../validation/common-fields.ts'

/** The least `max_output_tokens` (public reports of the service's own message, 2025 and 2026). */
const MIN_OUTPUT_TOKENS = 16

/** Parts of the body come back in the answer, so they may not nest deeper than a writer can follow. */
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

const responseId: Check = (value) => {
  const fault = text()(value)
  if (fault !== undefined || (value as string).startsWith('resp')) return fault
  return faultHere(
    'invalid_value',
    (path) => `Invalid '${path}': '${value as string}'. Expected an ID that begins with 'resp'.`,
  )
}

const summary = oneOf('auto', 'concise', 'detailed')

const fields = objectOf([
  required('input', responsesInput),
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
      // Which efforts there are depends on the model: a rule.
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
  optional('prompt_cache_options', schema),
  optional('service_tier', oneOf('auto', 'default', 'fast', 'flex', 'priority')),
  optional('stream', boolean),
  optional('stream_options', objectOf([optional('include_obfuscation', boolean)])),
  optional('store', boolean),
  optional('background', boolean),
  optional(
    'metadata',
    mapOf(text({ maxLength: 512 }), { expected: 'a metadata object', maxKeys: 16, maxKeyLength: 64 }),
  ),
  optional('prompt', schema),
  optional('conversation', anything),
  optional('context_management', anything),
  optional('moderation', schema),
  optional('model', anything),
])

/** What the service refuses in the body of a Responses request; undefined when nothing. Never throws. */
export function validateResponses(body: unknown, model: Model): ServiceError | undefined {
  if (isDeeperThan(body, MAX_NESTING)) return malformedJson()
  return validateBody(body, fields, responsesRules, model)
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) return value.some((item) => isDeeperThan(item, levels - 1))
  return Object.values(value).some((item) => isDeeperThan(item, levels - 1))
}

/** Checks the body of a request for a response. */
export function parseResponsesRequest(body: unknown, model: Model): Parsed<ResponsesRequest> {
  return parsed<ResponsesRequest>(body, validateResponses(body, model))
}
