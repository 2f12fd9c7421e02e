import {
  completionFilterJson,
  safeCompletionFilter,
  safePromptFilter,
  type HarmCategory,
} from '../openai/content-filters.ts'
import { dataEvent, doneEvent } from '../openai/sse.ts'
import type { EventsBody } from '../pipeline/reply.ts'
import type { Random } from '../platform/random.ts'
import { createChunkWriter, type ChunkWriter, type StreamOptions } from './chat-chunk.ts'
import {
  chatUsageJson,
  finishReasonOf,
  functionCallJson,
  isAsciiAround,
  toolCallJson,
  type ChatFacts,
} from './chat-json.ts'
import { lateFilterEvents } from './content-filter-late.ts'
import { completionSteps, textJson, type Choice, type Completion } from './completion.ts'
import { logprobsJson } from './logprobs.ts'
import { ChoiceEvents, type ChoiceEvent } from './stream-plan.ts'

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
  const events = new ChoiceEvents(completion)
  const chunk = createChunkWriter(facts, options, random)
  const blocked = late !== undefined || facts.found !== undefined
  const usageEvents = options.includeUsage && !blocked ? 1 : 0
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
  const [only] = completion.choices
  const isPlain = completion.choices.length === 1 && only?.lorem !== undefined && !facts.logprobs && !late
  return {
    kind: 'events',
    count: 1 + events.length + usageEvents + 1,
    stepOf(index) {
      if (index === 0) return 0
      return events.at(index - 1)?.step ?? lastStep
    },
    render,
    ...(isPlain && {
      renderAll: (body: EventsBody) => {
        if (body.render !== render) return undefined
        const text = renderPlain(only, facts, chunk)
        // After the text, as one by one: what pads the chunks is drawn in their order.
        const usage = usageEvents > 0 ? chunk.usage(chatUsageJson(completion.usage)) : ''
        return {
          text: text + usage + doneEvent,
          isAscii: isAsciiAround(facts),
        }
      },
    }),
  }
}

/** The events of one choice of text, without the steps between them: a third of what they cost one by one. */
function renderPlain(choice: Choice, facts: ChatFacts, chunk: ChunkWriter): string {
  const field = choice.refused ? 'refusal' : 'content'
  let text = promptFilterEvent + chunk.choice(0, '{}', startDelta(choice, facts))
  for (const piece of choice.pieces)
    text += chunk.token(0, safeCompletionFilter, field, textJson(choice, piece))
  return text + chunk.choice(0, finishFilter(facts), '{}', `"${finishReasonOf(choice, facts)}"`)
}

function finishFilter({ found }: ChatFacts): string {
  return found === undefined ? '{}' : completionFilterJson(found)
}

/** The first chunk of every stream; it has the shape of a chunk and none of its contents. */
const promptFilterEvent = dataEvent(
  `{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[${safePromptFilter(0)}]}`,
)

function renderChoiceEvent(
  event: ChoiceEvent,
  choice: Choice,
  facts: ChatFacts,
  chunk: ChunkWriter,
  late: boolean,
): string {
  switch (event.kind) {
    case 'start':
      return chunk.choice(event.choice, '{}', startDelta(choice, facts))
    case 'token': {
      const piece = choice.pieces[event.token] ?? ''
      const text = textJson(choice, piece)
      const filter = late ? '{}' : safeCompletionFilter
      const field = choice.refused ? 'refusal' : 'content'
      if (!facts.logprobs) return chunk.token(event.choice, filter, field, text)
      const logprobs = logprobsJson([piece], facts.logprobs)
      return chunk.choice(event.choice, filter, `{"${field}":${text}}`, 'null', logprobs)
    }
    case 'call': {
      const call = choice.toolCalls[event.call]
      const header = call ? toolCallJson(call, '', event.call) : ''
      return chunk.choice(event.choice, '{}', `{"tool_calls":[${header}]}`)
    }
    case 'argument':
      return chunk.choice(event.choice, '{}', argumentDelta(event, choice, facts))
    default: {
      return chunk.choice(event.choice, finishFilter(facts), '{}', `"${finishReasonOf(choice, facts)}"`)
    }
  }
}

/** The order is that of other chunks; no stream of a refusal is captured. */
const refusalStart = '{"content":null,"refusal":"","role":"assistant"}'
const textStart = '{"content":"","refusal":null,"role":"assistant"}'

/** A single call comes with the role, several come after it. */
function startDelta({ pieces, toolCalls, refused }: Choice, { usesFunctions }: ChatFacts): string {
  if (refused) return refusalStart
  const [first, second] = toolCalls
  if (first === undefined || pieces.length > 0) return textStart
  if (second !== undefined) return '{"content":null,"refusal":null,"role":"assistant"}'
  if (usesFunctions) {
    return `{"content":null,"function_call":${functionCallJson(first.name, '')},"refusal":null,"role":"assistant"}`
  }
  return `{"content":null,"refusal":null,"role":"assistant","tool_calls":[${toolCallJson(first, '', 0)}]}`
}

function argumentDelta(
  { call, token }: ChoiceEvent,
  { toolCalls }: Choice,
  { usesFunctions }: ChatFacts,
): string {
  const toolCall = toolCalls[call]
  const piece = JSON.stringify(toolCall?.pieces[token] ?? '')
  if (usesFunctions) return `{"function_call":{"arguments":${piece}}}`
  const input =
    toolCall?.kind === 'custom' ? `"custom":{"input":${piece}}` : `"function":{"arguments":${piece}}`
  return `{"tool_calls":[{${input},"index":${call}}]}`
}

function lateFinish({ pieces }: Choice, index: number, { category, promptLength }: LateFinding): string {
  const sentLength = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return lateFilterEvents(index, promptLength, sentLength, category)
}
