import type { TokenCounter } from '../../tokens/encoding.ts'
import { countFilePart, countAudioPart } from './message-tokens-files.ts'
import { countImagePart } from './image-tokens.ts'
import type { Model } from '../models/models.ts'
import { promptFamily } from './prompt-tokens-family.ts'
import {
  callsOf,
  nameOf,
  type ChatMessage,
  type ContentPart,
  type MessageContent,
  type ToolCall,
} from './chat-message.ts'

/** Tokens around each message: its start, the end of its head, its end. */
const tokensPerMessage = 3

/** Every role is one token. */
const tokensPerRole = 1

/** A name is followed by one token of its own. */
const tokensPerName = 1

/** The address of a called function: " to=functions" and its dot, and as much where its result comes from. */
const tokensPerCall = 5

/** An older `function_call` has no result of its own shape. */
const tokensPerFunctionCall = 3

/** Calls that were made side by side are one call of a tool that takes a list. */
const tokensPerParallelTurn = 20

/** The results of such a turn come back as one message, where single ones are a message each. */
const savedPerParallelResult = 4

/**
 * The tokens of one message, after OpenAI's cookbook ("How to count tokens with tiktoken"), which matches every
 * captured bill of text. Calls of tools are not documented; the constants fit bills of 2024 to 2026.
 */
export function countMessage(message: ChatMessage, model: Model, encoding: TokenCounter): number {
  const { role, content } = message
  const { tool_calls: calls, function_call: call } = callsOf(message)
  const name = nameOf(message)
  let tokens = tokensPerMessage + tokensPerRole + countContent(content, model, encoding)
  // The name of a function's result stands in place of the role.
  if (name) tokens += encoding.count(name) + (role === 'function' ? -tokensPerRole : tokensPerName)
  if (calls?.length) tokens += countToolCalls(calls, model, encoding)
  if (call) tokens += tokensPerFunctionCall + encoding.count(call.name) + encoding.count(call.arguments)
  return tokens
}

function countContent(content: MessageContent | undefined, model: Model, encoding: TokenCounter): number {
  if (typeof content === 'string') return encoding.count(content)
  if (!content) return 0
  let tokens = 0
  for (const part of content) tokens += countPart(part, model, encoding)
  return tokens
}

function countPart(part: ContentPart, model: Model, encoding: TokenCounter): number {
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
      return countFilePart(part.file, encoding)
    default:
      return 0
  }
}

/** The called name counts twice, in the call and in its result, which a message of its own brings. */
function countToolCalls(calls: readonly ToolCall[], model: Model, encoding: TokenCounter): number {
  const { callOverhead } = promptFamily(model)
  const [first] = calls
  if (calls.length === 1 && first) {
    const { name, input } = calledTool(first)
    return tokensPerCall + callOverhead + 2 * encoding.count(name) + encoding.count(input)
  }
  const list = `{"tool_uses":[${calls.map(listedCall).join(',')}]}`
  return tokensPerParallelTurn - savedPerParallelResult * calls.length + callOverhead + encoding.count(list)
}

function calledTool(call: ToolCall): { readonly name: string; readonly input: string } {
  return call.type === 'custom' ? call.custom : { name: call.function.name, input: call.function.arguments }
}

/** The list holds the arguments as JSON without spaces, whatever text they came as. */
function listedCall(call: ToolCall): string {
  const { name, input } = calledTool(call)
  const parameters = call.type === 'custom' ? JSON.stringify(input) : compact(input)
  return `{"recipient_name":${JSON.stringify(`functions.${name}`)},"parameters":${parameters}}`
}

/** A text that is no JSON, or nested too deeply to be written, stays a text. */
function compact(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json))
  } catch {
    return JSON.stringify(json)
  }
}
