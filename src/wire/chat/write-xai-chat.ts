import { type EventsBody, textBody, type WholeBody } from '../../answer/body.ts'
import {
  type Choice,
  type Completion,
  type ToolCall,
  totalTokens,
  type Usage,
  wholeText,
} from '../../answer/completion.ts'
import type { Random } from '../../lib/random.ts'
import { guid } from '../ids.ts'
import { dataEvent, doneEvent } from '../sse.ts'

/** The fields of every object of one answer. */
export interface XaiFacts {
  /** A GUID. */
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
  /** Only in streams. */
  readonly systemFingerprint: string
}

/** Draws the id of an answer. The fingerprint is the same for all answers of a model. */
export function xaiFacts(model: string, fingerprint: string, created: number, random: Random): XaiFacts {
  return { id: guid(random), created, model, systemFingerprint: fingerprint }
}

/**
 * Returns the body of a chat completion of a model of xAI. Its form differs from that of OpenAI's models (captures of
 * grok-4-1-fast-non-reasoning, August 2026): other order of the members, no filter results, calls with an index.
 */
export function xaiChatBody(completion: Completion, facts: XaiFacts): WholeBody {
  const choices = completion.choices.map((choice, index) => ({
    index,
    message: {
      role: 'assistant',
      content: wholeText(choice),
      ...(choice.toolCalls.length > 0 && {
        tool_calls: choice.toolCalls.map((call, at) => {
          const { id, name, input } = calledFunction(call)
          return { id, index: at, type: 'function', function: { name, arguments: input } }
        }),
      }),
    },
    finish_reason: choice.finishReason,
  }))
  return textBody(
    JSON.stringify({
      id: facts.id,
      model: facts.model,
      choices,
      usage: wholeUsage(completion.usage),
      created: facts.created,
      object: 'chat.completion',
      prompt_filter_results: null,
    }),
  )
}

/** A piece of text, a call, or the end of a choice, which is an event of the stream. */
interface Part {
  readonly choice: number
  /** Index in the pieces of the text, then in the calls, then 1 more for the end. */
  readonly at: number
  readonly step: number
}

/** Returns the events of a streamed chat completion of a model of xAI: one for a token, one for a call with all its arguments. */
export function xaiChatStream(completion: Completion, facts: XaiFacts, includeUsage: boolean): EventsBody {
  const parts = completion.choices.flatMap(partsOf).sort((a, b) => a.step - b.step)
  const last = parts.at(-1)?.step ?? 0
  const started = new Set<number>()
  return {
    kind: 'events',
    count: parts.length + (includeUsage ? 2 : 1),
    stepOf: (index) => parts[index]?.step ?? last,
    render(index) {
      const part = parts[index]
      const choice = part && completion.choices[part.choice]
      if (part && choice) {
        const isFirst = !started.has(part.choice)
        started.add(part.choice)
        return choiceEvent(choice, part, facts, isFirst)
      }
      return includeUsage && index === parts.length ? usageEvent(completion.usage, facts) : doneEvent
    },
  }
}

function partsOf({ pieces, toolCalls }: Choice, choice: number): Part[] {
  const parts: Part[] = pieces.map((_, at) => ({ choice, at, step: at }))
  let step = pieces.length
  for (const { pieces: input } of toolCalls) {
    step += input.length
    parts.push({ choice, at: parts.length, step: step - 1 })
  }
  parts.push({ choice, at: parts.length, step: Math.max(0, step - 1) })
  return parts
}

function choiceEvent(choice: Choice, { choice: index, at }: Part, facts: XaiFacts, isFirst: boolean): string {
  const { pieces, toolCalls, finishReason } = choice
  const role = isFirst ? { role: 'assistant' } : {}
  const call = toolCalls[at - pieces.length]
  if (at < pieces.length) {
    return chunk(facts, [{ index, delta: { content: pieces[at], ...role } }])
  }
  if (call) {
    const { id, name, input } = calledFunction(call)
    const called = { id, function: { name, arguments: input }, index: at - pieces.length, type: 'function' }
    return chunk(facts, [{ index, delta: { ...role, tool_calls: [called] } }])
  }
  return chunk(facts, [{ index, delta: {}, finish_reason: finishReason }])
}

function chunk({ id, created, model, systemFingerprint }: XaiFacts, choices: readonly unknown[]): string {
  const event = {
    id,
    object: 'chat.completion.chunk',
    created,
    model,
    choices,
    system_fingerprint: systemFingerprint,
    service_tier: 'default',
  }
  return dataEvent(JSON.stringify(event))
}

/** The event of the usage has spaces between its members, unlike all others. */
function usageEvent(usage: Usage, facts: XaiFacts): string {
  const { id, created, model, systemFingerprint } = facts
  const members = {
    id,
    object: 'chat.completion.chunk',
    created,
    model,
    choices: [],
    usage: streamUsage(usage),
    system_fingerprint: systemFingerprint,
    service_tier: 'default',
  }
  return dataEvent(spacedJson(members))
}

function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([name, it]) => `${JSON.stringify(name)}: ${spacedJson(it)}`)
  return `{${members.join(', ')}}`
}

function wholeUsage(usage: Usage): Readonly<Record<string, unknown>> {
  const { promptTokens, cachedTokens, completionTokens } = usage
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: totalTokens(usage),
    audio_prompt_tokens: 0,
    prompt_tokens_details: {
      cached_tokens: cachedTokens,
      audio_tokens: 0,
      text_tokens: promptTokens,
      image_tokens: 0,
    },
    completion_tokens_details: completionDetails(usage),
    num_sources_used: 0,
  }
}

function streamUsage(usage: Usage): Readonly<Record<string, unknown>> {
  const { promptTokens, cachedTokens, completionTokens } = usage
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: totalTokens(usage),
    prompt_tokens_details: {
      text_tokens: promptTokens,
      audio_tokens: 0,
      image_tokens: 0,
      cached_tokens: cachedTokens,
    },
    completion_tokens_details: completionDetails(usage),
    num_sources_used: 0,
    cost_in_usd_ticks: 0,
  }
}

function completionDetails({ reasoningTokens }: Usage): Readonly<Record<string, number>> {
  return {
    reasoning_tokens: reasoningTokens,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  }
}

const ID_DIGITS = 8

/** The id is `call_` and 8 digits, derived from the id of the call. */
function calledFunction({ id, name, pieces }: ToolCall): { id: string; name: string; input: string } {
  let digits = 0
  for (const character of id) digits = (digits * 31 + character.charCodeAt(0)) % 10 ** ID_DIGITS
  return { id: `call_${String(digits).padStart(ID_DIGITS, '0')}`, name, input: pieces.join('') }
}
