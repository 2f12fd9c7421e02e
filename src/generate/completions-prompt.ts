import { countInput, splitInputs } from '../wire/chat/prompt-tokens.ts'
import type { TextOrTokens } from '../wire/completions/completions-request.ts'
import type { Encoding, TokenCounter } from '../tokens/encoding.ts'
import type { EchoedPrompt } from '../wire/completions/write-completion.ts'

/** What the service takes for a prompt when there is none: the start of a document. One token. */
const emptyPrompt = '<|endoftext|>'

/** One prompt of a legacy completion. */
export interface CompletionPrompt extends EchoedPrompt {
  readonly tokenCount: number
}

/**
 * The prompts of a request, one by one; a request without any has the empty one.
 *
 * @param counter counts as the encoding does
 */
export function readPrompts(
  input: TextOrTokens | null | undefined,
  encoding: Encoding,
  counter: TokenCounter = encoding,
): readonly CompletionPrompt[] {
  return splitInputs(input ?? emptyPrompt).map((prompt) => createPrompt(prompt, encoding, counter))
}

function createPrompt(
  prompt: string | readonly number[],
  encoding: Encoding,
  counter: TokenCounter,
): CompletionPrompt {
  if (prompt === emptyPrompt) {
    return { tokenCount: 1, readText: () => emptyPrompt, readTokens: () => [emptyPrompt] }
  }
  const isText = typeof prompt === 'string'
  return {
    tokenCount: countInput(prompt, counter),
    readText: () => (isText ? prompt : encoding.decode(prompt)),
    readTokens: () => decodeEach(isText ? encoding.encode(prompt) : prompt, encoding),
  }
}

/** A character has at most four bytes, so at most four tokens share it; what lasts longer is not UTF-8. */
const mostTokensOfCharacter = 4

function decodeEach(tokens: readonly number[], encoding: Encoding): string[] {
  let pending: number[] = []
  return tokens.map((token, index) => {
    pending.push(token)
    const text = encoding.decode(pending)
    const unfinished = text.endsWith('\uFFFD') && index < tokens.length - 1
    if (unfinished && pending.length < mostTokensOfCharacter) return ''
    pending = []
    return text
  })
}
