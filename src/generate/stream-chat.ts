import { safeCompletionFilter, safePromptFilter } from '../openai/content-filters.ts'
import { codePointLength, obfuscation } from '../openai/obfuscation.ts'
import { dataEvent, doneEvent } from '../openai/sse.ts'
import type { EventsBody } from '../pipeline/reply.ts'
import type { Random } from '../platform/random.ts'
import { chatUsageJson, type ChatFacts } from './chat-json.ts'
import { completionSteps, type Completion } from './completion.ts'
import { planChoiceEvents, stepOfChoiceEvent, type ChoiceEvent } from './stream-plan.ts'

/** What the request asks of its stream. */
export interface StreamOptions {
  readonly includeUsage: boolean
  readonly obfuscate: boolean
}

/**
 * The events of a streamed chat completion: the prompt's filter results, then for each choice a role, one token an
 * event and a finish, then the usage when it was asked for, and `[DONE]`.
 */
export function streamChat(
  completion: Completion,
  facts: ChatFacts,
  options: StreamOptions,
  random: Random,
): EventsBody {
  const events = planChoiceEvents(completion)
  const chunk = chunkWriter(facts, options, random)
  const usageEvents = options.includeUsage ? 1 : 0
  const lastStep = Math.max(0, completionSteps(completion).visible - 1)

  return {
    kind: 'events',
    count: 1 + events.length + usageEvents + 1,
    stepOf(index) {
      if (index === 0) return 0
      const event = events[index - 1]
      return event ? stepOfChoiceEvent(event) : lastStep
    },
    render(index) {
      if (index === 0) return promptFilterEvent
      const event = events[index - 1]
      if (event) return renderChoiceEvent(event, completion, chunk)
      if (index === events.length + usageEvents) return chunk.usage(chatUsageJson(completion.usage))
      return doneEvent
    },
  }
}

/** The first chunk of every stream; it has the shape of a chunk and none of its contents. */
const promptFilterEvent = dataEvent(
  `{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[${safePromptFilter(0)}]}`,
)

const roleDelta = '{"content":"","refusal":null,"role":"assistant"}'

function renderChoiceEvent(event: ChoiceEvent, completion: Completion, chunk: ChunkWriter): string {
  const choice = completion.choices[event.choice]
  switch (event.kind) {
    case 'start':
      return chunk.choice(event.choice, '{}', roleDelta, 'null')
    case 'finish':
      return chunk.choice(event.choice, '{}', '{}', `"${choice?.finishReason}"`)
    case 'token': {
      const content = JSON.stringify(choice?.pieces[event.token] ?? '')
      return chunk.choice(event.choice, safeCompletionFilter, `{"content":${content}}`, 'null')
    }
  }
}

/** Writes chunks around the parts that stay the same through a stream. */
interface ChunkWriter {
  /** All but `index` is JSON. */
  choice(index: number, filter: string, delta: string, finishReason: string): string
  usage(usageJson: string): string
}

function chunkWriter(facts: ChatFacts, options: StreamOptions, random: Random): ChunkWriter {
  const afterChoices = `],"created":${facts.created},"id":"${facts.id}","model":${JSON.stringify(facts.model)}`
  const afterObfuscation = `,"object":"chat.completion.chunk","system_fingerprint":${JSON.stringify(facts.systemFingerprint)}`
  const nullUsage = options.includeUsage ? ',"usage":null' : ''
  const frameLength = '{"choices":['.length + afterChoices.length + afterObfuscation.length + '}'.length
  const obfuscationFrame = ',"obfuscation":""'.length

  /** `choicesLength` leaves the filter results out: the service pads as if they were not there. */
  const write = (choices: string, choicesLength: number, usage: string): string => {
    if (!options.obfuscate)
      return dataEvent(`{"choices":[${choices}${afterChoices}${afterObfuscation}${usage}}`)
    const noise = obfuscation(random, frameLength + obfuscationFrame + choicesLength + usage.length)
    return dataEvent(
      `{"choices":[${choices}${afterChoices},"obfuscation":"${noise}"${afterObfuscation}${usage}}`,
    )
  }

  return {
    choice(index, filter, delta, finishReason) {
      const rest = `"delta":${delta},"finish_reason":${finishReason},"index":${index},"logprobs":null}`
      return write(`{"content_filter_results":${filter},${rest}`, 1 + codePointLength(rest), nullUsage)
    },
    usage: (usageJson) => write('', 0, `,"usage":${usageJson}`),
  }
}
