/** Tokens as the service bills them. */
export interface Usage {
  readonly promptTokens: number
  readonly outputTokens: number
}

/** What a body says beside its text. */
export interface AnswerReading {
  readonly usage: Usage | undefined
  /** Events with text in them; 0 for a whole answer. */
  readonly tokenEvents: number
  /** Whether the answer came to its end, and no error in between. */
  readonly isComplete: boolean
  /** The message of an error in the body or the stream. */
  readonly errorMessage: string | undefined
}

/** Reads one body as it comes in. */
export interface AnswerReader {
  /** Takes the next part of the body. Gives how many events with text it completed. */
  take(text: string): number
  /** What was read so far. */
  reading(): AnswerReading
}

/** Reads a body that is one JSON value. */
export function createWholeReader(): AnswerReader {
  let body = ''
  return {
    take(text) {
      body += text
      return 0
    },
    reading() {
      const { error, usage } = parseObject(body)
      return {
        usage: readUsage(usage),
        tokenEvents: 0,
        isComplete: true,
        errorMessage: messageOf(error),
      }
    },
  }
}

/** Reads a stream of chat completions, completions or responses. */
export function createStreamReader(): AnswerReader {
  let rest = ''
  let usage: Usage | undefined
  let tokenEvents = 0
  let isComplete = false
  let errorMessage: string | undefined
  const readEvent = (data: string): boolean => {
    if (data === '[DONE]') {
      isComplete = true
      return false
    }
    const event = parseObject(data)
    const response = asObject(event['response'])
    usage = readUsage(event['usage'] ?? response['usage']) ?? usage
    errorMessage = messageOf(event['error'] ?? response['error']) ?? errorMessage
    const type = event['type']
    if (type === 'error') errorMessage = messageOf(event) ?? 'an error event'
    if (type === 'response.completed' || type === 'response.incomplete') isComplete = true
    return hasText(event)
  }
  return {
    take(text) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      const before = tokenEvents
      for (const line of lines) {
        if (line.startsWith('data: ') && readEvent(line.slice('data: '.length).trimEnd())) tokenEvents += 1
      }
      return tokenEvents - before
    },
    reading: () => ({ usage, tokenEvents, isComplete, errorMessage }),
  }
}

/** The first chunk of a chat has a role and an empty text; filter results and usage come in chunks without choices. */
function hasText(event: JsonObject): boolean {
  if (event['type'] === 'response.output_text.delta') return event['delta'] !== ''
  const { choices } = event
  return (
    Array.isArray(choices) &&
    choices.some((choice: unknown) => {
      const { text, delta } = asObject(choice)
      return isText(text) || isText(asObject(delta)['content'])
    })
  )
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

type JsonObject = Readonly<Record<string, unknown>>

function parseObject(text: string): JsonObject {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return {}
  }
}

function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {}
}

/** Responses have names of their own for the two numbers. */
function readUsage(value: unknown): Usage | undefined {
  const usage = asObject(value)
  const promptTokens = usage['prompt_tokens'] ?? usage['input_tokens']
  const outputTokens = usage['completion_tokens'] ?? usage['output_tokens'] ?? 0
  return typeof promptTokens === 'number' && typeof outputTokens === 'number'
    ? { promptTokens, outputTokens }
    : undefined
}

function messageOf(error: unknown): string | undefined {
  const { message } = asObject(error)
  return typeof message === 'string' ? message : undefined
}
