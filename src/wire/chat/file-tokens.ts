import type { TokenCounter } from '../../tokens/encoding.ts'
import { base64Bytes } from '../media/media-url.ts'
import type { FileReference } from './chat-request.ts'
import type { PromptApi } from './prompt-tokens.ts'

/** A minute of input is about 600 tokens (OpenAI, "Pricing" of gpt-4o-audio). */
export const INPUT_AUDIO_TOKENS_PER_SECOND = 10

/** Bytes per second of audio at common bit rates: wav with 24 kHz and 16 bits, mp3 with 128 kbit/s. */
const bytesPerSecond = { wav: 48_000, mp3: 16_000 }

/** In Chat, the model gets an image of each page of a PDF, too (bills of gpt-4.1-nano and gpt-5.4, 2026). */
const TOKENS_PER_PAGE_IMAGE = 1_026

/** A file costs its name, its text, and this (bills of the Responses API, 2025-10 to 2026-02). */
const TOKENS_PER_FILE = 2

// Estimates for a page of a document. The text of the document is not read.
const MAX_TEXT_TOKENS_PER_PAGE = 600
const BYTES_PER_PAGE = 50_000
/** A PDF without text has about this size. */
const EMPTY_PDF_BYTES = 325
const PDF_BYTES_PER_TOKEN = 8.75
/** The pages of larger files are estimated from their size. In bytes. */
const MAX_SEARCHED_BYTES = 2_000_000

/** A document of an office application without text has about this size. */
const EMPTY_DOCUMENT_BYTES = 6_000
const EMPTY_DOCUMENT_TOKENS = 40
const DOCUMENT_BYTES_PER_TOKEN = 20

/** For a file that is referenced by id, since the simulator does not have its content. */
const TOKENS_PER_UPLOADED_FILE = 1_000

/** Larger texts are estimated at four bytes per token, so that counting does not block other requests. */
const MAX_COUNTED_BYTES = 200_000

/** Estimates the tokens of an audio file from its size. */
export function countAudioPart({ data, format }: { readonly data: string; readonly format: string }): number {
  const perSecond = format === 'mp3' ? bytesPerSecond.mp3 : bytesPerSecond.wav
  return Math.ceil((base64Bytes(data.length) / perSecond) * INPUT_AUDIO_TOKENS_PER_SECOND)
}

/**
 * Counts a text file. Estimates the tokens of other documents from their size.
 *
 * @param api in Chat, the pages of a PDF are images, too
 */
export function countFilePart(
  { file_data: data, filename }: FileReference,
  encoding: TokenCounter,
  api: PromptApi,
): number {
  const name = filename ? encoding.count(filename) : 0
  if (!data) return name + TOKENS_PER_UPLOADED_FILE
  const comma = data.startsWith('data:') ? data.indexOf(',') : -1
  const content = data.slice(comma + 1)
  const size = base64Bytes(content.length)
  if (data.startsWith('data:text/')) {
    if (size > MAX_COUNTED_BYTES) return name + Math.ceil(size / 4)
    return name + encoding.count(Buffer.from(content, 'base64').toString())
  }
  if (!content.startsWith(PDF_START)) {
    const text = Math.max(0, size - EMPTY_DOCUMENT_BYTES) / DOCUMENT_BYTES_PER_TOKEN
    return name + EMPTY_DOCUMENT_TOKENS + Math.ceil(text)
  }
  const pages = countPages(content, size)
  const text = Math.round(Math.max(0, size - EMPTY_PDF_BYTES) / PDF_BYTES_PER_TOKEN)
  const images = api === 'chat' ? pages * TOKENS_PER_PAGE_IMAGE : 0
  return name + TOKENS_PER_FILE + Math.min(text, pages * MAX_TEXT_TOKENS_PER_PAGE) + images
}

/** `%PDF-` in base64. */
const PDF_START = 'JVBERi'

/** Counts the page objects of a PDF. Estimates the pages if the objects are compressed. */
function countPages(content: string, size: number): number {
  const text = size > MAX_SEARCHED_BYTES ? '' : Buffer.from(content, 'base64').toString('latin1')
  const pages = text.match(/\/Type\s{0,4}\/Page(?![a-z])/g)?.length
  return pages ?? Math.ceil(size / BYTES_PER_PAGE)
}
