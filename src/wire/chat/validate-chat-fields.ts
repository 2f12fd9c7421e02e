import { messages } from './validate-chat-messages.ts'
import {
  description,
  functionCall,
  functionName,
  functions,
  schema,
  toolChoice,
  tools,
} from './validate-chat-tools.ts'
import { arrayOf, mapOf } from '../validation/collections.ts'
import { faultHere, wrongType, type Check } from '../validation/fault.ts'
import { objectOf, optional, required, variantsOf } from '../validation/object-of.ts'
import {
  logitBias,
  maxChoicesOlder,
  penalty,
  stop,
  streamOptions,
  temperature,
  tokenLimit,
  topP,
} from '../validation/sampling-fields.ts'
import {
  anything,
  boolean,
  integer,
  integerBetween,
  oneOf,
  text,
  unsupported,
} from '../validation/scalars.ts'

const metadata = mapOf(text({ maxLength: 512 }), {
  expected: 'a metadata object',
  maxKeys: 16,
  maxKeyLength: 64,
})

const retention: Check = (value) => {
  if (typeof value !== 'string') return wrongType("one of 'in_memory' or '24h'", value)
  if (value === 'in_memory' || value === '24h') return undefined
  return faultHere(null, () => 'Invalid prompt_cache_retention argument')
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
    return faultHere(null, (path) => `Invalid value for '${path}': must be less than or equal to ${max}.`)
  }
}

/**
 * The fields of a chat request, in the measured order of their faults; those from `moderation` on were not measured.
 * Reasoning models take fewer choices and alternatives, and never take the parameters marked so.
 */
export function chatFields(reasoning: boolean): Check {
  const unlessReasoning = (check: Check, hint?: string) => (reasoning ? unsupported(hint) : check)
  return objectOf([
    required('messages', messages),
    optional('functions', functions),
    optional('function_call', functionCall),
    optional('tools', tools),
    optional('tool_choice', toolChoice),
    optional('parallel_tool_calls', boolean),
    optional('max_completion_tokens', tokenLimit),
    optional('max_tokens', unlessReasoning(tokenLimit, " Use 'max_completion_tokens' instead.")),
    optional('n', integerBetween(1, reasoning ? 8 : maxChoicesOlder)),
    optional('stop', unlessReasoning(stop)),
    optional('temperature', temperature),
    optional('top_p', topP),
    optional('presence_penalty', penalty),
    optional('frequency_penalty', penalty),
    optional('logprobs', boolean),
    optional('top_logprobs', topLogprobs(reasoning ? 5 : 20)),
    optional('user', text()),
    optional('seed', integer),
    optional('safety_identifier', text({ maxLength: 64 })),
    optional('prompt_cache_options', objectOf([optional('ttl', text()), optional('mode', text())])),
    optional('prompt_cache_key', text({ maxLength: 64 })),
    optional('prompt_cache_retention', retention),
    optional('service_tier', oneOf('auto', 'default', 'fast', 'flex', 'priority')),
    optional('stream', boolean),
    optional('stream_options', streamOptions),
    optional('store', boolean),
    optional('metadata', metadata),
    optional('logit_bias', unlessReasoning(logitBias)),
    optional('prediction', unlessReasoning(schema)),
    optional('verbosity', oneOf('low', 'medium', 'high')),
    optional('moderation', objectOf([required('model', text())], 'ignore')),
    optional('response_format', responseFormat),
    // What it may be depends on the model: a rule.
    optional('reasoning_effort', anything),
    optional('modalities', arrayOf(oneOf('text', 'audio'), { expected: 'an array of strings' })),
    optional('audio', schema),
    optional('web_search_options', schema),
    // Azure's own.
    optional('data_sources', arrayOf(schema, { expected: 'an array of objects' })),
    optional('user_security_context', schema),
    // Read before the body is checked where it names the deployment, and ignored elsewhere.
    optional('model', anything),
  ])
}
