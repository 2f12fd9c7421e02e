import { safeCompletionFilter, type HarmCategory, lateFilterEvents } from '../wire/content-filters.ts'
import { doneEvent } from '../wire/sse.ts'
import { type EventsBody, renderedEvents } from '../answer/body.ts'
import type { Random } from '../lib/random.ts'
import {
  argumentDelta,
  createChunkWriter,
  type ChunkWriter,
  type StreamOptions,
  chatUsageJson,
  logprobsJson,
  toolCallJson,
  type ChatFacts,
  finishEvent,
  promptFilterEvent,
  startEvent,
  isAsciiAround,
} from '../wire/chat/chat-chunks.ts'
import { completionSteps, textJson, type Choice, type Completion, type Usage } from '../answer/completion.ts'
import { ChoiceEvents, type ChoiceEvent } from '../answer/choice-events.ts'

/** Harm that the asynchronous filter finds in the midst of a stream. */
export interface LateFinding {
  readonly category: HarmCategory
  /** Characters of the prompt, from whose start the filter counts. */
  readonly promptLength: number
}

/**
 * The events of a streamed chat completion: the prompt's filter results, then for each choice a role, one token an
 * event and a finish, then the usage when it was asked for, and `[DONE]`.
 *
 * @param late its annotations end the stream; like a completion that was blocked, it is followed by no usage
 */
export function streamChat(
  completion: Completion,
  facts: ChatFacts,
  options: StreamOptions,
  late: LateFinding | undefined,
  random: Random,
): EventsBody {
  const chunk = createChunkWriter(facts, options, random)
  const blocked = late !== undefined || facts.found !== undefined
  const usageEvents = options.includeUsage && !blocked ? 1 : 0
  const [only] = completion.choices
  if (only?.plainText !== undefined && completion.choices.length === 1 && !facts.logprobs && !late) {
    return streamLorem(only, facts, chunk, usageEvents > 0 ? completion.usage : undefined)
  }
  const events = new ChoiceEvents(completion)
  const lastStep = Math.max(0, completionSteps(completion).visible - 1)

  const render = (index: number): string => {
    if (index === 0) return promptFilterEvent
    const event = events.at(index - 1)
    const choice = event && completion.choices[event.choice]
    if (event && choice) {
      if (late && event.kind === 'finish') return lateFinish(choice, event.choice, late)
      return renderChoiceEvent(event, choice, facts, chunk, late !== undefined)
    }
    if (index === events.length + usageEvents) return chunk.usage(chatUsageJson(completion.usage))
    return doneEvent
  }
  return {
    kind: 'events',
    count: 1 + events.length + usageEvents + 1,
    stepOf(index) {
      if (index === 0) return 0
      return events.at(index - 1)?.step ?? lastStep
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

function lateFinish({ pieces }: Choice, index: number, { category, promptLength }: LateFinding): string {
  const sentLength = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return lateFilterEvents(index, promptLength, sentLength, category)
}

/**
 * The stream of an answer that is one choice of lorem, as nearly all are. What an event says follows from its number, so
 * that thousands of open streams need no plans of their own.
 *
 * @param usage absent where the stream ends without it
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
    if (usage && index === finish + 1) return chunk.usage(chatUsageJson(usage))
    return doneEvent
  }

  const stepOf = (index: number): number => Math.min(Math.max(0, index - firstToken), lastStep)
  return renderedEvents(count, stepOf, render, isAsciiAround(facts))
}
