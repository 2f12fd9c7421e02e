import type { TokenCounter } from '../../tokens/encoding.ts'
import type { Model } from '../models/models.ts'
import type { ChatMessage, ChatRequest } from './chat-request.ts'
import type { TextOrTokens } from '../completions/completions-request.ts'
import { countFormat, countToolChoice, countTools } from './tool-tokens.ts'
import { promptFamily } from './prompt-family.ts'
import { countMessages } from './message-tokens.ts'

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
  let tokens = promptFamily(model).priming + countMessages(request.messages, model, encoding, api)
  const { tools, functions, response_format: format } = request
  if (tools?.length || functions?.length || format?.type === 'json_schema') {
    tokens += countInstructions(request, model, encoding, api)
  }
  return tokens
}

/** A message of the service contains the tools and the format if the request has no system message. */
const OWN_MESSAGE_TOKENS = 4
/** The empty line before a text. */
const EMPTY_LINE_TOKENS = 1

/**
 * Counts the text that describes tools and the response format to the model. In chat, it is at the end of the system message, or in a
 * separate message. In the Responses API, it continues a message that the service does not bill, including the heading of the tools.
 */
function countInstructions(
  request: ChatRequest,
  model: Model,
  encoding: TokenCounter,
  api: PromptApi,
): number {
  const { tools, functions, response_format: format, parallel_tool_calls: parallel } = request
  const family = promptFamily(model)
  const ownMessage = family.instructions === 'own'
  const hasTools = Boolean(tools?.length || functions?.length)
  const hasFormat = format?.type === 'json_schema'
  let tokens = countFormat(format, encoding)
  if (hasTools) {
    tokens += countTools(request, family, encoding) + family.toolsCorrection
    if (api === 'chat' || (parallel === false && family.toolListing === 'headings'))
      tokens += encoding.count(family.toolsHeading)
    // Below headings, the tools already end with an empty line.
    if (hasFormat && family.toolListing === 'namespace') tokens += EMPTY_LINE_TOKENS
  }
  if (!ownMessage) tokens += countToolChoice(request, encoding, api)
  if (api === 'responses') return ownMessage ? tokens : tokens + EMPTY_LINE_TOKENS
  if (hasFormat) tokens += countFormatHeaders(request, encoding, !ownMessage && !hasTools)
  const system = ownMessage ? undefined : systemText(request)
  return tokens + (system === undefined ? OWN_MESSAGE_TOKENS : countEmptyLine(system, encoding))
}

/** The header of an answer in JSON names its format. */
const FORMAT_HEADER_TOKENS = 2

/**
 * Counts the names of the format in the headers of answers. If the model can only answer with JSON and does not reason, the start of
 * the answer has this header too.
 */
function countFormatHeaders(
  { messages, response_format: format }: ChatRequest,
  encoding: TokenCounter,
  startsAnswer: boolean,
): number {
  if (format?.type !== 'json_schema') return 0
  let headers = startsAnswer ? 1 : 0
  for (const message of messages) if (isJsonAnswer(message)) headers += 1
  return headers === 0 ? 0 : headers * (FORMAT_HEADER_TOKENS + encoding.count(format.json_schema.name))
}

function isJsonAnswer({ role, content }: ChatMessage): boolean {
  if (role !== 'assistant' || !content) return false
  const [first] = content
  const text = typeof first === 'object' ? (first.type === 'text' ? first.text : '') : content
  return typeof text === 'string' && /^\s*\{/.test(text)
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
