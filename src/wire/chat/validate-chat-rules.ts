import { maxTokensTooLargeText } from './error-context-length.ts'
import type { ChatMessage } from './chat-message.ts'
import { isObject, plainFault, type Fault, type JsonObject } from '../validation/fault.ts'
import { effortIsOffered, samplingIsOff } from '../validation/reasoning.ts'
import { streamOptionsNeedStream } from '../validation/sampling-fields.ts'
import { brokenToolHistory } from './validate-tool-history.ts'
import type { Rule } from '../validation/validate-body.ts'

const chosenFunctionIsDeclared: Rule = (body) =>
  undeclared(body, 'function_call', 'functions', (it) => it) ??
  undeclared(body, 'tool_choice', 'tools', (it) => it['function'])

/** Both forms are refused in the words of the older one. */
function undeclared(
  body: JsonObject,
  choice: 'function_call' | 'tool_choice',
  list: 'functions' | 'tools',
  functionOf: (it: JsonObject) => unknown,
): Fault | undefined {
  const name = isObject(body[choice]) ? nameIn(functionOf(body[choice])) : undefined
  if (name === undefined) return undefined
  const declared = body[list]
  if (Array.isArray(declared) && declared.some((it: JsonObject) => nameIn(functionOf(it)) === name)) {
    return undefined
  }
  return plainFault(
    'function_call',
    `Invalid value for 'function_call': no function named '${name}' was specified in the 'functions' parameter.`,
  )
}

function nameIn(value: unknown): string | undefined {
  return isObject(value) && typeof value['name'] === 'string' ? value['name'] : undefined
}

const topLogprobsNeedLogprobs: Rule = ({ logprobs, top_logprobs: top }) =>
  top === undefined || top === null || logprobs === true
    ? undefined
    : plainFault('top_logprobs', "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")

const completionFitsModel: Rule = (body, { maxOutputTokens }) =>
  tooLong('max_completion_tokens', body['max_completion_tokens'], maxOutputTokens) ??
  tooLong('max_tokens', body['max_tokens'], maxOutputTokens)

function tooLong(name: string, asked: unknown, max: number): Fault | undefined {
  if (typeof asked !== 'number' || asked <= max) return undefined
  return plainFault(name, maxTokensTooLargeText(name, asked, max), 'invalid_value')
}

const toolHistoryIsWhole: Rule = (body) => brokenToolHistory(body['messages'] as readonly ChatMessage[])

const jsonIsAskedFor: Rule = ({ response_format: format, messages }) => {
  if (!isObject(format) || format['type'] !== 'json_object') return undefined
  if ((messages as readonly ChatMessage[]).some(mentionsJson)) return undefined
  return plainFault(
    'messages',
    "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
  )
}

function mentionsJson({ content }: ChatMessage): boolean {
  if (typeof content === 'string') return saysJson(content)
  return content?.some((part) => part.type === 'text' && saysJson(part.text)) ?? false
}

function saysJson(text: string): boolean {
  return text.toLowerCase().includes('json')
}

/** The rules between the fields of a chat request, in the order in which they are reported. */
export const chatRules: readonly Rule[] = [
  chosenFunctionIsDeclared,
  topLogprobsNeedLogprobs,
  streamOptionsNeedStream,
  effortIsOffered,
  completionFitsModel,
  toolHistoryIsWhole,
  jsonIsAskedFor,
  samplingIsOff,
]
