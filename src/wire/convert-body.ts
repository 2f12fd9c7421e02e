import { withoutKey } from '../lib/record.ts'
import { chatToMessages } from './messages/chat-to-messages.ts'
import { messagesToChat } from './messages/messages-to-chat.ts'
import { chatToResponses } from './responses/chat-to-responses.ts'
import { responsesToChat } from './responses/convert-to-chat.ts'
import type { ApiForm, ConversionOptions, Converted, JsonMembers } from './conversion.ts'
import { chatNamesOf, withCallersName } from './parameter-names.ts'

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
  const dropped = [...options.drop].flatMap((name) => chatNamesOf(name, from))
  // Chat completions need `store` for `metadata`.
  const isStoreAsked = body['store'] !== undefined
  const inner = isStoreAsked ? chat.body : withoutKey(chat.body, 'store')
  const converted = fromChat[to](inner, { ...options, drop: new Set([...options.drop, ...dropped]) })
  if (converted.kind === 'converted') return converted
  return { kind: 'refused', error: withCallersName(converted.error, body, 'chat', from) }
}
