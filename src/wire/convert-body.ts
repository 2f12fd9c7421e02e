import { chatToResponses } from './responses/chat-to-responses.ts'
import { responsesToChat } from './responses/convert-to-chat.ts'
import {
  notConvertible,
  type ApiForm,
  type ConversionOptions,
  type Converted,
  type JsonMembers,
} from './conversion.ts'

type Convert = (body: JsonMembers, options: ConversionOptions) => Converted

/** Requests of Anthropic Messages are not converted. */
function refused(target: ApiForm): Convert {
  return () => ({
    kind: 'refused',
    error: notConvertible('model', target, 'Anthropic Messages are not converted'),
  })
}

/** The conversions between chat completions and the other APIs. */
const fromChat: Readonly<Record<Exclude<ApiForm, 'chat'>, Convert>> = {
  responses: chatToResponses,
  messages: refused('messages'),
}
const toChat: Readonly<Record<Exclude<ApiForm, 'chat'>, Convert>> = {
  responses: responsesToChat,
  messages: refused('chat'),
}

/** Members of requests that have another name in chat completions. */
const chatNames: Readonly<Record<Exclude<ApiForm, 'chat'>, Readonly<Record<string, string>>>> = {
  responses: {
    max_output_tokens: 'max_completion_tokens',
    'reasoning.effort': 'reasoning_effort',
    'text.format': 'response_format',
    'text.verbosity': 'verbosity',
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
  const chat = toChat[from](body, options)
  if (to === 'chat' || chat.kind === 'refused') return chat
  const names = Object.entries(chatNames[from])
  const dropped = names.flatMap(([name, chatName]) => (options.drop.has(name) ? [chatName] : []))
  const converted = fromChat[to](chat.body, { ...options, drop: new Set([...options.drop, ...dropped]) })
  if (converted.kind === 'converted') return converted
  const { error } = converted
  const [asked] = names.find(([, chatName]) => chatName === error.param) ?? []
  if (asked === undefined) return converted
  const message = error.message.replace(`'${error.param}'`, `'${asked}'`)
  return { kind: 'refused', error: { ...error, message, param: asked } }
}
