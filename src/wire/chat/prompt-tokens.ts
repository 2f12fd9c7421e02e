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
  type FileReference,
} from './chat-request.ts'
import type { TextOrTokens } from '../completions/completions-request.ts'
import { countFormat, countToolChoice, countTools } from './tool-tokens.ts'
import { countImagePart } from './image-tokens.ts'

/** The API through which a prompt comes, which decides what the frame of tools and formats costs. */
export type PromptApi = 'chat' | 'responses'

/**
 * The prompt tokens that a chat request is billed: its messages, what opens the answer, and the text that tells the
 * model of tools and of the answer's form. docs/tokens.md has the rules and how well they fit.
 *
 * @param api the Responses API has a system message of its own that is not billed, so tools and formats cost less
 */
export function countChatPrompt(
  request: ChatRequest,
  model: Model,
  encoding: TokenCounter,
  api: PromptApi = 'chat',
): number {
  let tokens = promptFamily(model).priming
  for (const message of request.messages) tokens += countMessage(message, model, encoding)
  const { tools, functions, response_format: format } = request
  if (tools?.length || functions?.length || format?.type === 'json_schema') {
    tokens += countInstructions(request, model, encoding, api)
  }
  return tokens
}

/** Less than the text of the tools by itself, as it merges with what is around it. */
const TOOLS_MERGE_TOKENS = -3
/** The line feed after the schema. */
const FORMAT_END_TOKENS = 1
/** What the system message costs that chat needs to hold them, where the request has none of its own. */
const frameTokens = { tools: 6, format: 7, both: 6 }
/** So much less where the request has a system message, which then holds them. */
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

/** Longer words are cut; what a text ends with decides alone. */
const MAX_LAST_WORD_LENGTH = 32

/** Tokens of the empty line after a text: none when it merges with a full stop. */
function countEmptyLine(text: string, encoding: TokenCounter): number {
  const tail = text.slice(-MAX_LAST_WORD_LENGTH)
  const lastWord = tail.slice(Math.max(0, tail.lastIndexOf(' ')))
  return encoding.count(`${lastWord}\n\n`) - encoding.count(lastWord)
}

/** The prompts of a legacy completions or embeddings request, one by one: a text, or the numbers of its tokens. */
export function splitInputs(input: TextOrTokens): (string | readonly number[])[] {
  if (typeof input === 'string') return [input]
  if (isTokens(input)) return [input]
  return [...input]
}

function isTokens(input: readonly unknown[]): input is readonly number[] {
  return typeof input[0] === 'number'
}

/** Tokens of one prompt; a list of token numbers is already counted. */
export function countInput(input: string | readonly number[], encoding: TokenCounter): number {
  return typeof input === 'string' ? encoding.count(input) : input.length
}

/** Tokens around each message: its start, the end of its head, its end. */
const TOKENS_PER_MESSAGE = 3

/** Every role is one token. */
const TOKENS_PER_ROLE = 1

/** A name is followed by one token of its own. */
const TOKENS_PER_NAME = 1

/** The address of a called function: " to=functions" and its dot, and as much where its result comes from. */
const TOKENS_PER_CALL = 5

/** An older `function_call` has no result of its own shape. */
const TOKENS_PER_FUNCTION_CALL = 3

/** Calls that were made side by side are one call of a tool that takes a list. */
const TOKENS_PER_PARALLEL_MESSAGE = 20

/** The results of such a turn come back as one message, where single ones are a message each. */
const SAVED_PER_PARALLEL_RESULT = 4

/**
 * The tokens of one message, after OpenAI's cookbook ("How to count tokens with tiktoken"), which matches every
 * captured bill of text. Calls of tools are not documented; the constants fit bills of 2024 to 2026.
 */
function countMessage(message: ChatMessage, model: Model, encoding: TokenCounter): number {
  const { role, content } = message
  const { tool_calls: calls, function_call: call } = callsOf(message)
  const name = nameOf(message)
  let tokens = TOKENS_PER_MESSAGE + TOKENS_PER_ROLE + countContent(content, model, encoding)
  // The name of a function's result stands in place of the role.
  if (name) tokens += encoding.count(name) + (role === 'function' ? -TOKENS_PER_ROLE : TOKENS_PER_NAME)
  if (calls?.length) tokens += countToolCalls(calls, model, encoding)
  if (call) tokens += TOKENS_PER_FUNCTION_CALL + encoding.count(call.name) + encoding.count(call.arguments)
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

/** How a generation of models frames a conversation, in tokens that every request of it is billed. */
export interface PromptFamily {
  /** What opens the answer: 3 until 2024, 2 for models that think before they answer and for the gpt-5 family. */
  readonly priming: number
  /** What a request with tools pays beside the tools' own text. */
  readonly toolsOverhead: number
  /** What an earlier turn that called tools pays beside the plain form. */
  readonly callOverhead: number
}

const plain: PromptFamily = { priming: 3, toolsOverhead: 0, callOverhead: 0 }
/** The encoding of gpt-4 and gpt-35-turbo goes with an older form of calls (a bill of gpt-3.5-turbo, 2024-07). */
const older: PromptFamily = { ...plain, callOverhead: -1 }
const oSeries: PromptFamily = { priming: 2, toolsOverhead: 0, callOverhead: 0 }
/**
 * The gpt-5 family speaks in channels ("harmony"): with tools it is told of them at length. 85 and 6 are what captured
 * bills of gpt-5-nano (2026-02) have above the same requests to gpt-4o-mini.
 */
const channels: PromptFamily = { priming: 2, toolsOverhead: 85, callOverhead: 6 }

/**
 * The family of a model. Bills of gpt-5, gpt-5-nano, gpt-5.2-chat and gpt-5.4 (2025-08 to 2026-07), o3-mini and
 * o4-mini (2026) have a priming of 2, all others of 3.
 */
function promptFamily(model: Model): PromptFamily {
  if (model.name.startsWith('gpt-5')) return channels
  if (!model.reasoning) return model.encoding === 'cl100k_base' ? older : plain
  return /^o\d/.test(model.name) ? oSeries : channels
}

/** Audio counts ten tokens a second (OpenAI, "Pricing" of gpt-4o-audio: a minute of input is about 600 tokens). */
const AUDIO_TOKENS_PER_SECOND = 10

/** Bytes of a second of sound, by format: 24 kHz of 16 bits for wav, 128 kbit for mp3, the common choices. */
const bytesPerSecond = { wav: 48_000, mp3: 16_000 }

/** A page of a document has so many bytes and tokens, roughly; nothing is read of the document itself. */
const BYTES_PER_PAGE = 50_000
const TOKENS_PER_PAGE = 1_000

/** Larger texts are reckoned at four characters a token, so that a file does not hold up other requests. */
const MAX_COUNTED_BYTES = 200_000

/** An estimate of what a recording costs, from its size alone. */
function countAudioPart({ data, format }: { readonly data: string; readonly format: string }): number {
  const perSecond = format === 'mp3' ? bytesPerSecond.mp3 : bytesPerSecond.wav
  return Math.ceil((base64Bytes(data.length) / perSecond) * AUDIO_TOKENS_PER_SECOND)
}

/**
 * An estimate of what a document costs: text is counted, any other document is reckoned in pages by its size. A file
 * that was uploaded before counts as one page, since the simulator does not have it.
 */
function countFilePart({ file_data: data, filename }: FileReference, encoding: TokenCounter): number {
  const name = filename ? encoding.count(filename) : 0
  if (!data) return name + TOKENS_PER_PAGE
  const comma = data.startsWith('data:') ? data.indexOf(',') : -1
  const size = base64Bytes(data.length - comma - 1)
  if (data.startsWith('data:text/')) {
    if (size > MAX_COUNTED_BYTES) return name + Math.ceil(size / 4)
    return name + encoding.count(Buffer.from(data.slice(comma + 1), 'base64').toString())
  }
  return name + Math.ceil(size / BYTES_PER_PAGE) * TOKENS_PER_PAGE
}

function base64Bytes(chars: number): number {
  return Math.floor((chars * 3) / 4)
}
