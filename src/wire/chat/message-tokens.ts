import type { TokenCounter } from '../../tokens/encoding.ts'
import type { Model } from '../models/models.ts'
import {
  callsOf,
  nameOf,
  type ChatMessage,
  type ContentPart,
  type MessageContent,
  type ToolCall,
} from './chat-request.ts'
import { countAudioPart, countFilePart } from './file-tokens.ts'
import { countImagePart } from './image-tokens.ts'
import { promptFamily } from './prompt-family.ts'
import type { PromptApi } from './prompt-tokens.ts'

/** The start and end of a message, and the end of its header. */
const TOKENS_PER_MESSAGE = 3

/** Every role is one token. */
const TOKENS_PER_ROLE = 1

/** A name is followed by one separator token. */
const TOKENS_PER_NAME = 1

/** The recipient of a call, " to=functions" and a dot, and the same for the author of its result. */
const TOKENS_PER_CALL = 5

/** An older `function_call`. Its result is counted as a message. */
const TOKENS_PER_FUNCTION_CALL = 3

/** The model makes parallel calls as one call of a tool with an array of calls. */
const TOKENS_PER_PARALLEL_MESSAGE = 20

/** The results of parallel calls are one message, while other results are a message each. */
const SAVED_PER_PARALLEL_RESULT = 4

/**
 * Counts one message according to OpenAI's cookbook ("How to count tokens with tiktoken"), which matches all captured usage of
 * text. Tool calls are not documented. Their constants match captured usage of 2024 to 2026.
 */
export function countMessage(
  message: ChatMessage,
  model: Model,
  encoding: TokenCounter,
  api: PromptApi,
): number {
  const { role, content } = message
  const { tool_calls: calls, function_call: call } = callsOf(message)
  const name = nameOf(message)
  let tokens = TOKENS_PER_MESSAGE + TOKENS_PER_ROLE + countContent(content, model, encoding, api)
  // In the result of a function, the name replaces the role.
  if (name) tokens += encoding.count(name) + (role === 'function' ? -TOKENS_PER_ROLE : TOKENS_PER_NAME)
  if (calls?.length) tokens += countToolCalls(calls, model, encoding)
  if (call) tokens += TOKENS_PER_FUNCTION_CALL + encoding.count(call.name) + encoding.count(call.arguments)
  return tokens
}

function countContent(
  content: MessageContent | undefined,
  model: Model,
  encoding: TokenCounter,
  api: PromptApi,
): number {
  if (typeof content === 'string') return encoding.count(content)
  if (!content) return 0
  let tokens = 0
  for (const part of content) tokens += countPart(part, model, encoding, api)
  return tokens
}

function countPart(part: ContentPart, model: Model, encoding: TokenCounter, api: PromptApi): number {
  switch (part.type) {
    case 'text':
      return encoding.count(part.text)
    case 'refusal':
      return encoding.count(part.refusal)
    case 'image_url':
      return countImagePart(part.image_url, model)
    case 'input_audio':
      return countAudioPart(part.input_audio)
    case 'file':
      return countFilePart(part.file, encoding, api)
    default:
      return 0
  }
}

/** The name of a single call counts twice: in the call and in its result. */
function countToolCalls(calls: readonly ToolCall[], model: Model, encoding: TokenCounter): number {
  const { callOverhead } = promptFamily(model)
  const [first] = calls
  if (calls.length === 1 && first) {
    const { name, input } = calledTool(first)
    return TOKENS_PER_CALL + callOverhead + 2 * encoding.count(name) + encoding.count(input)
  }
  const list = `{"tool_uses":[${calls.map(listedCall).join(',')}]}`
  return (
    TOKENS_PER_PARALLEL_MESSAGE -
    SAVED_PER_PARALLEL_RESULT * calls.length +
    callOverhead +
    encoding.count(list)
  )
}

function calledTool(call: ToolCall): { readonly name: string; readonly input: string } {
  return call.type === 'custom' ? call.custom : { name: call.function.name, input: call.function.arguments }
}

/** An entry of the array of parallel calls. It contains the arguments as JSON without spaces. */
function listedCall(call: ToolCall): string {
  const { name, input } = calledTool(call)
  const parameters = call.type === 'custom' ? JSON.stringify(input) : compact(input)
  return `{"recipient_name":${JSON.stringify(`functions.${name}`)},"parameters":${parameters}}`
}

/** Returns invalid or too deeply nested JSON as a JSON string. */
function compact(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json))
  } catch {
    return JSON.stringify(json)
  }
}
