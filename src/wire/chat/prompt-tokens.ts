import type { TokenCounter } from '../../tokens/encoding.ts'
import type { Model } from '../models/models.ts'
import {
  type ChatRequest,
  callsOf,
  nameOf,
  type ChatMessage,
  type ContentPart,
  type MessageContent,
  type ToolCall,
} from './chat-request.ts'
import type { TextOrTokens } from '../completions/completions-request.ts'
import { countFormat, countToolChoice, countTools } from './tool-tokens.ts'
import { promptFamily } from './prompt-family.ts'
import { countImagePart } from './image-tokens.ts'
import { countAudioPart, countFilePart } from './file-tokens.ts'

/** The API of the request. The overhead of tools and formats depends on it. */
export type PromptApi = 'chat' | 'responses'

/**
 * Counts the billed prompt tokens of a chat request: its messages, the start of the answer, and the text that describes tools and
 * the response format to the model. For the rules and their accuracy, see docs/tokens.md.
 *
 * @param api with the Responses API, tools and formats cost less: the system message that contains them is not billed
 */
export function countChatPrompt(
  request: ChatRequest,
  model: Model,
  encoding: TokenCounter,
  api: PromptApi = 'chat',
): number {
  let tokens = promptFamily(model).priming
  for (const message of request.messages) tokens += countMessage(message, model, encoding, api)
  const { tools, functions, response_format: format } = request
  if (tools?.length || functions?.length || format?.type === 'json_schema') {
    tokens += countInstructions(request, model, encoding, api)
  }
  return tokens
}

/** The text of tools costs less in a prompt than alone, since its tokens merge with the text around it. */
const TOOLS_MERGE_TOKENS = -3
/** For the line feed after the schema. */
const FORMAT_END_TOKENS = 1
/** In chat, tools and formats are in a system message. This is its cost. */
const frameTokens = { tools: 6, format: 7, both: 6 }
/** Subtracted if the request has a system message, which then contains them. */
const SAVED_BY_SYSTEM_MESSAGE = 4

function countInstructions(
  request: ChatRequest,
  model: Model,
  encoding: TokenCounter,
  api: PromptApi,
): number {
  const tools = countTools(request, encoding)
  const format = countFormat(request.response_format, encoding)
  let tokens = tools + format + countToolChoice(request, encoding)
  if (tools > 0) tokens += TOOLS_MERGE_TOKENS + promptFamily(model).toolsOverhead
  if (format > 0) tokens += FORMAT_END_TOKENS
  if (api === 'responses') return tokens
  tokens += tools > 0 && format > 0 ? frameTokens.both : tools > 0 ? frameTokens.tools : frameTokens.format
  const system = systemText(request)
  return system === undefined ? tokens : tokens - SAVED_BY_SYSTEM_MESSAGE + countEmptyLine(system, encoding)
}

function systemText({ messages }: ChatRequest): string | undefined {
  const system = messages.find(({ role }) => role === 'system' || role === 'developer')
  if (!system) return undefined
  const { content } = system
  if (typeof content === 'string') return content
  const last = content?.at(-1)
  return last?.type === 'text' ? last.text : ''
}

/** Only the last characters of a text are relevant. */
const MAX_LAST_WORD_LENGTH = 32

/** Counts the tokens of an empty line after a text. 0 if it merges with a full stop. */
function countEmptyLine(text: string, encoding: TokenCounter): number {
  const tail = text.slice(-MAX_LAST_WORD_LENGTH)
  const lastWord = tail.slice(Math.max(0, tail.lastIndexOf(' ')))
  return encoding.count(`${lastWord}\n\n`) - encoding.count(lastWord)
}

/** Returns the prompts of a legacy completions or embeddings request as an array of strings or arrays of token ids. */
export function splitInputs(input: TextOrTokens): (string | readonly number[])[] {
  if (typeof input === 'string') return [input]
  if (isTokens(input)) return [input]
  return [...input]
}

function isTokens(input: readonly unknown[]): input is readonly number[] {
  return typeof input[0] === 'number'
}

/** Counts the tokens of one prompt, a string or token ids. */
export function countInput(input: string | readonly number[], encoding: TokenCounter): number {
  return typeof input === 'string' ? encoding.count(input) : input.length
}

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
function countMessage(message: ChatMessage, model: Model, encoding: TokenCounter, api: PromptApi): number {
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
