import {
  type HarmCategory,
  safeCompletionFilter,
  completionFilterJson,
  safePromptFilter,
  unjudgedFilterMembers,
} from '../content-filters.ts'
import { isAsciiText } from '../../answer/body.ts'
import { isRecord } from '../../lib/record.ts'
import { totalTokens, type Usage, type Choice, type ToolCall } from '../../answer/completion.ts'
import { codePointLength, obfuscation, dataEvent } from '../sse.ts'
import type { Random } from '../../lib/random.ts'
import { RecentMap } from '../../lib/caches.ts'
import type { ChatForm } from '../wire-profile.ts'

/** The fields of every object of one chat answer, and options for its format. */
export interface ChatFacts {
  /** The id as a JSON string. Generated ids do not need escaping. */
  readonly idJson: string
  /** Seconds since 1970. */
  readonly created: number
  /** Model name with its version. */
  readonly model: string
  /** Null for models without a fingerprint on the service. Undefined: the field is not sent. */
  readonly systemFingerprint: string | null | undefined
  /** Undefined: the field is not sent. */
  readonly serviceTier: string | undefined
  readonly form: ChatForm
  /** For `latency_checkpoint`. Undefined: the field is not sent. */
  readonly times: AnswerTimes | undefined
  /** Whether the request has `functions`, the older form of `tools`. */
  readonly usesFunctions: boolean
  /** Returns the log probabilities of text pieces as JSON, in parts to concatenate. Undefined if the request does not ask for them. */
  readonly logprobs: ((pieces: readonly string[]) => Iterable<string>) | undefined
  /** Whether every prompt and choice has filter results, as on Azure. Otherwise only those with results from their source. */
  readonly annotates: boolean
  /** Harm that the content filter detected in the answer; undefined if it is safe. */
  readonly found: HarmCategory | undefined
  /** Results of the moderation model as JSON. Absent without a request for them. */
  readonly moderation?: string | undefined
  /** Whether the content filter could not judge the answer; default: false. A stream then has no filter results of the prompt. */
  readonly unjudged?: boolean
}

/** Planned times of an answer, in milliseconds from the start of the request. They are known when the answer is rendered. */
export interface AnswerTimes {
  /** Time that the request waited for a slot. */
  readonly queuedMs: number
  /** Undefined: the answer takes no time. */
  readonly schedule:
    | { readonly stepsMs: Float64Array; readonly endMs: number; readonly firstMs?: number }
    | undefined
}

/** Returns whether the answer is ASCII except for its texts. Log probabilities can contain other characters. */
export function isAsciiAround({ model, logprobs }: ChatFacts): boolean {
  return logprobs === undefined && isAsciiText(model)
}

/** `logprobs` of a choice or of a chunk. */
export function logprobsJson(pieces: readonly string[], { logprobs }: ChatFacts): string {
  return logprobs && pieces.length > 0 ? [...logprobs(pieces)].join('') : 'null'
}

/** The fields `created`, `id` and `model` of every object. */
export function identityJson({ created, idJson, model }: ChatFacts): string {
  return `"created":${created},"id":${idJson},"model":${JSON.stringify(model)}`
}

/** The field `routing` if it is sent, with a comma before it. */
export function routingMember({ form: { routing } }: ChatFacts): string {
  return routing === undefined ? '' : `,"routing":${routing}`
}

/** The tier and the fingerprint if they are sent, with a comma before each. */
export function tierAndFingerprintJson({ serviceTier, systemFingerprint }: ChatFacts): string {
  const tier = serviceTier === undefined ? '' : `,"service_tier":${JSON.stringify(serviceTier)}`
  return systemFingerprint === undefined
    ? tier
    : `${tier},"system_fingerprint":${JSON.stringify(systemFingerprint)}`
}

/** The finish reason, which depends on whether the request uses `functions` or `tools`. */
export function finishReasonOf(
  { finishReason }: Pick<Choice, 'finishReason'>,
  { usesFunctions }: ChatFacts,
): string {
  return usesFunctions && finishReason === 'tool_calls' ? 'function_call' : finishReason
}

/**
 * A call in a message or in its first delta.
 *
 * @param input arguments of the function, or input of the custom tool; empty in a stream
 * @param index index of the call, only in a stream
 */
export function toolCallJson({ id, kind, name }: ToolCall, input: string, index?: number): string {
  const definition =
    kind === 'custom'
      ? `"custom":{"input":${JSON.stringify(input)},"name":${JSON.stringify(name)}}`
      : `"function":${functionCallJson(name, input)}`
  return `{${definition},"id":${JSON.stringify(id)},${index === undefined ? '' : `"index":${index},`}"type":"${kind}"}`
}

/** A delta with a piece of the arguments of a function call or of the input of a custom tool. */
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

/** Members of the audio in a delta. The id is only in the first one. */
export interface AudioDelta {
  /** Base64. */
  readonly data?: string | undefined
  /** Seconds since 1970. */
  readonly expiresAt?: number | undefined
  readonly id?: string | undefined
  readonly transcript?: string | undefined
}

/** A delta with a part of an audio answer (a capture of 2024 of OpenAI's API, with keys in alphabetical order). */
export function audioDelta({ data, expiresAt, id, transcript }: AudioDelta): string {
  const audio = JSON.stringify({ data, expires_at: expiresAt, id, transcript })
  return `{"audio":${audio}${id === undefined ? '' : ',"content":null'}}`
}

/** `annotations` as JSON. The Responses API has the members of a citation of a web page beside its type. */
export function annotationsJson(annotations: readonly unknown[]): string {
  return JSON.stringify(annotations.map(nestedCitation))
}

function nestedCitation(annotation: unknown): unknown {
  if (!isRecord(annotation)) return annotation
  const { type, ...citation } = annotation
  return type === 'url_citation' && 'url' in citation ? { type, url_citation: citation } : annotation
}

/** A function name with its arguments. */
export function functionCallJson(name: string, input: string): string {
  return `{"arguments":${JSON.stringify(input)},"name":${JSON.stringify(name)}}`
}

/**
 * Shares of the time to the first token that are spent before the model starts, and in the model. The rest is the content filter and
 * the network of the service. Medians of 18 captures of May to October 2026 (gpt-4.1-mini to 6.1-sol).
 */
const PRE_INFERENCE_SHARE = 0.26
const ENGINE_SHARE = 0.13

/**
 * The field `latency_checkpoint` with a comma before it, from the planned times of the answer; empty if it is not sent. In captures,
 * `user_visible_ttft_ms` is `service_ttft_ms` without `pre_inference_ms`, and the tokens of engine and service have the same
 * distance. The first token can be hidden reasoning.
 */
function checkpointMember({ completionTokens }: Usage, choices: number, facts: ChatFacts): string {
  const { times, form } = facts
  if (!times || !form.checkpoint) return ''
  const { queuedMs, schedule } = times
  const endMs = Math.round(schedule?.endMs ?? 0)
  const firstMs = Math.min(endMs, Math.round(schedule?.firstMs ?? schedule?.stepsMs[0] ?? endMs))
  const inModelMs = Math.max(0, firstMs - queuedMs)
  const beforeMs = firstMs - Math.round(inModelMs * (1 - PRE_INFERENCE_SHARE))
  const engineMs = Math.round(inModelMs * ENGINE_SHARE)
  const writingMs = endMs - firstMs
  const tokenMs = Math.round((writingMs * choices) / Math.max(1, completionTokens))
  const total = form.checkpoint === 'with-total' ? `"total_duration_ms":${endMs - beforeMs},` : ''
  return `,"latency_checkpoint":{"engine_tbt_ms":${tokenMs},"engine_ttft_ms":${engineMs},"engine_ttlt_ms":${engineMs + writingMs},"pre_inference_ms":${beforeMs},"service_tbt_ms":${tokenMs},"service_ttft_ms":${firstMs},"service_ttlt_ms":${endMs},${total}"user_visible_ttft_ms":${firstMs - beforeMs}}`
}

/** The usage of a whole chat answer, with keys in alphabetical order like on the service. */
export function wholeUsageJson(usage: Usage, choices: number, facts: ChatFacts): string {
  return usageJson(usage, facts, checkpointMember(usage, choices, facts))
}

function usageJson(usage: Usage, { form }: ChatFacts, checkpoint: string): string {
  const { promptTokens, cachedTokens, cacheWriteTokens, completionTokens, reasoningTokens } = usage
  const { promptAudioTokens = 0, completionAudioTokens = 0 } = usage
  const { acceptedPredictionTokens = 0, rejectedPredictionTokens = 0 } = usage
  const written = form.hasCacheWriteTokens ? `"cache_write_tokens":${cacheWriteTokens ?? 0},` : ''
  return `{"completion_tokens":${completionTokens},"completion_tokens_details":{"accepted_prediction_tokens":${acceptedPredictionTokens},"audio_tokens":${completionAudioTokens},"reasoning_tokens":${reasoningTokens},"rejected_prediction_tokens":${rejectedPredictionTokens}}${checkpoint},"prompt_tokens":${promptTokens},"prompt_tokens_details":{"audio_tokens":${promptAudioTokens},${written}"cached_tokens":${cachedTokens}},"total_tokens":${totalTokens(usage)}}`
}

/** The options of the request for its stream. */
export interface StreamOptions {
  readonly includeUsage: boolean
  readonly obfuscate: boolean
}

/** Writes the events of one stream. Constant parts are rendered once. All parameters except `index` are JSON. */
export interface ChunkWriter {
  /** A chunk of one choice. Finish reason and log probabilities default to null. An empty `filter` is omitted. */
  choice(index: number, filter: string, delta: string, finishReason?: string, logprobs?: string): string
  /** Returns a function that writes a chunk of the first choice with the given text, a JSON string. */
  tokens(field: 'content' | 'refusal'): (text: string) => string
  /** The chunk with the results of the moderation model, as JSON. It has no choice. No chunk is captured. */
  moderation(results: string): string
  /** The chunk with the usage of all choices. It has no choice. */
  usage(usage: Usage, choices: number): string
}

/** Creates the writer of a stream. */
export function createChunkWriter(facts: ChatFacts, options: StreamOptions, random: Random): ChunkWriter {
  const afterChoices = `],${identityJson(facts)}`
  const objectMember = ',"object":"chat.completion.chunk"'
  const tierAndFingerprint = tierAndFingerprintJson(facts)
  const afterObfuscation = objectMember + tierAndFingerprint
  const nullUsage = options.includeUsage ? ',"usage":null' : ''
  const frameLength = '{"choices":['.length + afterChoices.length + afterObfuscation.length + '}'.length
  const obfuscationFrame = ',"obfuscation":""'.length

  /** `choicesLength` excludes the filter results, as in the padding of the service. */
  const write = (choices: string, choicesLength: number): string => {
    if (!options.obfuscate)
      return dataEvent(`{"choices":[${choices}${afterChoices}${afterObfuscation}${nullUsage}}`)
    const noise = obfuscation(random, frameLength + obfuscationFrame + choicesLength + nullUsage.length)
    return dataEvent(
      `{"choices":[${choices}${afterChoices},"obfuscation":"${noise}"${afterObfuscation}${nullUsage}}`,
    )
  }

  return {
    choice(index, filter, delta, finishReason = 'null', logprobs = 'null') {
      const rest = `"delta":${delta},"finish_reason":${finishReason},"index":${index},"logprobs":${logprobs}}`
      // Only these two can contain other characters than ASCII.
      const ascii = rest.length - delta.length - logprobs.length
      const length = ascii + codePointLength(delta) + codePointLength(logprobs)
      const head =
        filter === '' ? '{' : facts.unjudged ? unjudgedHead : `{"content_filter_results":${filter},`
      return write(head + rest, '{'.length + length)
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
    moderation(results) {
      return dataEvent(`{"choices":[${afterChoices},"moderation":${results}${afterObfuscation}}`)
    },
    usage(usage, choices) {
      const { created, idJson, model } = facts
      const identity = `"created":${created},"id":${idJson}${checkpointMember(usage, choices, facts)},"model":${JSON.stringify(model)}`
      const before = `{"choices":[],${identity}`
      const billed = usageJson(usage, facts, '')
      const after = `${objectMember}${routingMember(facts)}${tierAndFingerprint},"usage":${billed}}`
      if (!options.obfuscate) return dataEvent(before + after)
      const length = codePointLength(before) + obfuscationFrame + after.length
      return dataEvent(`${before},"obfuscation":"${obfuscation(random, length)}"${after}`)
    },
  }
}

const unjudgedHead = `{${unjudgedFilterMembers},`

const tokenHead = (field: string): string =>
  flattenString(`data: {"choices":[{"content_filter_results":${safeCompletionFilter},"delta":{"${field}":`)

const tokenHeads = { content: tokenHead('content'), refusal: tokenHead('refusal') }
const afterToken = '},"finish_reason":null,"index":0,"logprobs":null}'

/**
 * Returns one shared flat string for equal texts. Nearly all streams have the same text, and separate copies in each of 1,000
 * streams would cause CPU cache misses for each token.
 */
function sharedText(text: string): string {
  const known = texts.get(text)
  if (known !== undefined) return known
  const flat = flattenString(text)
  texts.set(flat, flat)
  return flat
}

const texts = new RecentMap<string, string>(1_000)

/** V8 stores a concatenated string as a tree. Traversing it for each chunk would be slower than one flat copy. */
function flattenString(text: string): string {
  return Buffer.from(text).toString()
}

/** The first chunk of every stream: only filter results of the prompt, all other fields are empty. */
export const promptFilterEvent = promptFiltersEvent(safePromptFilter(0))

/** Like `promptFilterEvent`, with the given results: JSON objects, separated by commas. */
export function promptFiltersEvent(results: string): string {
  return dataEvent(
    `{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[${results}]}`,
  )
}

/** The first chunk of a choice, with its role. */
export function startEvent(chunk: ChunkWriter, choice: Choice, facts: ChatFacts, index: number): string {
  return chunk.choice(index, '{}', startDelta(choice, facts, choice.audio !== undefined))
}

/** The chunk with the finish reason of a choice. */
export function finishEvent(chunk: ChunkWriter, choice: Choice, facts: ChatFacts, index: number): string {
  return chunk.choice(index, finishFilter(facts), '{}', `"${finishReasonOf(choice, facts)}"`)
}

function finishFilter({ found }: ChatFacts): string {
  return found === undefined ? '{}' : completionFilterJson(found)
}

/** No stream with a refusal is captured. The order of keys is that of other chunks. */
const refusalStart = '{"content":null,"refusal":"","role":"assistant"}'
const spokenStart = '{"content":null,"refusal":null,"role":"assistant"}'
const textStart = '{"content":"","refusal":null,"role":"assistant"}'

/**
 * The first delta of a choice. It contains the role, and a single call. Several calls follow in separate chunks. The content of an
 * audio answer is null.
 */
export function startDelta(
  { pieces, toolCalls, refused }: Pick<Choice, 'pieces' | 'toolCalls' | 'refused'>,
  { usesFunctions }: ChatFacts,
  isSpoken = false,
): string {
  if (refused) return refusalStart
  if (isSpoken) return spokenStart
  const [first, second] = toolCalls
  if (first === undefined || pieces.length > 0) return textStart
  if (second !== undefined) return '{"content":null,"refusal":null,"role":"assistant"}'
  if (usesFunctions) {
    return `{"content":null,"function_call":${functionCallJson(first.name, '')},"refusal":null,"role":"assistant"}`
  }
  return `{"content":null,"refusal":null,"role":"assistant","tool_calls":[${toolCallJson(first, '', 0)}]}`
}
