import { type EventsBody, renderedEvents } from '../answer/body.ts'
import { ChoiceEvents, type ChoiceEvent } from '../answer/choice-events.ts'
import { completionSteps, type Completion, textJson, type Choice, type Usage } from '../answer/completion.ts'
import type { Random } from '../lib/random.ts'
import {
  type ChatFacts,
  argumentDelta,
  createChunkWriter,
  type ChunkWriter,
  type StreamOptions,
  logprobsJson,
  toolCallJson,
  finishEvent,
  promptFilterEvent,
  startEvent,
  isAsciiAround,
} from '../wire/chat/chat-chunks.ts'
import { type HarmCategory, safeCompletionFilter, lateFilterEvents } from '../wire/content-filters.ts'
import { doneEvent } from '../wire/sse.ts'

/** Harm that the asynchronous filter finds during a stream. */
export interface LateFilterResult {
  readonly category: HarmCategory
  /** Characters of the prompt. The filter counts from the start of the prompt. */
  readonly promptLength: number
}

/**
 * The events of a streamed chat completion: the prompt filter results, then for each choice a role, one event per
 * token and a finish event, then moderation results and the usage if requested, and `[DONE]`.
 *
 * @param late its annotations end the stream; like a blocked completion, the stream then has no usage
 */
export function streamChat(
  completion: Completion,
  facts: ChatFacts,
  options: StreamOptions,
  late: LateFilterResult | undefined,
  random: Random,
): EventsBody {
  const chunk = createChunkWriter(facts, options, random)
  const blocked = late !== undefined || facts.found !== undefined
  const usageEvents = options.includeUsage && !blocked ? 1 : 0
  const [only] = completion.choices
  const { moderation, unjudged } = facts
  const special =
    facts.logprobs !== undefined || late !== undefined || unjudged === true || moderation !== undefined
  if (only?.plainText !== undefined && completion.choices.length === 1 && !special) {
    return streamLorem(only, facts, chunk, usageEvents > 0 ? completion.usage : undefined)
  }
  const events = new ChoiceEvents(completion)
  const lastStep = Math.max(0, completionSteps(completion).visible - 1)

  const leading = facts.unjudged ? 0 : 1
  const moderationIndex = moderation === undefined ? -1 : leading + events.length
  const usageIndex = usageEvents === 0 ? -1 : leading + events.length + (moderation === undefined ? 0 : 1)

  const render = (index: number): string => {
    if (index < leading) return promptFilterEvent
    const event = events.at(index - leading)
    const choice = event && completion.choices[event.choice]
    if (event && choice) {
      if (late && event.kind === 'finish') return lateFinish(choice, event.choice, late)
      return renderChoiceEvent(event, choice, facts, chunk, late !== undefined)
    }
    if (moderation !== undefined && index === moderationIndex) return chunk.moderation(moderation)
    return index === usageIndex ? chunk.usage(completion.usage, completion.choices.length) : doneEvent
  }
  return {
    kind: 'events',
    count: leading + events.length + (moderation === undefined ? 0 : 1) + usageEvents + 1,
    stepOf(index) {
      if (index < leading) return 0
      return events.at(index - leading)?.step ?? lastStep
    },
    render,
  }
}

function renderChoiceEvent(
  event: ChoiceEvent,
  choice: Choice,
  facts: ChatFacts,
  chunk: ChunkWriter,
  late: boolean,
): string {
  switch (event.kind) {
    case 'start':
      return startEvent(chunk, choice, facts, event.choice)
    case 'token': {
      const piece = choice.pieces[event.token] ?? ''
      const text = textJson(choice, piece)
      const filter = late ? '{}' : safeCompletionFilter
      const field = choice.refused ? 'refusal' : 'content'
      return chunk.choice(event.choice, filter, `{"${field}":${text}}`, 'null', logprobsJson([piece], facts))
    }
    case 'call': {
      const call = choice.toolCalls[event.call]
      const header = call ? toolCallJson(call, '', event.call) : ''
      return chunk.choice(event.choice, '{}', `{"tool_calls":[${header}]}`)
    }
    case 'argument': {
      const call = choice.toolCalls[event.call]
      const piece = call?.pieces[event.token] ?? ''
      const delta = argumentDelta(call?.kind ?? 'function', event.call, piece, facts)
      return chunk.choice(event.choice, '{}', delta)
    }
    default:
      return finishEvent(chunk, choice, facts, event.choice)
  }
}

function lateFinish({ pieces }: Choice, index: number, { category, promptLength }: LateFilterResult): string {
  const sentLength = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return lateFilterEvents(index, promptLength, sentLength, category)
}

/**
 * Streams an answer with a single lorem choice, as almost all are. Each event is computed from its index, so that
 * thousands of open streams need no separate event lists.
 *
 * @param usage absent if the stream has no usage event
 */
function streamLorem(
  choice: Choice,
  facts: ChatFacts,
  chunk: ChunkWriter,
  usage: Usage | undefined,
): EventsBody {
  const { pieces } = choice
  const token = chunk.tokens(choice.refused ? 'refusal' : 'content')
  const firstToken = 2
  const finish = firstToken + pieces.length
  const lastStep = Math.max(0, pieces.length - 1)
  const count = finish + (usage ? 3 : 2)

  const render = (index: number): string => {
    if (index === 0) return promptFilterEvent
    if (index < firstToken) return startEvent(chunk, choice, facts, 0)
    if (index < finish) return token(textJson(choice, pieces[index - firstToken] ?? ''))
    if (index === finish) return finishEvent(chunk, choice, facts, 0)
    if (usage && index === finish + 1) return chunk.usage(usage, 1)
    return doneEvent
  }

  const stepOf = (index: number): number => Math.min(Math.max(0, index - firstToken), lastStep)
  return renderedEvents(count, stepOf, render, isAsciiAround(facts))
}
