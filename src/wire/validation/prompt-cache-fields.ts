import { isRecord } from '../../lib/record.ts'
import { objectOf, oneOf, optional, required } from './checks.ts'
import { isSet, plainFault, type Check, type Fault, type Rule } from './fault.ts'

// Source of the fields and their models: Microsoft Learn, "Prompt caching" (2026-08).

/**
 * `prompt_cache_options`. `comparison_response_id` of OpenAI's Responses API ("Prompt cache diagnostics", gpt-5.6 and later), which tells
 * why a prompt missed the cache, is not documented on Azure, and refused.
 */
export const cacheOptions: Check = objectOf([
  optional('ttl', oneOf('30m')),
  optional('mode', oneOf('implicit', 'explicit')),
])

/** `prompt_cache_breakpoint` of a content part. The times are those of the package @azure/ai-projects. */
export const cacheBreakpoint: Check = objectOf([
  required('mode', oneOf('explicit')),
  optional('ttl', oneOf('30m', '12h')),
])

/**
 * Options and breakpoints fit the model. The text of public reports for breakpoints (OpenAI, 2026); it is not captured for options, nor
 * on Azure, which documents a 400.
 */
export const promptCacheFitsModel: Rule = (body, { capabilities }) => {
  if (capabilities.cacheBreakpoints) return undefined
  if (isSet(body['prompt_cache_options'])) return notSupported('prompt_cache_options')
  return hasBreakpoint(body['messages'] ?? body['input'])
    ? notSupported('prompt_cache_breakpoint')
    : undefined
}

function notSupported(param: string): Fault {
  return plainFault(param, `${param} is not supported on this model`, 'invalid_parameter')
}

/** Whether a part of a message has a breakpoint. */
function hasBreakpoint(messages: unknown): boolean {
  if (!Array.isArray(messages)) return false
  for (const message of messages) {
    const content: unknown = isRecord(message) ? message['content'] : undefined
    if (!Array.isArray(content)) continue
    for (const part of content) if (isRecord(part) && isSet(part['prompt_cache_breakpoint'])) return true
  }
  return false
}
