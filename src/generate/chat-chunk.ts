import { safeCompletionFilter } from '../wire/content-filters.ts'
import { codePointLength, obfuscation } from '../wire/chat/obfuscation.ts'
import { dataEvent } from '../wire/sse.ts'
import type { Random } from '../lib/random.ts'
import { RecentMap } from '../lib/recent-map.ts'
import { identityJson, tierAndFingerprintJson, type ChatFacts } from './chat-json.ts'

/** What the request asks of its stream. */
export interface StreamOptions {
  readonly includeUsage: boolean
  readonly obfuscate: boolean
}

/** Writes the events of one stream around the parts that stay the same. All but `index` is JSON. */
export interface ChunkWriter {
  /** A chunk of one choice; by default the choice goes on and tells no probabilities. */
  choice(index: number, filter: string, delta: string, finishReason?: string, logprobs?: string): string
  /** Prepares the chunks with one token each of the first choice's text: what it gives makes one of a JSON string. */
  tokens(field: 'content' | 'refusal'): (text: string) => string
  /** The chunk with the usage, which has no choice. */
  usage(usageJson: string): string
}

/** Prepares the chunks of a stream. */
export function createChunkWriter(facts: ChatFacts, options: StreamOptions, random: Random): ChunkWriter {
  const afterChoices = `],${identityJson(facts)}`
  const afterObfuscation = `,"object":"chat.completion.chunk",${tierAndFingerprintJson(facts)}`
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
      return write(`{"content_filter_results":${filter},${rest}`, '{'.length + length, nullUsage)
    },
    tokens(field) {
      const { obfuscate } = options
      const head = tokenHeads[field]
      const middle = inOnePiece(`${afterToken}${afterChoices}${obfuscate ? ',"obfuscation":"' : ''}`)
      const tail = oneForAll(`${obfuscate ? '"' : ''}${afterObfuscation}${nullUsage}}\n\n`)
      if (!obfuscate) return (text) => head + text + middle + tail
      const fixedLength = `{"delta":{"${field}":`.length + afterToken.length + nullUsage.length
      const length = frameLength + obfuscationFrame + fixedLength
      return (text) => head + text + middle + obfuscation(random, length + codePointLength(text)) + tail
    },
    usage: (usageJson) => write('', 0, `,"usage":${usageJson}`),
  }
}

const tokenHead = (field: string): string =>
  inOnePiece(`data: {"choices":[{"content_filter_results":${safeCompletionFilter},"delta":{"${field}":`)

const tokenHeads = { content: tokenHead('content'), refusal: tokenHead('refusal') }
const afterToken = '},"finish_reason":null,"index":0,"logprobs":null}'

/**
 * A text that is the same in nearly all streams, in one piece, and once: a thousand open streams would else read theirs from a
 * thousand places in memory, token by token.
 */
function oneForAll(text: string): string {
  const known = texts.get(text)
  if (known !== undefined) return known
  const own = inOnePiece(text)
  texts.set(own, own)
  return own
}

const texts = new RecentMap<string, string>(1_000)

/** V8 keeps what was put together as a tree of its parts, and would walk through it for each chunk. */
function inOnePiece(text: string): string {
  return Buffer.from(text).toString()
}
