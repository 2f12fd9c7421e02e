import type { Encoding } from '../tokens/encoding.ts'
import type { Model } from './models.ts'
import type { ChatMessage, MessageContent } from './requests/chat-message.ts'
import type { ChatRequest } from './requests/chat-request.ts'
import type { TextOrTokens } from './requests/completions-request.ts'

/** Tokens around each message: its start, the line feed after the role, its end. */
const tokensPerMessage = 3

/** Every role is one token. */
const tokensPerRole = 1

/** A name is followed by one token of its own. */
const tokensPerName = 1

/**
 * The prompt tokens that a chat request is billed, after the formula of OpenAI's cookbook ("How to count tokens with
 * tiktoken"), which matches every captured bill without tools to the token. The gpt-5 family bills one less.
 */
export function countChatPrompt(request: ChatRequest, model: Model, encoding: Encoding): number {
  let tokens = model.name.startsWith('gpt-5') ? 2 : 3
  for (const message of request.messages) tokens += countMessage(message, encoding)
  return tokens
}

function countMessage(message: ChatMessage, encoding: Encoding): number {
  const name = message.name ? tokensPerName + encoding.count(message.name) : 0
  return tokensPerMessage + tokensPerRole + name + countContent(message.content, encoding)
}

function countContent(content: MessageContent | undefined, encoding: Encoding): number {
  if (typeof content === 'string') return encoding.count(content)
  if (!content) return 0
  return content.reduce((tokens, part) => tokens + (part.type === 'text' ? encoding.count(part.text) : 0), 0)
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
export function countInput(input: string | readonly number[], encoding: Encoding): number {
  return typeof input === 'string' ? encoding.count(input) : input.length
}
