import { safeCompletionFilter, safePromptFilter } from '../openai/content-filters.ts'
import { dataEvent, doneEvent } from '../openai/sse.ts'
import type { EventsBody, Usage } from '../pipeline/reply.ts'
import type { Completion } from './completion.ts'
import { completionSteps } from './completion.ts'
import { planChoiceEvents, stepOfChoiceEvent } from './stream-plan.ts'

/** What every object of one legacy completion carries. */
export interface CompletionFacts {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
  readonly promptCount: number
}

/** The body of a whole legacy completion: compact, keys in OpenAI's order (a capture of April 2024). */
export function renderCompletion(completion: Completion, facts: CompletionFacts): string {
  const choices = completion.choices.map(({ pieces, finishReason }, index) =>
    choiceJson(pieces.join(''), index, `"${finishReason}"`, safeCompletionFilter),
  )
  return `{${head(facts)},${promptFilters(facts)},"choices":[${choices.join(',')}],"usage":${usageJson(completion.usage)}}\n`
}

/** The events of a streamed legacy completion. A choice has no start of its own and ends with an empty text. */
export function streamCompletion(
  completion: Completion,
  facts: CompletionFacts,
  includeUsage: boolean,
): EventsBody {
  const events = planChoiceEvents(completion).filter((event) => event.kind !== 'start')
  const usageEvents = includeUsage ? 1 : 0
  const nullUsage = includeUsage ? ',"usage":null' : ''
  const lastStep = Math.max(0, completionSteps(completion).visible - 1)
  const chunkHead = `{${head(facts)},"choices":[`

  return {
    kind: 'events',
    count: 1 + events.length + usageEvents + 1,
    stepOf(index) {
      if (index === 0) return 0
      const event = events[index - 1]
      return event ? stepOfChoiceEvent(event) : lastStep
    },
    render(index) {
      if (index === 0) return dataEvent(`{${head(facts)},${promptFilters(facts)},"choices":[]}`)
      const event = events[index - 1]
      if (event) {
        const choice = completion.choices[event.choice]
        const json =
          event.kind === 'token'
            ? choiceJson(choice?.pieces[event.token] ?? '', event.choice, 'null', safeCompletionFilter)
            : choiceJson('', event.choice, `"${choice?.finishReason}"`, '{}')
        return dataEvent(`${chunkHead}${json}]${nullUsage}}`)
      }
      if (index === events.length + usageEvents) {
        return dataEvent(`${chunkHead}],"usage":${usageJson(completion.usage)}}`)
      }
      return doneEvent
    },
  }
}

function head({ id, created, model }: CompletionFacts): string {
  return `"id":"${id}","object":"text_completion","created":${created},"model":${JSON.stringify(model)}`
}

function promptFilters({ promptCount }: CompletionFacts): string {
  const filters = Array.from({ length: promptCount }, (_, index) => safePromptFilter(index))
  return `"prompt_filter_results":[${filters.join(',')}]`
}

function choiceJson(text: string, index: number, finishReason: string, filter: string): string {
  return `{"text":${JSON.stringify(text)},"index":${index},"finish_reason":${finishReason},"logprobs":null,"content_filter_results":${filter}}`
}

function usageJson({ promptTokens, completionTokens }: Usage): string {
  return `{"prompt_tokens":${promptTokens},"completion_tokens":${completionTokens},"total_tokens":${promptTokens + completionTokens}}`
}
