import type { TokenCounter } from '../../tokens/encoding.ts'
import type { FileReference } from './chat-request.ts'

/** A minute of input is about 600 tokens (OpenAI, "Pricing" of gpt-4o-audio). */
const AUDIO_TOKENS_PER_SECOND = 10

/** Bytes per second of audio at common bit rates: wav with 24 kHz and 16 bits, mp3 with 128 kbit/s. */
const bytesPerSecond = { wav: 48_000, mp3: 16_000 }

// Estimates for a page of a document. The content of the document is not read.
const BYTES_PER_PAGE = 50_000
const TOKENS_PER_PAGE = 1_000

/** Larger texts are estimated at four bytes per token, so that counting does not block other requests. */
const MAX_COUNTED_BYTES = 200_000

/** Estimates the tokens of an audio file from its size. */
export function countAudioPart({ data, format }: { readonly data: string; readonly format: string }): number {
  const perSecond = format === 'mp3' ? bytesPerSecond.mp3 : bytesPerSecond.wav
  return Math.ceil((base64Bytes(data.length) / perSecond) * AUDIO_TOKENS_PER_SECOND)
}

/**
 * Estimates the tokens of a document. Text is counted. For other documents, the number of pages is estimated from the size. A file
 * referenced by id counts as one page, since the simulator does not have its content.
 */
export function countFilePart({ file_data: data, filename }: FileReference, encoding: TokenCounter): number {
  const name = filename ? encoding.count(filename) : 0
  if (!data) return name + TOKENS_PER_PAGE
  const comma = data.startsWith('data:') ? data.indexOf(',') : -1
  const size = base64Bytes(data.length - comma - 1)
  if (data.startsWith('data:text/')) {
    if (size > MAX_COUNTED_BYTES) return name + Math.ceil(size / 4)
    return name + encoding.count(Buffer.from(data.slice(comma + 1), 'base64').toString())
  }
  return name + Math.ceil(size / BYTES_PER_PAGE) * TOKENS_PER_PAGE
}

function base64Bytes(chars: number): number {
  return Math.floor((chars * 3) / 4)
}
