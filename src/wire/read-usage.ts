import type { Usage } from '../answer/completion.ts'
import { readEvent } from '../lib/server-sent-events.ts'

/** Larger bodies contain audio or images. Parsing them for their usage is too expensive. */
const MAX_PARSED_BYTES = 16 * 1024 * 1024

/** Returns the usage in a JSON answer, or undefined without one. */
export function usageOfBody(bytes: Buffer): Usage | undefined {
  if (bytes.length > MAX_PARSED_BYTES || !bytes.includes('"usage"')) return undefined
  return usageOfJson(bytes.toString())
}

/** Returns the last usage in the events of a stream. Services send cumulative counts. */
export function usageOfEvents(texts: readonly string[]): Usage | undefined {
  for (const text of texts.toReversed()) {
    if (!text.includes('"usage"')) continue
    const usage = usageOfJson(readEvent(text).data ?? '')
    if (usage) return usage
  }
  return undefined
}

function usageOfJson(json: string): Usage | undefined {
  let body: unknown
  try {
    body = JSON.parse(json)
  } catch {
    return undefined
  }
  // Events of the Responses API contain the answer in `response`.
  return readUsage(field(body, 'usage') ?? field(field(body, 'response'), 'usage'))
}

/** Reads the field `usage` of an answer of any API. Returns undefined without token counts. */
export function readUsage(usage: unknown): Usage | undefined {
  const promptTokens = count(usage, 'prompt_tokens') ?? count(usage, 'input_tokens')
  const completionTokens = count(usage, 'completion_tokens') ?? count(usage, 'output_tokens')
  if (promptTokens === undefined && completionTokens === undefined) return undefined
  const read = field(usage, 'prompt_tokens_details') ?? field(usage, 'input_tokens_details')
  const written = field(usage, 'completion_tokens_details') ?? field(usage, 'output_tokens_details')
  const sum = (promptTokens ?? 0) + (completionTokens ?? 0)
  const totalTokens = count(usage, 'total_tokens') ?? sum
  return {
    promptTokens: promptTokens ?? 0,
    cachedTokens: count(read, 'cached_tokens') ?? 0,
    completionTokens: completionTokens ?? 0,
    reasoningTokens: count(written, 'reasoning_tokens') ?? 0,
    ...(totalTokens !== sum && totalTokens > 0 && { totalTokens }),
    ...ifPositive('promptAudioTokens', count(read, 'audio_tokens')),
    ...ifPositive('completionAudioTokens', count(written, 'audio_tokens')),
    ...ifPositive('acceptedPredictionTokens', count(written, 'accepted_prediction_tokens')),
    ...ifPositive('rejectedPredictionTokens', count(written, 'rejected_prediction_tokens')),
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
