import {
  type HarmCategory,
  safeCompletionFilter,
  completionFilterJson,
  safePromptFilter,
} from '../content-filters.ts'
import { isAsciiText } from '../../answer/body.ts'
import { totalTokens, type Usage, type Choice, type ToolCall } from '../../answer/completion.ts'
import { codePointLength, obfuscation, dataEvent } from '../sse.ts'
import type { Random } from '../../lib/random.ts'
import { RecentMap } from '../../lib/caches.ts'

/** What every object of one chat answer carries, and what decides its form. */
export interface ChatFacts {
  /** The id as a JSON string: one that is made here needs no look for what has to be escaped. */
  readonly idJson: string
  /** Seconds since 1970. */
  readonly created: number
  /** The model's name with its version. */
  readonly model: string
  /** Null for models that the service runs without one; undefined where it is not told. */
  readonly systemFingerprint: string | null | undefined
  /** Undefined for answers that do not tell their tier. */
  readonly serviceTier: string | undefined
  /** The request has `functions`, the older form of `tools`. */
  readonly usesFunctions: boolean
  /** Gives the log probabilities of pieces of text as JSON, in parts to be joined; undefined when the request does not ask for them. */
  readonly logprobs: ((pieces: readonly string[]) => Iterable<string>) | undefined
  /** Whether every prompt and choice carries what the content filter says, as on Azure; else only those that bring it along. */
  readonly annotates: boolean
  /** What the content filter found in the answer; undefined when it passes. */
  readonly found: HarmCategory | undefined
}

/** Whether all but the texts of an answer is ASCII: the names of models nearly always are, what logprobs tell need not be. */
export function isAsciiAround({ model, logprobs }: ChatFacts): boolean {
  return logprobs === undefined && isAsciiText(model)
}

/** `logprobs` of a choice or of a chunk. */
export function logprobsJson(pieces: readonly string[], { logprobs }: ChatFacts): string {
  return logprobs && pieces.length > 0 ? [...logprobs(pieces)].join('') : 'null'
}

/** The end of every object: from `created` on, without what a chunk or a whole answer puts between. */
export function identityJson({ created, idJson, model }: ChatFacts): string {
  return `"created":${created},"id":${idJson},"model":${JSON.stringify(model)}`
}

/** The tier and the fingerprint, for answers that tell them, with a comma before each. */
export function tierAndFingerprintJson({ serviceTier, systemFingerprint }: ChatFacts): string {
  const tier = serviceTier === undefined ? '' : `,"service_tier":${JSON.stringify(serviceTier)}`
  return systemFingerprint === undefined
    ? tier
    : `${tier},"system_fingerprint":${JSON.stringify(systemFingerprint)}`
}

/** Why a choice ends, in the words of the request's API. */
export function finishReasonOf(
  { finishReason }: Pick<Choice, 'finishReason'>,
  { usesFunctions }: ChatFacts,
): string {
  return usesFunctions && finishReason === 'tool_calls' ? 'function_call' : finishReason
}

/**
 * A call, as a message or the first of its deltas holds it.
 *
 * @param input the arguments, or what a custom tool is handed; empty in a stream
 * @param index the call's number, in a stream only
 */
export function toolCallJson({ id, kind, name }: ToolCall, input: string, index?: number): string {
  const definition =
    kind === 'custom'
      ? `"custom":{"input":${JSON.stringify(input)},"name":${JSON.stringify(name)}}`
      : `"function":${functionCallJson(name, input)}`
  return `{${definition},"id":${JSON.stringify(id)},${index === undefined ? '' : `"index":${index},`}"type":"${kind}"}`
}

/** A delta with a piece of the arguments of a call, or of what a custom tool is handed. */
export function argumentDelta(
  kind: ToolCall['kind'],
  call: number,
  piece: string,
  { usesFunctions }: ChatFacts,
): string {
  const json = JSON.stringify(piece)
  if (usesFunctions) return `{"function_call":{"arguments":${json}}}`
  const input = kind === 'custom' ? `"custom":{"input":${json}}` : `"function":{"arguments":${json}}`
  return `{"tool_calls":[{${input},"index":${call}}]}`
}

/** A function with its arguments. */
export function functionCallJson(name: string, input: string): string {
  return `{"arguments":${JSON.stringify(input)},"name":${JSON.stringify(name)}}`
}

/** The usage of a chat answer, keys in alphabetical order as the service sends them. */
export function chatUsageJson(usage: Usage): string {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = usage
  const { promptAudioTokens = 0, completionAudioTokens = 0 } = usage
  const { acceptedPredictionTokens = 0, rejectedPredictionTokens = 0 } = usage
  return `{"completion_tokens":${completionTokens},"completion_tokens_details":{"accepted_prediction_tokens":${acceptedPredictionTokens},"audio_tokens":${completionAudioTokens},"reasoning_tokens":${reasoningTokens},"rejected_prediction_tokens":${rejectedPredictionTokens}},"prompt_tokens":${promptTokens},"prompt_tokens_details":{"audio_tokens":${promptAudioTokens},"cached_tokens":${cachedTokens}},"total_tokens":${totalTokens(usage)}}`
}

/** What the request asks of its stream. */
export interface StreamOptions {
  readonly includeUsage: boolean
  readonly obfuscate: boolean
}

/** Writes the events of one stream around the parts that stay the same. All but `index` is JSON. */
export interface ChunkWriter {
  /** A chunk of one choice; by default the choice goes on and tells no probabilities. An empty `filter` is left out. */
  choice(index: number, filter: string, delta: string, finishReason?: string, logprobs?: string): string
  /** Prepares the chunks with one token each of the first choice's text: what it gives makes one of a JSON string. */
  tokens(field: 'content' | 'refusal'): (text: string) => string
  /** The chunk with the usage, which has no choice. */
  usage(usageJson: string): string
}

/** Prepares the chunks of a stream. */
export function createChunkWriter(facts: ChatFacts, options: StreamOptions, random: Random): ChunkWriter {
  const afterChoices = `],${identityJson(facts)}`
  const afterObfuscation = `,"object":"chat.completion.chunk"${tierAndFingerprintJson(facts)}`
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
    choice(index, filter, delta, finishReason = 'null', logprobs = 'null') {
      const rest = `"delta":${delta},"finish_reason":${finishReason},"index":${index},"logprobs":${logprobs}}`
      // Only these two may hold more than ASCII.
      const ascii = rest.length - delta.length - logprobs.length
      const length = ascii + codePointLength(delta) + codePointLength(logprobs)
      const head = filter === '' ? '{' : `{"content_filter_results":${filter},`
      return write(head + rest, '{'.length + length, nullUsage)
    },
    tokens(field) {
      const { obfuscate } = options
      const head = tokenHeads[field]
      const middle = flattenString(`${afterToken}${afterChoices}${obfuscate ? ',"obfuscation":"' : ''}`)
      const tail = sharedText(`${obfuscate ? '"' : ''}${afterObfuscation}${nullUsage}}\n\n`)
      if (!obfuscate) return (text) => head + text + middle + tail
      const fixedLength = `{"delta":{"${field}":`.length + afterToken.length + nullUsage.length
      const length = frameLength + obfuscationFrame + fixedLength
      return (text) => head + text + middle + obfuscation(random, length + codePointLength(text)) + tail
    },
    usage: (usageJson) => write('', 0, `,"usage":${usageJson}`),
  }
}

const tokenHead = (field: string): string =>
  flattenString(`data: {"choices":[{"content_filter_results":${safeCompletionFilter},"delta":{"${field}":`)

const tokenHeads = { content: tokenHead('content'), refusal: tokenHead('refusal') }
const afterToken = '},"finish_reason":null,"index":0,"logprobs":null}'

/**
 * A text that is the same in nearly all streams, in one piece, and once: a thousand open streams would else read theirs from a
 * thousand places in memory, token by token.
 */
function sharedText(text: string): string {
  const known = texts.get(text)
  if (known !== undefined) return known
  const own = flattenString(text)
  texts.set(own, own)
  return own
}

const texts = new RecentMap<string, string>(1_000)

/** V8 keeps what was put together as a tree of its parts, and would walk through it for each chunk. */
function flattenString(text: string): string {
  return Buffer.from(text).toString()
}

/** The first chunk of every stream; it has the shape of a chunk and none of its contents. */
export const promptFilterEvent = promptFiltersEvent(safePromptFilter(0))

/** The same with other results: JSON, with commas between. */
export function promptFiltersEvent(results: string): string {
  return dataEvent(
    `{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[${results}]}`,
  )
}

/** The chunk with which a choice begins: its role. */
export function startEvent(chunk: ChunkWriter, choice: Choice, facts: ChatFacts, index: number): string {
  return chunk.choice(index, '{}', startDelta(choice, facts))
}

/** The chunk that says why a choice ends. */
export function finishEvent(chunk: ChunkWriter, choice: Choice, facts: ChatFacts, index: number): string {
  return chunk.choice(index, finishFilter(facts), '{}', `"${finishReasonOf(choice, facts)}"`)
}

function finishFilter({ found }: ChatFacts): string {
  return found === undefined ? '{}' : completionFilterJson(found)
}

/** The order is that of other chunks; no stream of a refusal is captured. */
const refusalStart = '{"content":null,"refusal":"","role":"assistant"}'
const textStart = '{"content":"","refusal":null,"role":"assistant"}'

/** What a choice begins with. A single call comes with the role, several come after it. */
export function startDelta(
  { pieces, toolCalls, refused }: Pick<Choice, 'pieces' | 'toolCalls' | 'refused'>,
  { usesFunctions }: ChatFacts,
): string {
  if (refused) return refusalStart
  const [first, second] = toolCalls
  if (first === undefined || pieces.length > 0) return textStart
  if (second !== undefined) return '{"content":null,"refusal":null,"role":"assistant"}'
  if (usesFunctions) {
    return `{"content":null,"function_call":${functionCallJson(first.name, '')},"refusal":null,"role":"assistant"}`
  }
  return `{"content":null,"refusal":null,"role":"assistant","tool_calls":[${toolCallJson(first, '', 0)}]}`
}
