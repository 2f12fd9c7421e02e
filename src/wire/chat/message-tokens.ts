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
import { audioTokensOf } from './audio-ids.ts'
import { countAudioPart, countFilePart } from './file-tokens.ts'
import { countImagePart } from './image-tokens.ts'
import { marksEveryCall, usesChannels } from './prompt-family.ts'
import type { PromptApi } from './prompt-tokens.ts'

/** The start of a message, its role, the end of its header, and its end. */
const TOKENS_PER_MESSAGE = 4

/** The role of a message, which the name replaces in the result of a function. */
const TOKENS_PER_ROLE = 1

/** The channel of an earlier answer: `final`. */
const TOKENS_PER_CHANNEL = 2

/** The channel of a text before calls, which has one token more: `commentary`. */
const TOKENS_PER_COMMENTARY_CHANNEL = 3

/** The tool that makes parallel calls, as the model sees it. */
const PARALLEL_TOOL = 'multi_tool_use.parallel'

/**
 * How the prompt contains an earlier call and its result, which are a message each. For example, the models of 2024 get
 * `<|im_start|>assistant to=functions.add<|im_sep|>{"a":1}<|im_end|>`. The numbers are tokens without the name of the tool, and are
 * derived from bills of requests that only differ in their last messages (2025 and 2026).
 */
interface CallFormat {
  /** The header and the end of a call. */
  readonly call: number
  /** The header and the end of a result. */
  readonly result: number
  /** Whether the author of a result is `functions.add` instead of `add`. */
  readonly qualifiedAuthor: boolean
  /** Whether parallel calls are one call of `PARALLEL_TOOL`. */
  readonly joinedCalls: boolean
  /** Whether the results of parallel calls are one message with an array. */
  readonly joinedResults: boolean
  /** Whether arguments are written again as JSON without spaces. */
  readonly compactArguments: boolean
}

const chat = { qualifiedAuthor: false, joinedCalls: true, joinedResults: true, compactArguments: true }
const responses = { qualifiedAuthor: true, joinedResults: false, compactArguments: false }

const chatPlain: CallFormat = { ...chat, call: 6, result: 6 }
const chatChannels: CallFormat = { ...chat, call: 9, result: 9 }
const responsesPlain: CallFormat = { ...responses, call: 6, result: 3, joinedCalls: false }
/** Three tokens of a call mark its arguments as JSON: ` <|constrain|>json`. */
const responsesChannels: CallFormat = { ...responses, call: 12, result: 6, joinedCalls: true }
const responsesUnmarked: CallFormat = { ...responsesChannels, call: 9 }

function callFormat(model: Model, api: PromptApi): CallFormat {
  const channels = usesChannels(model)
  if (api === 'chat') return channels ? chatChannels : chatPlain
  if (!channels) return responsesPlain
  return marksEveryCall(model) ? responsesChannels : responsesUnmarked
}

/**
 * Counts the messages of a conversation according to OpenAI's cookbook ("How to count tokens with tiktoken"), which matches all
 * captured usage of text. Names, earlier answers of reasoning models, and calls are not documented. Their rules match bills.
 */
export function countMessages(
  messages: readonly ChatMessage[],
  model: Model,
  encoding: TokenCounter,
  api: PromptApi,
): number {
  const answerTokens = usesChannels(model) ? TOKENS_PER_CHANNEL : 0
  let context: CallContext | undefined
  let tokens = 0
  /** The results of the parallel calls before. */
  let results: ChatMessage[] | undefined
  for (const message of messages) {
    const { role } = message
    if (results && context) {
      if (role === 'tool') {
        results.push(message)
        continue
      }
      tokens += countJoinedResults(results, context)
      results = undefined
    }
    const name = nameOf(message)
    if (name) tokens += countName(role, name, encoding)
    const content = countContent(message.content, model, encoding, api)
    const { tool_calls: calls, function_call: call } = callsOf(message)
    if (calls?.length || call) {
      context ??= createCallContext(model, encoding, api)
      if (calls?.length) tokens += countCalls(calls, context)
      else if (call) tokens += countCall({ name: call.name, input: call.arguments }, context)
      // A text before calls is a separate message.
      if (content > 0)
        tokens += TOKENS_PER_MESSAGE + content + (answerTokens && TOKENS_PER_COMMENTARY_CHANNEL)
      if (calls && calls.length > 1 && context.format.joinedResults) results = []
    } else {
      tokens += TOKENS_PER_MESSAGE + content
      if (role === 'assistant') tokens += answerTokens + spokenTokens(message)
    }
  }
  return results && context ? tokens + countJoinedResults(results, context) : tokens
}

/** The tokens of an earlier audio answer. */
function spokenTokens({ role, audio }: ChatMessage): number {
  return role === 'assistant' && audio ? audioTokensOf(audio.id) : 0
}

/** Counts the tokens of all audio in the messages: that of the user, and earlier audio answers. */
export function countPromptAudio(messages: readonly ChatMessage[]): number {
  let tokens = 0
  for (const message of messages) {
    const { content } = message
    tokens += spokenTokens(message)
    if (typeof content === 'string' || !content) continue
    for (const part of content) if (part.type === 'input_audio') tokens += countAudioPart(part.input_audio)
  }
  return tokens
}

/** How to count the calls of one request. */
interface CallContext {
  readonly format: CallFormat
  readonly encoding: TokenCounter
  /** Writes JSON without spaces. Returns undefined for other text. */
  readonly compact: (text: string) => string | undefined
}

/** JSON in calls and results is rewritten up to this length per request, so that it does not block other requests. In characters. */
const MAX_REWRITTEN_LENGTH = 256 * 1024

function createCallContext(model: Model, encoding: TokenCounter, api: PromptApi): CallContext {
  let left = MAX_REWRITTEN_LENGTH
  const compact = (text: string): string | undefined => {
    if (text.length > left) return undefined
    left -= text.length
    try {
      return JSON.stringify(JSON.parse(text))
    } catch {
      // Not JSON, or too deeply nested.
      return undefined
    }
  }
  return { format: callFormat(model, api), encoding, compact }
}

/** The name follows the role and a colon: `user:Anna`. In the result of a function, it replaces the role. */
function countName(role: ChatMessage['role'], name: string, encoding: TokenCounter): number {
  return role === 'function' ? encoding.count(name) - TOKENS_PER_ROLE : encoding.count(`:${name}`)
}

/** Counts calls, and the headers of their results. The messages of results are counted with a role instead of an author. */
function countCalls(calls: readonly ToolCall[], context: CallContext): number {
  const { format, encoding } = context
  const joined = calls.length > 1 && format.joinedCalls
  let tokens = joined ? countJoinedCalls(calls, context) : 0
  if (joined && format.joinedResults) return tokens
  for (const call of calls) {
    const called = calledTool(call)
    if (!joined) tokens += countCall(called, context)
    tokens += format.result - TOKENS_PER_MESSAGE
    tokens += encoding.count(format.qualifiedAuthor ? qualified(called) : called.name)
  }
  return tokens
}

/** A called tool. `input` is JSON text, or free text for a custom tool. */
interface CalledTool {
  readonly name: string
  readonly input: string
}

function countCall(called: CalledTool, { format, encoding, compact }: CallContext): number {
  const input = (format.compactArguments && compact(called.input)) || called.input
  return format.call + encoding.count(qualified(called)) + encoding.count(input)
}

function qualified({ name }: CalledTool): string {
  return `functions.${name}`
}

function countJoinedCalls(calls: readonly ToolCall[], { format, encoding, compact }: CallContext): number {
  const list = `{"tool_uses":[${calls.map((call) => listedCall(call, compact)).join(',')}]}`
  return format.call + encoding.count(PARALLEL_TOOL) + encoding.count(list)
}

function countJoinedResults(
  results: readonly ChatMessage[],
  { format, encoding, compact }: CallContext,
): number {
  if (results.length === 0) return 0
  const array = `[${results.map(({ content }) => listedResult(textOf(content), compact)).join(', ')}]`
  return format.result + encoding.count(PARALLEL_TOOL) + encoding.count(array)
}

function calledTool(call: ToolCall): CalledTool {
  return call.type === 'custom' ? call.custom : { name: call.function.name, input: call.function.arguments }
}

/** An entry of the array of parallel calls. It contains the arguments as JSON without spaces. */
function listedCall(call: ToolCall, compact: CallContext['compact']): string {
  const called = calledTool(call)
  const parameters = (call.type === 'function' && compact(called.input)) || JSON.stringify(called.input)
  return `{"recipient_name":${JSON.stringify(qualified(called))},"parameters":${parameters}}`
}

/** An entry of the array of parallel results: a string, or JSON with spaces and without characters outside ASCII. */
function listedResult(text: string, compact: CallContext['compact']): string {
  const json = /^\s*[[{]/.test(text) ? compact(text) : undefined
  if (json === undefined) return JSON.stringify(text)
  const spaced = json.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|[,:]/g, (token) =>
    token.length === 1 ? `${token} ` : token,
  )
  return spaced.replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
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
  let texts: string[] = []
  for (const part of content) {
    if (part.type === 'text' || part.type === 'refusal') {
      texts.push(part.type === 'text' ? part.text : part.refusal)
      continue
    }
    if (texts.length > 0) tokens += encoding.count(texts.join(''))
    texts = []
    tokens += countPart(part, model, encoding, api)
  }
  return texts.length > 0 ? tokens + encoding.count(texts.join('')) : tokens
}

function textOf(content: MessageContent | undefined): string {
  if (typeof content === 'string') return content
  return content?.map((part) => (part.type === 'text' ? part.text : '')).join('') ?? ''
}

function countPart(
  part: Exclude<ContentPart, { type: 'text' | 'refusal' }>,
  model: Model,
  encoding: TokenCounter,
  api: PromptApi,
): number {
  switch (part.type) {
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
