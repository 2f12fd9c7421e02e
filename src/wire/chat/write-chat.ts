import { bodyInPieces, renderedBody, type WholeBody } from '../../answer/body.ts'
import type {
  Answer,
  AnswerEvent,
  AnswerStart,
  AnswerWriter,
  FilterEvent,
} from '../../answer/answer-events.ts'
import type { Random } from '../../lib/random.ts'
import { openAiFormat } from '../envelopes.ts'
import { dataEvent, doneEvent } from '../sse.ts'
import { completionFilterJson, safeCompletionFilter, safePromptFilter } from '../content-filters.ts'
import {
  argumentDelta,
  chatUsageJson,
  createChunkWriter,
  promptFiltersEvent,
  startDelta,
  type ChunkWriter,
  type StreamOptions,
  finishReasonOf,
  functionCallJson,
  identityJson,
  isAsciiAround,
  logprobsJson,
  tierAndFingerprintJson,
  toolCallJson,
  type ChatFacts,
} from './chat-chunks.ts'
import {
  textJson,
  wholeText,
  type Choice,
  type Completion,
  type ToolCall,
  type Usage,
} from '../../answer/completion.ts'

/** What a whole chat completion is written from: a completion, or the folded answer of a real service. */
type WrittenChat = Completion & Partial<Pick<Answer, 'promptFilters'>>

/** The body of a whole chat completion. */
export function chatBody(completion: WrittenChat, facts: ChatFacts): WholeBody {
  if (isLarge(completion, facts)) return bodyInPieces(() => chatPieces(completion, facts))
  const isAscii = isAsciiAround(facts) && completion.choices.every(({ plainText }) => plainText !== undefined)
  return renderedBody(() => renderChat(completion, facts), isAscii)
}

/** Rendered in some ten milliseconds, in tokens; the log probabilities of one take as long as twenty. */
const MAX_SYNC_TOKENS = 50_000
const TOKENS_PER_LOGPROB = 20

function isLarge({ usage }: Completion, { logprobs }: ChatFacts): boolean {
  return usage.completionTokens * (logprobs ? TOKENS_PER_LOGPROB : 1) > MAX_SYNC_TOKENS
}

/**
 * A whole chat completion as text: compact, keys in alphabetical order at every level, a line feed at the end.
 * Put together by hand, since the parts that never change need no serialising.
 */
function renderChat(completion: WrittenChat, facts: ChatFacts): string {
  const choices = completion.choices.map((choice, index) => {
    return choiceStart(choice, index, facts) + wholeLogprobs(choice, facts) + choiceEnd(choice, facts)
  })
  return answerStart + choices.join(',') + answerEnd(completion, facts)
}

/** The same in pieces. */
function* chatPieces(completion: WrittenChat, facts: ChatFacts): Generator<string, undefined> {
  yield answerStart
  for (const [index, choice] of completion.choices.entries()) {
    yield (index > 0 ? ',' : '') + choiceStart(choice, index, facts)
    if (facts.logprobs && choice.pieces.length > 0) yield* facts.logprobs(choice.pieces)
    else yield recordedLogprobs(choice)
    yield choiceEnd(choice, facts)
  }
  yield answerEnd(completion, facts)
}

function wholeLogprobs(choice: Choice, facts: ChatFacts): string {
  return facts.logprobs ? logprobsJson(choice.pieces, facts) : recordedLogprobs(choice)
}

function recordedLogprobs({ logprobs, refused }: Choice): string {
  return logprobs === undefined ? 'null' : logprobsMember(logprobs, refused === true)
}

const answerStart = '{"choices":['

function answerEnd({ usage, usageUnknown, promptFilters }: WrittenChat, facts: ChatFacts): string {
  const results = promptFilters?.map(promptFilterJson) ?? (facts.annotates ? [safePromptFilter(0)] : [])
  const filters = results.length === 0 ? '' : `,"prompt_filter_results":[${results.join(',')}]`
  const billed = usageUnknown === true ? '' : `,"usage":${chatUsageJson(usage)}`
  return `],${identityJson(facts)},"object":"chat.completion"${filters}${tierAndFingerprintJson(facts)}${billed}}\n`
}

function choiceStart(choice: Choice, index: number, facts: ChatFacts): string {
  return `{${filterMember(choice, facts)}"finish_reason":"${finishReasonOf(choice, facts)}","index":${index},"logprobs":`
}

function choiceEnd(choice: Choice, facts: ChatFacts): string {
  return `,"message":${messageJson(choice, facts)}}`
}

/** Calls are not filtered, texts are. */
function filterMember({ toolCalls, pieces, filter }: Choice, { annotates, found }: ChatFacts): string {
  if (filter !== undefined) return `"content_filter_results":${JSON.stringify(filter)},`
  if (!annotates) return ''
  if (toolCalls.length > 0 && pieces.length === 0) return '"content_filter_results":{},'
  const results = found === undefined ? safeCompletionFilter : completionFilterJson(found)
  return `"content_filter_results":${results},`
}

function messageJson(choice: Choice, { usesFunctions }: ChatFacts): string {
  const { pieces, toolCalls, refused, refusal, thought, annotations } = choice
  const text = pieces.length > 0 ? textJson(choice, wholeText(choice)) : toolCalls.length > 0 ? 'null' : '""'
  // A refusal that the content filter blocks has no text either, and is then an empty one.
  const refuses = refused === true && pieces.length > 0
  const content = refuses ? 'null' : text
  const refusalText = refuses ? text : refusal === undefined ? 'null' : JSON.stringify(refusal)
  const seen = thought === undefined ? '' : `"reasoning_content":${JSON.stringify(thought)},`
  const sources = annotations === undefined ? '[]' : JSON.stringify(annotations)
  return `{"annotations":${sources},"content":${content},${functionMember(choice, usesFunctions)}${seen}"refusal":${refusalText},"role":"assistant"${callsMember(choice, usesFunctions)}}`
}

function functionMember({ toolCalls: [call] }: Choice, usesFunctions: boolean): string {
  return usesFunctions && call ? `"function_call":${functionCallJson(call.name, inputOf(call))},` : ''
}

function callsMember({ toolCalls }: Choice, usesFunctions: boolean): string {
  if (usesFunctions || toolCalls.length === 0) return ''
  const calls = toolCalls.map((call) => toolCallJson(call, inputOf(call))).join(',')
  return `,"tool_calls":[${calls}]`
}

function inputOf({ pieces }: ToolCall): string {
  return pieces.join('')
}

/** The facts of an answer, with what its service has told in the place of those that are `given`. */
export function chatFactsOf(start: AnswerStart, given: ChatFacts): ChatFacts {
  const { id, createdSeconds, model, fingerprint, serviceTier } = start
  return {
    ...given,
    // Clients read from an id what kind of object it names.
    ...(id !== undefined && id !== '' && !id.startsWith('resp_') && { idJson: JSON.stringify(id) }),
    ...(createdSeconds !== undefined && { created: createdSeconds }),
    ...(model !== undefined && { model }),
    ...(fingerprint !== undefined && { systemFingerprint: fingerprint }),
    ...(serviceTier !== undefined && { serviceTier }),
  }
}

/** A choice of a stream, as far as it is written. */
interface StreamedChoice {
  started: boolean
  /** JSON of the filter's results that go out with the next chunk. */
  filter: string
  /** Whether the service has judged this choice at all. */
  annotated: boolean
  readonly tools: Map<number, ToolCall['kind']>
}

/** Writes a stream of chat completions. Items of the Responses API, and thought that only its service can read, have no place in it. */
export class ChatStreamWriter implements AnswerWriter {
  readonly #options: StreamOptions
  readonly #random: Random
  readonly #choices = new Map<number, StreamedChoice>()
  readonly #promptFilters: FilterEvent[] = []
  #facts: ChatFacts
  #chunk: ChunkWriter | undefined
  #usage: Usage | undefined
  #failed = false

  /**
   * @param facts what the events may leave open: a chat answer has an id, whatever its source
   * @param random where the padding is drawn from
   */
  constructor(facts: ChatFacts, options: StreamOptions, random: Random) {
    this.#facts = facts
    this.#options = options
    this.#random = random
  }

  write(event: AnswerEvent): string {
    return this.#afterPromptFilters(this.#event(event))
  }

  #event(event: AnswerEvent): string {
    switch (event.kind) {
      case 'start':
        this.#facts = chatFactsOf(event, this.#facts)
        return ''
      case 'filter':
        return this.#filter(event)
      case 'text':
      case 'refusal': {
        const start = this.#start(event.choice, event.kind === 'refusal' ? refusalStart : textStart)
        if (event.text === '' && !event.logprobs) return start
        const field = event.kind === 'text' ? 'content' : 'refusal'
        const { logprobs } = event
        const told = logprobs === undefined ? 'null' : logprobsMember(logprobs, field === 'refusal')
        const delta = `{"${field}":${JSON.stringify(event.text)}}`
        return start + this.#choice(event.choice, delta, 'null', told, safeCompletionFilter)
      }
      case 'thought': {
        if (event.text === '') return ''
        const delta = `{"reasoning_content":${JSON.stringify(event.text)}}`
        return this.#start(event.choice, textStart) + this.#choice(event.choice, delta)
      }
      case 'annotations': {
        const delta = `{"annotations":${JSON.stringify(event.annotations)}}`
        return this.#start(event.choice, textStart) + this.#choice(event.choice, delta)
      }
      case 'call': {
        const { choice, call, tool: kind, id, name } = event
        const header: ToolCall = { id, kind, name, pieces: [] }
        const written = this.#at(choice)
        written.tools.set(call, kind)
        if (!written.started) return this.#start(choice, { pieces: [], toolCalls: [header] })
        const delta = this.#facts.usesFunctions
          ? `{"function_call":${functionCallJson(name, '')}}`
          : `{"tool_calls":[${toolCallJson(header, '', call)}]}`
        return this.#choice(choice, delta)
      }
      case 'arguments': {
        const kind = this.#at(event.choice).tools.get(event.call) ?? 'function'
        return this.#choice(event.choice, argumentDelta(kind, event.call, event.text, this.#facts))
      }
      case 'finish': {
        const reason = `"${finishReasonOf({ finishReason: event.reason }, this.#facts)}"`
        return this.#start(event.choice, textStart) + this.#choice(event.choice, '{}', reason)
      }
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'error': {
        this.#failed = true
        return openAiFormat.writeErrorEvent({ type: null, param: null, ...event.error }, 0)
      }
      default:
        return ''
    }
  }

  end(): string {
    if (this.#failed) return ''
    const usage =
      this.#usage && this.#options.includeUsage ? this.#writer.usage(chatUsageJson(this.#usage)) : ''
    return this.#afterPromptFilters(usage + doneEvent)
  }

  /** What the filter says of all prompts is one chunk, before anything else. */
  #afterPromptFilters(text: string): string {
    if (text === '' || this.#promptFilters.length === 0) return text
    const results = this.#promptFilters.splice(0).map(promptFilterJson)
    return promptFiltersEvent(results.join(',')) + text
  }

  get #writer(): ChunkWriter {
    return (this.#chunk ??= createChunkWriter(this.#facts, this.#options, this.#random))
  }

  #at(choice: number): StreamedChoice {
    let known = this.#choices.get(choice)
    if (!known) {
      known = { started: false, filter: '', annotated: this.#facts.annotates, tools: new Map() }
      this.#choices.set(choice, known)
    }
    return known
  }

  /** The chunk with the role, before whatever comes first. */
  #start(choice: number, first: Parameters<typeof startDelta>[0]): string {
    const written = this.#at(choice)
    if (written.started) return ''
    written.started = true
    const filter = written.annotated ? '{}' : ''
    return this.#writer.choice(choice, filter, startDelta(first, this.#facts))
  }

  #choice(choice: number, delta: string, finishReason = 'null', logprobs = 'null', passes = '{}'): string {
    const written = this.#at(choice)
    const unasked = this.#facts.annotates ? passes : written.annotated ? '{}' : ''
    const filter = written.filter === '' ? unasked : written.filter
    written.filter = ''
    return this.#writer.choice(choice, filter, delta, finishReason, logprobs)
  }

  #filter(event: FilterEvent): string {
    if (event.of === 'prompt') {
      this.#promptFilters.push(event)
      return ''
    }
    const written = this.#at(event.index)
    written.annotated = true
    const results = JSON.stringify(event.results)
    if (event.offsets === undefined) {
      written.filter = results
      return ''
    }
    const offsets = JSON.stringify(event.offsets)
    return dataEvent(
      `{"choices":[{"content_filter_offsets":${offsets},"content_filter_results":${results},"finish_reason":null,"index":${event.index}}],"created":0,"id":"","model":"","object":""}`,
    )
  }
}

const textStart = { pieces: [''], toolCalls: [] }
const refusalStart = { pieces: [''], toolCalls: [], refused: true }

function promptFilterJson({ index, results }: FilterEvent): string {
  return `{"prompt_index":${index},"content_filter_results":${JSON.stringify(results)}}`
}

function logprobsMember(entries: readonly unknown[], refused: boolean): string {
  const json = JSON.stringify(entries)
  return refused ? `{"content":null,"refusal":${json}}` : `{"content":${json},"refusal":null}`
}
