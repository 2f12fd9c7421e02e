import type { Usage } from '../answer/completion.ts'
import { isRecord } from '../lib/record.ts'
import { readEvent } from '../lib/server-sent-events.ts'

/** Larger bodies contain audio or images. Parsing them for their usage is too expensive. */
const MAX_PARSED_BYTES = 16 * 1024 * 1024

/** Returns the usage in a JSON answer, or undefined without one. */
export function usageOfBody(bytes: Buffer): Usage | undefined {
  if (bytes.length > MAX_PARSED_BYTES || !bytes.includes('"usage"')) return undefined
  return usageOfJson(bytes.toString())
}

/**
 * Returns the last usage in the events of a stream. Services send cumulative counts. The last usage of Anthropic Messages can lack
 * the counts of the prompt, which are in the first event.
 */
export function usageOfEvents(texts: readonly string[]): Usage | undefined {
  for (const text of texts.toReversed()) {
    if (!text.includes('"usage"')) continue
    const event = parsed(readEvent(text).data ?? '')
    const last = usageIn(event)
    const isDelta = field(event, 'type') === 'message_delta'
    const usage = readUsage(isDelta ? mergedUsage(startUsage(texts), last) : last)
    if (usage) return usage
  }
  return undefined
}

function startUsage(texts: readonly string[]): unknown {
  const start = texts.find((text) => text.includes('"message_start"'))
  return start === undefined ? undefined : usageIn(parsed(readEvent(start).data ?? ''))
}

/** Adds the counts of a later usage of a stream. Counts that it lacks, or that are null, stay. */
export function mergedUsage(earlier: unknown, later: unknown): Readonly<Record<string, unknown>> {
  const given = isRecord(later) ? Object.entries(later).filter(([, value]) => value !== null) : []
  return { ...(isRecord(earlier) && earlier), ...Object.fromEntries(given) }
}

function usageOfJson(json: string): Usage | undefined {
  return readUsage(usageIn(parsed(json)))
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** Events of the Responses API contain the answer in `response`, the first one of Anthropic Messages in `message`. */
function usageIn(body: unknown): unknown {
  return (
    field(body, 'usage') ?? field(field(body, 'response'), 'usage') ?? field(field(body, 'message'), 'usage')
  )
}

/** Reads the field `usage` of an answer of any API. Returns undefined without token counts. */
export function readUsage(usage: unknown): Usage | undefined {
  const messages = messagesPrompt(usage)
  const promptTokens = messages?.promptTokens ?? count(usage, 'prompt_tokens') ?? count(usage, 'input_tokens')
  const completionTokens = count(usage, 'completion_tokens') ?? count(usage, 'output_tokens')
  if (promptTokens === undefined && completionTokens === undefined) return undefined
  const read = field(usage, 'prompt_tokens_details') ?? field(usage, 'input_tokens_details')
  const written = field(usage, 'completion_tokens_details') ?? field(usage, 'output_tokens_details')
  const sum = (promptTokens ?? 0) + (completionTokens ?? 0)
  const totalTokens = count(usage, 'total_tokens') ?? sum
  return {
    promptTokens: promptTokens ?? 0,
    cachedTokens: messages?.cachedTokens ?? count(read, 'cached_tokens') ?? 0,
    ...ifPositive('cacheWriteTokens', messages?.cacheWriteTokens ?? count(read, 'cache_write_tokens')),
    completionTokens: completionTokens ?? 0,
    reasoningTokens: count(written, 'reasoning_tokens') ?? count(written, 'thinking_tokens') ?? 0,
    ...(totalTokens !== sum && totalTokens > 0 && { totalTokens }),
    ...ifPositive('promptAudioTokens', count(read, 'audio_tokens')),
    ...ifPositive('completionAudioTokens', count(written, 'audio_tokens')),
    ...ifPositive('acceptedPredictionTokens', count(written, 'accepted_prediction_tokens')),
    ...ifPositive('rejectedPredictionTokens', count(written, 'rejected_prediction_tokens')),
  }
}

/**
 * The counts of a prompt of Anthropic Messages, of which `input_tokens` excludes the cache. Undefined for other APIs: some services
 * add the names of Anthropic to OpenAI's, which include the cache.
 */
function messagesPrompt(
  usage: unknown,
): Pick<Usage, 'promptTokens' | 'cachedTokens' | 'cacheWriteTokens'> | undefined {
  const cachedTokens = count(usage, 'cache_read_input_tokens')
  const cacheWriteTokens = count(usage, 'cache_creation_input_tokens')
  if (cachedTokens === undefined && cacheWriteTokens === undefined) return undefined
  if (count(usage, 'prompt_tokens') !== undefined) return undefined
  const uncached = count(usage, 'input_tokens') ?? 0
  return {
    promptTokens: uncached + (cachedTokens ?? 0) + (cacheWriteTokens ?? 0),
    cachedTokens: cachedTokens ?? 0,
    ...(cacheWriteTokens !== undefined && { cacheWriteTokens }),
  }
}

/** Includes a count only if it is above 0. Most answers lack these counts, or have 0. */
function ifPositive(name: keyof Usage, tokens = 0): Partial<Usage> {
  return tokens > 0 ? { [name]: tokens } : {}
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as Record<string, unknown>)[name] ?? undefined
}

function count(value: unknown, name: string): number | undefined {
  const number = field(value, name)
  return typeof number === 'number' && Number.isFinite(number) ? Math.max(0, number) : undefined
}
