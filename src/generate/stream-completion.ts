import { completionFilterJson, safeCompletionFilter, lateFilterEvents } from '../wire/content-filters.ts'
import { codePointLength, dataEvent, doneEvent } from '../wire/sse.ts'
import type { EventsBody } from '../answer/body.ts'
import { completionSteps, wholeText } from '../answer/completion.ts'
import {
  choiceJson,
  filterMembers,
  headJson,
  promptFiltersJson,
  promptOf,
  usageJson,
  type LegacyCompletion,
  type TokenSpans,
} from '../wire/completions/write-completion.ts'
import { ChoiceEvents, type ChoiceEvent } from '../answer/choice-events.ts'
import { roundTo } from '../lib/format-text.ts'
import type { Random } from '../lib/random.ts'
import { pieceTable } from '../tokens/piece-table.ts'

/**
 * The events of a streamed legacy completion: the prompt filter results, with `echo` the prompt of each choice, one
 * event per token, a final event with empty text for each choice, the usage if requested, and `[DONE]`. A stream that
 * the filter blocks has no usage (recording of September 2026).
 */
export function streamCompletion(answer: LegacyCompletion, includeUsage: boolean): EventsBody {
  const { completion, facts, found } = answer
  const events = new ChoiceEvents(completion, { withStarts: echoesPrompt(answer) })
  const renderChoice = choiceWriter(answer, includeUsage)
  const usageEvents = includeUsage && found === undefined ? 1 : 0
  const lastStep = Math.max(0, completionSteps(completion).visible - 1)
  const leading = answer.unjudged ? 0 : 1

  return {
    kind: 'events',
    count: leading + events.length + usageEvents + 1,
    stepOf(index) {
      if (index < leading) return 0
      return events.at(index - leading)?.step ?? lastStep
    },
    render(index) {
      if (index < leading) return dataEvent(`{${headJson(facts)},${promptFiltersJson(answer)},"choices":[]}`)
      const event = events.at(index - leading)
      if (event) return renderChoice(event)
      if (index < leading + events.length + usageEvents) {
        return dataEvent(`{${headJson(facts)},"choices":[],"usage":${usageJson(completion.usage)}}`)
      }
      return doneEvent
    },
  }
}

function echoesPrompt({ echo, found, late }: LegacyCompletion): boolean {
  return echo && (found === undefined || late)
}

function choiceWriter(answer: LegacyCompletion, includeUsage: boolean): (event: ChoiceEvent) => string {
  const { completion, facts, found, late, logprobs } = answer
  const head = `{${headJson(facts)},"choices":[`
  const tail = includeUsage ? '],"usage":null}' : ']}'
  // The asynchronous filter reports in separate events.
  const tokenFilter = late ? '{}' : safeCompletionFilter
  const finishFilter = found === undefined ? '{}' : completionFilterJson(found)
  const offsets: number[] = []

  const write = (text: string, index: number, finishReason: string, tokens: string, filter: string): string =>
    dataEvent(`${head}${choiceJson(text, index, finishReason, tokens, filterMembers(answer, filter))}${tail}`)

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

/** Minimum probability of a written token: high enough to exceed every alternative. */
const MIN_PROBABILITY = 0.4

/** Share of the remaining probability that each alternative takes. */
const ALTERNATIVE_SHARE = 0.6

/**
 * Generates log probabilities in the format of legacy completions, as JSON. The written token is always the most
 * likely one. The first token of a text has no probability, because nothing precedes it.
 *
 * @param alternatives tokens listed at each position, 0 to 5; with 0 there is no list
 */
export function legacyLogprobsJson(
  { tokens, offset }: TokenSpans,
  alternatives: number,
  random: Random,
): string {
  const texts: string[] = []
  const offsets: number[] = []
  const logprobs: string[] = []
  const lists: string[] = []
  let at = offset
  for (const token of tokens) {
    const text = JSON.stringify(token)
    if (at === 0 && texts.length === 0) {
      logprobs.push('null')
      lists.push('null')
    } else {
      const probability = MIN_PROBABILITY + (1 - MIN_PROBABILITY) * random.unit()
      const logprob = logJson(probability)
      logprobs.push(logprob)
      if (alternatives > 0) {
        lists.push(`{${text}:${logprob}${alternativesJson(text, 1 - probability, alternatives - 1, random)}}`)
      }
    }
    texts.push(text)
    offsets.push(at)
    at += codePointLength(token)
  }
  const top = alternatives === 0 ? 'null' : `[${lists.join(',')}]`
  return `{"tokens":[${texts.join(',')}],"token_logprobs":[${logprobs.join(',')}],"top_logprobs":${top},"text_offset":[${offsets.join(',')}]}`
}

const wordTexts = pieceTable.words.map((word) => JSON.stringify(word))

/** JSON members for `count` other tokens in descending probability, each with a leading comma. */
function alternativesJson(text: string, rest: number, count: number, random: Random): string {
  let json = ''
  let left = rest
  let word = random.below(wordTexts.length)
  for (let listed = 0; listed < count; word = (word + 1) % wordTexts.length) {
    const other = wordTexts[word]
    if (other === text) continue
    json += `,${other}:${logJson(left * ALTERNATIVE_SHARE)}`
    left *= 1 - ALTERNATIVE_SHARE
    listed++
  }
  return json
}

/** Natural logarithm with six decimals. */
function logJson(probability: number): string {
  return String(roundTo(Math.log(probability), 6))
}
