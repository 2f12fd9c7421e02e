import { codePointLength, obfuscation } from '../openai/obfuscation.ts'
import { dataEvent } from '../openai/sse.ts'
import type { Random } from '../platform/random.ts'
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
  /**
   * A chunk with one token of a choice's text. `filter` and `field` are the same for all tokens of a choice; `text` is a
   * JSON string.
   */
  token(index: number, filter: string, field: 'content' | 'refusal', text: string): string
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

  const tokenFrames = new Map<number, TokenFrame>()
  const tokenFrame = (index: number, filter: string, field: string): TokenFrame => {
    const rest = `},"finish_reason":null,"index":${index},"logprobs":null}`
    const padding = options.obfuscate ? ',"obfuscation":"' : ''
    const fixedLength = `{"delta":{"${field}":`.length + rest.length + nullUsage.length
    return {
      head: inOnePiece(`data: {"choices":[{"content_filter_results":${filter},"delta":{"${field}":`),
      middle: inOnePiece(`${rest}${afterChoices}${padding}`),
      tail: inOnePiece(`${options.obfuscate ? '"' : ''}${afterObfuscation}${nullUsage}}\n\n`),
      length: frameLength + obfuscationFrame + fixedLength,
    }
  }

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
    token(index, filter, field, text) {
      let frame = tokenFrames.get(index)
      if (!frame) tokenFrames.set(index, (frame = tokenFrame(index, filter, field)))
      if (!options.obfuscate) return frame.head + text + frame.middle + frame.tail
      const noise = obfuscation(random, frame.length + codePointLength(text))
      return frame.head + text + frame.middle + noise + frame.tail
    },
    usage: (usageJson) => write('', 0, `,"usage":${usageJson}`),
  }
}

/**
 * What stands around the text of a token. Nearly all chunks of a stream are tokens: what they share is made once, and
 * each then costs a few joins of pieces.
 */
interface TokenFrame {
  readonly head: string
  readonly middle: string
  readonly tail: string
  /** Length of the chunk that padding is reckoned from, without the text, in characters. */
  readonly length: number
}

/** V8 keeps what was put together as a tree of its parts, and would walk through it for each chunk. */
function inOnePiece(text: string): string {
  return Buffer.from(text).toString()
}
