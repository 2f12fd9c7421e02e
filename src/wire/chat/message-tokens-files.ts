import type { TokenCounter } from '../../tokens/encoding.ts'
import type { FileReference } from './chat-message.ts'

/** Audio counts ten tokens a second (OpenAI, "Pricing" of gpt-4o-audio: a minute of input is about 600 tokens). */
const audioTokensPerSecond = 10

/** Bytes of a second of sound, by format: 24 kHz of 16 bits for wav, 128 kbit for mp3, the common choices. */
const bytesPerSecond = { wav: 48_000, mp3: 16_000 }

/** A page of a document has so many bytes and tokens, roughly; nothing is read of the document itself. */
const bytesPerPage = 50_000
const tokensPerPage = 1_000

/** Larger texts are reckoned at four characters a token, so that a file does not hold up other requests. */
const longestCountedText = 200_000

/** An estimate of what a recording costs, from its size alone. */
export function countAudioPart({ data, format }: { readonly data: string; readonly format: string }): number {
  const perSecond = format === 'mp3' ? bytesPerSecond.mp3 : bytesPerSecond.wav
  return Math.ceil((base64Bytes(data.length) / perSecond) * audioTokensPerSecond)
}

/**
 * An estimate of what a document costs: text is counted, any other document is reckoned in pages by its size. A file
 * that was uploaded before counts as one page, since the simulator does not have it.
 */
export function countFilePart({ file_data: data, filename }: FileReference, encoding: TokenCounter): number {
  const name = filename ? encoding.count(filename) : 0
  if (!data) return name + tokensPerPage
  const comma = data.startsWith('data:') ? data.indexOf(',') : -1
  const size = base64Bytes(data.length - comma - 1)
  if (data.startsWith('data:text/')) {
    if (size > longestCountedText) return name + Math.ceil(size / 4)
    return name + encoding.count(Buffer.from(data.slice(comma + 1), 'base64').toString())
  }
  return name + Math.ceil(size / bytesPerPage) * tokensPerPage
}

function base64Bytes(chars: number): number {
  return Math.floor((chars * 3) / 4)
}
