import type { TokenCounter } from '../../tokens/encoding.ts'
import type { Model } from '../models/models.ts'
import type { ChatRequest } from './chat-request.ts'
import type { TextOrTokens } from '../completions/completions-request.ts'
import { countFormat, countToolChoice, countTools } from './tool-tokens.ts'
import { promptFamily } from './prompt-family.ts'
import { countMessage } from './message-tokens.ts'

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
