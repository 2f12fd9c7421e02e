import {
  callsOf,
  nameOf,
  type ChatMessage,
  type ContentPart,
  type ChatRequest,
} from '../wire/chat/chat-request.ts'

/** How much of a picture's or a file's address tells it from others. */
const addressLength = 256

/** Every text that the model would read in the messages of a request, for the content filter. */
export function* readableTexts({ messages }: ChatRequest): Generator<string> {
  for (const message of messages) {
    const { content } = message
    const { tool_calls: calls, function_call: call } = callsOf(message)
    if (typeof content === 'string') yield content
    else for (const part of content ?? []) if (part.type === 'text') yield part.text
    for (const it of calls ?? []) yield it.type === 'function' ? it.function.arguments : it.custom.input
    if (call) yield call.arguments
  }
}

/**
 * The whole prompt in the order in which the model reads it, for the prompt cache: tools and the answer's form come
 * first, and so a change to them leaves nothing of the prefix.
 */
export function promptTexts({ messages, tools, functions, response_format: format }: ChatRequest): string[] {
  const texts: string[] = []
  if (tools) texts.push(JSON.stringify(tools))
  if (functions) texts.push(JSON.stringify(functions))
  if (format) texts.push(JSON.stringify(format))
  for (const message of messages) pushMessage(texts, message)
  return texts
}

function pushMessage(texts: string[], message: ChatMessage): void {
  const { role, content } = message
  const { tool_calls: calls, function_call: call } = callsOf(message)
  const name = nameOf(message)
  texts.push(`<${role}>`)
  if (name) texts.push(name)
  if (typeof content === 'string') texts.push(content)
  else for (const part of content ?? []) texts.push(partText(part))
  if (calls) texts.push(JSON.stringify(calls))
  if (call) texts.push(JSON.stringify(call))
}

/** A picture as data may have megabytes, of which the beginning and the length do. */
function partText(part: ContentPart): string {
  switch (part.type) {
    case 'text':
      return part.text
    case 'refusal':
      return part.refusal
    case 'image_url':
      return shortened(part.image_url.url)
    case 'input_audio':
      return shortened(part.input_audio.data)
    case 'audio':
      return ''
    default:
      return shortened(part.file.file_data ?? part.file.file_id ?? '')
  }
}

function shortened(address: string): string {
  return `${address.slice(0, addressLength)}${address.slice(-addressLength)}${address.length}`
}
