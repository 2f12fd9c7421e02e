import { isRecord } from '../../lib/record.ts'
import type { JsonMembers } from '../conversion.ts'
import type { ResponsesRequest } from './responses-request.ts'

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isNumber: Check = (value) => typeof value === 'number'
const isFlag: Check = (value) => typeof value === 'boolean'
const isTyped: Check = (value) => isRecord(value) && typeof value['type'] === 'string'

/** The members of a request that its response repeats, each with the check of its type. */
const echoed: Readonly<Record<string, Check>> = {
  background: isFlag,
  frequency_penalty: isNumber,
  instructions: isText,
  max_output_tokens: isNumber,
  max_tool_calls: isNumber,
  metadata: isRecord,
  parallel_tool_calls: isFlag,
  presence_penalty: isNumber,
  previous_response_id: isText,
  prompt: isRecord,
  prompt_cache_key: isText,
  prompt_cache_retention: isText,
  safety_identifier: isText,
  service_tier: isText,
  temperature: isNumber,
  tool_choice: (value) => isText(value) || isTyped(value),
  tools: (value) => Array.isArray(value) && value.every(isTyped),
  top_logprobs: isNumber,
  top_p: isNumber,
  truncation: isText,
  user: isText,
}

/**
 * Returns the members of a request that its response repeats. The request was accepted by a service with other rules than those of
 * the simulator, so it is not validated: a member of another type is left out. `store` is false, because nothing stores the response.
 */
export function echoedRequest(body: JsonMembers): ResponsesRequest {
  const members = Object.entries(body).filter(
    ([name, value]) => Object.hasOwn(echoed, name) && echoed[name]?.(value),
  )
  const { text, reasoning } = body
  return {
    ...Object.fromEntries(members),
    input: '',
    store: false,
    ...(isRecord(text) && { text: textOptionsOf(text) }),
    ...(isRecord(reasoning) && { reasoning: textsOf(reasoning) }),
  }
}

type TextOptions = NonNullable<ResponsesRequest['text']>

function textOptionsOf({ format, verbosity }: Readonly<Record<string, unknown>>): TextOptions {
  return {
    ...(isTyped(format) && { format: format as NonNullable<TextOptions['format']> }),
    ...(isText(verbosity) && { verbosity: verbosity as NonNullable<TextOptions['verbosity']> }),
  }
}

function textsOf(members: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(members)) if (typeof value === 'string') texts[name] = value
  return texts
}
