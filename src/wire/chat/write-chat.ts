import { bodyInPieces, renderedBody, type WholeBody } from '../../answer/body.ts'
import type {
  Answer,
  AnswerEvent,
  AnswerStart,
  AnswerWriter,
  FilterEvent,
} from '../../answer/answer-events.ts'
import { ThinkingBlocks, thinkingBlocksJson } from '../../answer/thinking-blocks.ts'
import type { Random } from '../../lib/random.ts'
import { openAiFormat } from '../envelopes.ts'
import { dataEvent, doneEvent } from '../sse.ts'
import {
  completionFilterJson,
  safeCompletionFilter,
  safePromptFilter,
  unjudgedFilterMembers,
} from '../content-filters.ts'
import {
  annotationsJson,
  argumentDelta,
  audioDelta,
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
  wholeUsageJson,
  routingMember,
  tierAndFingerprintJson,
  toolCallJson,
  type ChatFacts,
} from './chat-chunks.ts'
import {
  textJson,
  wholeText,
  type Choice,
  type ChoiceAudio,
  type Completion,
  type ToolCall,
  type Usage,
} from '../../answer/completion.ts'

/** A generated completion, or the folded answer of a real service. */
type WrittenChat = Completion & Partial<Pick<Answer, 'promptFilters'>>

/** Returns the body of a chat completion that is not streamed. */
export function chatBody(completion: WrittenChat, facts: ChatFacts): WholeBody {
  if (isLarge(completion, facts) || completion.choices.some(({ audio }) => audio))
    return bodyInPieces(() => chatPieces(completion, facts))
  const isAscii = isAsciiAround(facts) && completion.choices.every(({ plainText }) => plainText !== undefined)
  return renderedBody(() => renderChat(completion, facts), isAscii)
}

/** Larger completions are rendered in pieces. Rendering this many tokens takes about 10 ms; one with log probabilities counts as 20. */
const MAX_SYNC_TOKENS = 50_000
const TOKENS_PER_LOGPROB = 20

function isLarge({ usage }: Completion, { logprobs }: ChatFacts): boolean {
  return usage.completionTokens * (logprobs ? TOKENS_PER_LOGPROB : 1) > MAX_SYNC_TOKENS
}

/**
 * Renders a chat completion as compact JSON with keys in alphabetical order at every level and a final line feed. Concatenated by
 * hand, since most of it is constant.
 */
function renderChat(completion: WrittenChat, facts: ChatFacts): string {
  const choices = completion.choices.map((choice, index) => {
    return choiceStart(choice, index, facts) + wholeLogprobs(choice, facts) + choiceEnd(choice, facts)
  })
  return answerStart + choices.join(',') + answerEnd(completion, facts)
}

/** Like `renderChat`, in pieces. */
function* chatPieces(completion: WrittenChat, facts: ChatFacts): Generator<string, undefined> {
  yield answerStart
  for (const [index, choice] of completion.choices.entries()) {
    yield (index > 0 ? ',' : '') + choiceStart(choice, index, facts)
    if (facts.logprobs && choice.pieces.length > 0) yield* facts.logprobs(choice.pieces)
    else yield recordedLogprobs(choice)
    if (choice.audio) yield* spokenEnd(choice, choice.audio)
    else yield choiceEnd(choice, facts)
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

function answerEnd(completion: WrittenChat, facts: ChatFacts): string {
  const { usage, usageUnknown, promptFilters, choices } = completion
  const results = promptFilters?.map(promptFilterJson) ?? (facts.annotates ? [safePromptFilter(0)] : [])
  const filters = results.length === 0 ? '' : `,"prompt_filter_results":[${results.join(',')}]`
  const billed = usageUnknown === true ? '' : `,"usage":${wholeUsageJson(usage, choices.length, facts)}`
  const moderation = facts.moderation === undefined ? '' : `,"moderation":${facts.moderation}`
  return `],${identityJson(facts)}${moderation},"object":"chat.completion"${filters}${routingMember(facts)}${tierAndFingerprintJson(facts)}${billed}}\n`
}

function choiceStart(choice: Choice, index: number, facts: ChatFacts): string {
  return `{${filterMember(choice, facts)}"finish_reason":"${finishReasonOf(choice, facts)}","index":${index},"logprobs":`
}

function choiceEnd(choice: Choice, facts: ChatFacts): string {
  return `,"message":${messageJson(choice, facts)}}`
}

/** The message of an audio answer. Its data can have megabytes. */
function* spokenEnd(
  choice: Choice,
  { id, expiresAt, parts, data }: ChoiceAudio,
): Generator<string, undefined> {
  const { annotations, refusal } = choice
  yield `,"message":{"annotations":${annotationsJson(annotations ?? [])},"audio":{"data":"`
  for (let part = 0; part < parts; part++) yield data(part)
  const transcript = JSON.stringify(wholeText(choice))
  yield `","expires_at":${expiresAt},"id":${JSON.stringify(id)},"transcript":${transcript}},"content":null,"refusal":${refusal === undefined ? 'null' : JSON.stringify(refusal)},"role":"assistant"${callsMember(choice, false)}}}`
}

/** The service does not filter calls: their results are empty. */
function filterMember(
  { toolCalls, pieces, filter }: Choice,
  { annotates, found, unjudged }: ChatFacts,
): string {
  if (filter !== undefined) return `"content_filter_results":${JSON.stringify(filter)},`
  if (unjudged) return `${unjudgedFilterMembers},`
  if (!annotates) return ''
  if (toolCalls.length > 0 && pieces.length === 0) return '"content_filter_results":{},'
  const results = found === undefined ? safeCompletionFilter : completionFilterJson(found)
  return `"content_filter_results":${results},`
}

function messageJson(choice: Choice, { usesFunctions }: ChatFacts): string {
  const { pieces, toolCalls, refused, refusal, thought, annotations, context, thinkingBlocks } = choice
  const text = pieces.length > 0 ? textJson(choice, wholeText(choice)) : toolCalls.length > 0 ? 'null' : '""'
  // A refusal that the content filter blocks has no text. Its content is then empty.
  const refuses = refused === true && pieces.length > 0
  const content = refuses ? 'null' : text
  const refusalText = refuses ? text : refusal === undefined ? 'null' : JSON.stringify(refusal)
  const reasoning = thought === undefined ? '' : `"reasoning_content":${JSON.stringify(thought)},`
  const signed =
    thinkingBlocks === undefined ? '' : `,"thinking_blocks":${thinkingBlocksJson(thinkingBlocks)}`
  const cited = annotations === undefined ? '[]' : annotationsJson(annotations)
  const retrieved = context === undefined ? '' : `"context":${JSON.stringify(context)},`
  return `{"annotations":${cited},"content":${content},${retrieved}${functionMember(choice, usesFunctions)}${reasoning}"refusal":${refusalText},"role":"assistant"${signed}${callsMember(choice, usesFunctions)}}`
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

/** Returns `defaults` with the values that the service has sent. */
export function chatFactsOf(start: AnswerStart, defaults: ChatFacts): ChatFacts {
  const { id, createdSeconds, model, fingerprint, serviceTier } = start
  return {
    ...defaults,
    // Clients derive the kind of object from the id, so an id of another API is replaced.
    ...(id !== undefined && id !== '' && !/^(?:resp|msg)_/.test(id) && { idJson: JSON.stringify(id) }),
    ...(createdSeconds !== undefined && { created: createdSeconds }),
    ...(model !== undefined && { model }),
    ...(fingerprint !== undefined && { systemFingerprint: fingerprint }),
    ...(serviceTier !== undefined && { serviceTier }),
  }
}

/** The state of a choice in a stream. */
interface StreamedChoice {
  started: boolean
  /** JSON of the filter results for the next chunk. */
  filter: string
  /** Whether the chunks of this choice have filter results. */
  annotated: boolean
  readonly tools: Map<number, ToolCall['kind']>
  thinking: ThinkingBlocks | undefined
}

/** Writes a stream of chat completions. Ignores items of the Responses API and their encrypted reasoning. */
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
   * @param facts default values for fields that the events do not contain
   * @param random source of the padding
   */
  constructor(facts: ChatFacts, options: StreamOptions, random: Random) {
    this.#facts = facts
    this.#options = options
    this.#random = random
  }

  write(event: AnswerEvent): string {
    return this.#afterPromptFilters(this.#thinkingBefore(event) + this.#event(event))
  }

  /**
   * The thinking that clients send back, before the first text or call: complete in one chunk, since clients replace the list of a
   * chunk before.
   */
  #thinkingBefore(event: AnswerEvent): string {
    if (!('choice' in event)) return ''
    const written = this.#at(event.choice)
    if (event.kind === 'thought') written.thinking ??= new ThinkingBlocks()
    if (written.thinking?.take(event) !== true) return ''
    const { blocks } = written.thinking
    if (blocks.length === 0) return ''
    const delta = `{"thinking_blocks":${thinkingBlocksJson(blocks)}}`
    return this.#start(event.choice, textStart) + this.#choice(event.choice, delta)
  }

  #event(event: AnswerEvent): string {
    switch (event.kind) {
      case 'start':
        this.#facts = chatFactsOf(event, this.#facts)
        return ''
      case 'filter':
        return this.#filter(event)
      case 'audio': {
        const { choice, id, data, expiresAt } = event
        return (
          this.#start(choice, textStart, true) + this.#choice(choice, audioDelta({ id, data, expiresAt }))
        )
      }
      case 'text':
      case 'refusal': {
        if (event.kind === 'text' && event.spoken) {
          const delta = audioDelta({ transcript: event.text })
          return this.#start(event.choice, textStart, true) + this.#choice(event.choice, delta)
        }
        const start = this.#start(event.choice, event.kind === 'refusal' ? refusalStart : textStart)
        if (event.text === '' && !event.logprobs) return start
        const field = event.kind === 'text' ? 'content' : 'refusal'
        const { logprobs } = event
        const logprobsJson = logprobs === undefined ? 'null' : logprobsMember(logprobs, field === 'refusal')
        const delta = `{"${field}":${JSON.stringify(event.text)}}`
        return start + this.#choice(event.choice, delta, 'null', logprobsJson, safeCompletionFilter)
      }
      case 'thought': {
        if (event.text === '') return ''
        const delta = `{"reasoning_content":${JSON.stringify(event.text)}}`
        return this.#start(event.choice, textStart) + this.#choice(event.choice, delta)
      }
      case 'context': {
        const delta = `{"context":${JSON.stringify(event.context)}}`
        return this.#start(event.choice, textStart) + this.#choice(event.choice, delta)
      }
      case 'annotations': {
        const delta = `{"annotations":${annotationsJson(event.annotations)}}`
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
        return openAiFormat.writeErrorEvents({ type: null, param: null, ...event.error }, 0, '').join('')
      }
      default:
        return ''
    }
  }

  end(): string {
    if (this.#failed) return ''
    const usage =
      this.#usage && this.#options.includeUsage ? this.#writer.usage(this.#usage, this.#choices.size) : ''
    return this.#afterPromptFilters(usage + doneEvent)
  }

  /** Prepends a chunk with the filter results of all prompts to the first output. */
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
      known = {
        started: false,
        filter: '',
        annotated: this.#facts.annotates,
        tools: new Map(),
        thinking: undefined,
      }
      this.#choices.set(choice, known)
    }
    return known
  }

  /** Returns the chunk with the role before the first chunk of a choice, else an empty string. */
  #start(choice: number, first: Parameters<typeof startDelta>[0], isSpoken = false): string {
    const written = this.#at(choice)
    if (written.started) return ''
    written.started = true
    const filter = written.annotated ? '{}' : ''
    return this.#writer.choice(choice, filter, startDelta(first, this.#facts, isSpoken))
  }

  #choice(
    choice: number,
    delta: string,
    finishReason = 'null',
    logprobs = 'null',
    safeFilter = '{}',
  ): string {
    const written = this.#at(choice)
    const defaultFilter = this.#facts.annotates ? safeFilter : written.annotated ? '{}' : ''
    const filter = written.filter === '' ? defaultFilter : written.filter
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
