import type { TokenCounter } from '../../tokens/encoding.ts'
import { countMessage, promptFamily } from './message-tokens.ts'
import type { Model } from '../models/models.ts'
import type { ChatRequest } from './chat-request.ts'
import type { TextOrTokens } from '../completions/completions-request.ts'
import { countFormat, countToolChoice, countTools } from './tool-tokens.ts'

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
const toolsMerge = -3
/** The line feed after the schema. */
const formatEnd = 1
/** What the system message costs that chat needs to hold them, where the request has none of its own. */
const frames = { tools: 6, format: 7, both: 6 }
/** So much less where the request has a system message, which then holds them. */
const savedBySystemMessage = 4

function countInstructions(
  request: ChatRequest,
  model: Model,
  encoding: TokenCounter,
  api: PromptApi,
): number {
  const tools = countTools(request, encoding)
  const format = countFormat(request.response_format, encoding)
  let tokens = tools + format + countToolChoice(request, encoding)
  if (tools > 0) tokens += toolsMerge + promptFamily(model).toolsOverhead
  if (format > 0) tokens += formatEnd
  if (api === 'responses') return tokens
  tokens += tools > 0 && format > 0 ? frames.both : tools > 0 ? frames.tools : frames.format
  const system = systemText(request)
  return system === undefined ? tokens : tokens - savedBySystemMessage + countJoin(system, encoding)
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
const longestLastWord = 32

/** Tokens of the empty line after a text: none when it merges with a full stop. */
function countJoin(text: string, encoding: TokenCounter): number {
  const tail = text.slice(-longestLastWord)
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
