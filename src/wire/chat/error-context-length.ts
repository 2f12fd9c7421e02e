import { modelError, type ServiceError } from '../errors.ts'

/** The tokens of a chat request that is too long for its model. */
export interface ChatTokens {
  readonly contextTokens: number
  readonly messageTokens: number
  /** Tokens of the tool or function definitions, if any. */
  readonly functionTokens?: number
  /** The requested maximum of completion tokens, if any. */
  readonly completionTokens?: number
}

/** 400: messages, functions and requested completion together exceed the model's context. */
export function contextLengthExceeded(tokens: ChatTokens): ServiceError {
  const message = `This model's maximum context length is ${tokens.contextTokens} tokens. However, ${describeExcess(tokens)}`
  return modelError(message, 'messages', 'context_length_exceeded')
}

function describeExcess({ messageTokens, functionTokens = 0, completionTokens = 0 }: ChatTokens): string {
  const total = messageTokens + functionTokens + completionTokens
  const inMessages = `${messageTokens} in the messages`
  if (completionTokens > 0 && functionTokens > 0) {
    return `you requested ${total} tokens (${inMessages}, ${functionTokens} in the functions, and ${completionTokens} in the completion). Please reduce the length of the messages, functions, or completion.`
  }
  if (completionTokens > 0) {
    return `you requested ${total} tokens (${inMessages}, ${completionTokens} in the completion). Please reduce the length of the messages or completion.`
  }
  if (functionTokens > 0) {
    return `your messages resulted in ${total} tokens (${inMessages}, ${functionTokens} in the functions). Please reduce the length of the messages or functions.`
  }
  return `your messages resulted in ${total} tokens. Please reduce the length of the messages.`
}

/** The tokens of a legacy completion or an embeddings input that is too long for its model. */
export interface PromptTokens {
  readonly contextTokens: number
  readonly promptTokens: number
  /** 0 for embeddings. */
  readonly completionTokens: number
}

/** 400: like `contextLengthExceeded`, with the text of legacy completions and embeddings. */
export function promptLengthExceeded(tokens: PromptTokens): ServiceError {
  const { contextTokens, promptTokens, completionTokens } = tokens
  return modelError(
    `This model's maximum context length is ${contextTokens} tokens, however you requested ${promptTokens + completionTokens} tokens (${promptTokens} in your prompt; ${completionTokens} for the completion). Please reduce your prompt; or completion length.`,
    null,
    null,
  )
}

/** The message of the 400 for a request that asks for a longer completion than the model ever writes. `param` is its field. */
export function maxTokensTooLargeText(param: string, requested: number, maxOutputTokens: number): string {
  return `${param} is too large: ${requested}. This model supports at most ${maxOutputTokens} completion tokens, whereas you provided ${requested}.`
}
