import { withoutKey } from '../lib/record.ts'
import { chatToMessages } from './messages/chat-to-messages.ts'
import { messagesToChat } from './messages/messages-to-chat.ts'
import { chatToResponses } from './responses/chat-to-responses.ts'
import { responsesToChat } from './responses/convert-to-chat.ts'
import type { ApiForm, ConversionOptions, Converted, JsonMembers } from './conversion.ts'
import type { ServiceError } from './errors.ts'

type Convert = (body: JsonMembers, options: ConversionOptions) => Converted

/** The conversions between chat completions and the other APIs. */
const fromChat: Readonly<Record<Exclude<ApiForm, 'chat'>, Convert>> = {
  responses: chatToResponses,
  messages: chatToMessages,
}
const toChat: Readonly<Record<Exclude<ApiForm, 'chat'>, Convert>> = {
  responses: responsesToChat,
  messages: messagesToChat,
}

/** Members of requests that have another name in chat completions. */
const chatNames: Readonly<Record<Exclude<ApiForm, 'chat'>, Readonly<Record<string, string>>>> = {
  responses: {
    max_output_tokens: 'max_completion_tokens',
    'reasoning.effort': 'reasoning_effort',
    'text.format': 'response_format',
    'text.verbosity': 'verbosity',
    top_logprobs: 'logprobs',
    include: 'logprobs',
  },
  messages: {
    max_tokens: 'max_completion_tokens',
    stop_sequences: 'stop',
    'output_config.format': 'response_format',
  },
}

/**
 * Converts the body of a request from one API to another. The Responses API and Anthropic Messages are converted through chat
 * completions. An error names the parameter of the request.
 */
export function convertBody(
  body: JsonMembers,
  from: ApiForm,
  to: ApiForm,
  options: ConversionOptions,
): Converted {
  if (from === to) return { kind: 'converted', body }
  if (from === 'chat') return to === 'chat' ? { kind: 'converted', body } : fromChat[to](body, options)
  const chat = toChat[from](body, to === 'chat' ? options : { ...options, upstreamForm: to })
  if (to === 'chat' || chat.kind === 'refused') return chat
  const names = Object.entries(chatNames[from])
  const dropped = names.flatMap(([name, chatName]) => (options.drop.has(name) ? [chatName] : []))
  // Chat completions need `store` for `metadata`.
  const isStoreAsked = body['store'] !== undefined
  const inner = isStoreAsked ? chat.body : withoutKey(chat.body, 'store')
  const converted = fromChat[to](inner, { ...options, drop: new Set([...options.drop, ...dropped]) })
  if (converted.kind === 'converted') return converted
  return { kind: 'refused', error: renamed(converted.error, body, from) }
}

/** An error of the second conversion, with the parameter as the request names it. */
function renamed(error: ServiceError, body: JsonMembers, from: Exclude<ApiForm, 'chat'>): ServiceError {
  const { param, message } = error
  if (param === null) return error
  const isInBody = ([name]: readonly [string, string]): boolean =>
    Object.hasOwn(body, name.split('.')[0] ?? '')
  const [asked] =
    Object.entries(chatNames[from])
      .filter(([, name]) => name === param)
      .find(isInBody) ?? []
  if (asked !== undefined)
    return { ...error, param: asked, message: message.replaceAll(`'${param}'`, `'${asked}'`) }
  // The messages of both requests have other indexes.
  if (!param.startsWith('messages')) return error
  const input = from === 'responses' ? 'input' : 'messages'
  return { ...error, param: input, message: message.replace(`'${param}'`, `'${input}'`) }
}
