import { completionFilterJson, safeCompletionFilter, lateFilterEvents } from '../wire/content-filters.ts'
import { codePointLength, dataEvent, doneEvent } from '../wire/sse.ts'
import type { EventsBody } from '../answer/body.ts'
import { completionSteps, wholeText } from '../answer/completion.ts'
import {
  choiceJson,
  headJson,
  promptFiltersJson,
  promptOf,
  usageJson,
  type LegacyCompletion,
} from '../wire/completions/write-completion.ts'
import { ChoiceEvents, type ChoiceEvent } from '../answer/choice-events.ts'

/**
 * The events of a streamed legacy completion: the prompts' filter results, with `echo` each choice's prompt, then one
 * token an event, an end with an empty text for each choice, the usage when it was asked for, and `[DONE]`. A stream
 * that the filter ends has no usage (a recording of September 2026).
 */
export function streamCompletion(answer: LegacyCompletion, includeUsage: boolean): EventsBody {
  const { completion, facts, found } = answer
  const events = new ChoiceEvents(completion, { withStarts: echoesPrompt(answer) })
  const renderChoice = choiceWriter(answer, includeUsage)
  const usageEvents = includeUsage && found === undefined ? 1 : 0
  const lastStep = Math.max(0, completionSteps(completion).visible - 1)

  return {
    kind: 'events',
    count: 1 + events.length + usageEvents + 1,
    stepOf(index) {
      if (index === 0) return 0
      return events.at(index - 1)?.step ?? lastStep
    },
    render(index) {
      if (index === 0) return dataEvent(`{${headJson(facts)},${promptFiltersJson(answer)},"choices":[]}`)
      const event = events.at(index - 1)
      if (event) return renderChoice(event)
      if (index === events.length + usageEvents) {
        return dataEvent(`{${headJson(facts)},"choices":[],"usage":${usageJson(completion.usage)}}`)
      }
      return doneEvent
    },
  }
}

/** A choice begins with its prompt or not at all. */
function echoesPrompt({ echo, found, late }: LegacyCompletion): boolean {
  return echo && (found === undefined || late)
}

function choiceWriter(answer: LegacyCompletion, includeUsage: boolean): (event: ChoiceEvent) => string {
  const { completion, facts, found, late, logprobs } = answer
  const head = `{${headJson(facts)},"choices":[`
  const tail = includeUsage ? '],"usage":null}' : ']}'
  // The asynchronous filter reports beside the text, not with it.
  const tokenFilter = late ? '{}' : safeCompletionFilter
  const finishFilter = found === undefined ? '{}' : completionFilterJson(found)
  const offsets: number[] = []

  const write = (text: string, index: number, finishReason: string, tokens: string, filter: string): string =>
    dataEvent(`${head}${choiceJson(text, index, finishReason, tokens, filter)}${tail}`)

  const writeLogprobs = (tokens: readonly string[], index: number, offset: number): string => {
    if (logprobs === undefined) return 'null'
    offsets[index] = offset + codePointLength(tokens.join(''))
    return logprobs({ tokens, offset })
  }
  const offsetOf = (index: number): number => {
    if (logprobs === undefined) return 0
    return (offsets[index] ??= codePointLength(promptOf(answer, index).readText()))
  }

  return ({ kind, choice: index, token }) => {
    const choice = completion.choices[index]
    if (kind === 'start') {
      const prompt = promptOf(answer, index)
      const tokens = logprobs === undefined ? [] : prompt.readTokens()
      return write(prompt.readText(), index, 'null', writeLogprobs(tokens, index, 0), '{}')
    }
    if (kind === 'token') {
      const piece = choice?.pieces[token] ?? ''
      return write(piece, index, 'null', writeLogprobs([piece], index, offsetOf(index)), tokenFilter)
    }
    if (late && found !== undefined) {
      const sent = codePointLength(choice ? wholeText(choice) : '')
      return lateFilterEvents(index, codePointLength(promptOf(answer, index).readText()), sent, found)
    }
    return write('', index, `"${choice?.finishReason}"`, 'null', finishFilter)
  }
}
