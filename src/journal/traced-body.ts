import { isUtf8 } from 'node:buffer'
import { asBuffer } from '../lib/buffers.ts'
import { isMultipart } from '../wire/multipart.ts'

/** Maximum size of a stored body. */
const MAX_TRACED_BYTES = 64 * 1024

/** The last part of a truncated text is dropped, because it can end within a credential, which is then not recognized. In characters. */
export const TRUNCATED_TAIL_LENGTH = 4_096

/** Shorter base64 is kept: ids, hashes and encrypted content. */
const MIN_MEDIA_BYTES = 1_024

/** A body as a trace stores it. */
export interface TracedBody {
  /** The start of the body, without images, audio and files. Not redacted. */
  readonly bytes: Buffer
  /** Size of the complete body. */
  readonly totalBytes: number
  readonly isTruncated: boolean
  /** Number of images, audio data and files that were replaced by their sizes. */
  readonly mediaCount: number
}

/** Stores a body part by part. */
export class BodyCapture {
  #parts: Buffer[] = []
  #keptBytes = 0
  #totalBytes = 0
  #mediaCount = 0
  #isTruncated = false

  /** Adds a part. Returns the number of its bytes that are stored. */
  add(part: Buffer, contentType?: string): number {
    this.#totalBytes += part.length
    const roomBytes = MAX_TRACED_BYTES - this.#keptBytes
    if (roomBytes === 0 || this.#isTruncated) {
      this.#isTruncated ||= part.length > 0
      return 0
    }
    const { bytes, mediaCount } =
      part.length < MIN_MEDIA_BYTES
        ? { bytes: part, mediaCount: 0 }
        : isMultipart(contentType)
          ? withoutFiles(part)
          : withoutEncodedMedia(part, roomBytes)
    this.#mediaCount += mediaCount
    this.#isTruncated = bytes.length > roomBytes
    const kept = this.#isTruncated ? bytes.subarray(0, characterBefore(bytes, roomBytes)) : bytes
    this.#parts.push(ownBytes(kept))
    this.#keptBytes += kept.length
    return kept.length
  }

  get body(): TracedBody {
    if (this.#parts.length !== 1) this.#parts = [Buffer.concat(this.#parts)]
    return {
      bytes: this.#parts[0] ?? Buffer.alloc(0),
      totalBytes: this.#totalBytes,
      isTruncated: this.#isTruncated,
      mediaCount: this.#mediaCount,
    }
  }
}

/** Stores a complete body. */
export function traceBody(body: Buffer, contentType?: string): TracedBody {
  const capture = new BodyCapture()
  capture.add(body, contentType)
  return capture.body
}

/** The text of a stored body; undefined if it is binary. */
export function tracedText({ bytes }: TracedBody): string | undefined {
  return isUtf8(bytes) ? bytes.toString() : undefined
}

interface WithoutMedia {
  readonly bytes: Buffer
  readonly mediaCount: number
}

const QUOTE = 0x22

/** How much of a text is checked for being base64. */
const CHECKED_BYTES = 512

const encodedStart = /^(data:[\w/+.;=-]{0,100},)?[\w+/=-]+$/

/**
 * Replaces long base64 between quotes by its size. Takes less than a millisecond for a megabyte, because it looks for quotes only.
 *
 * @param neededBytes stops when the result has this size
 */
function withoutEncodedMedia(body: Buffer, neededBytes: number): WithoutMedia {
  const kept: Buffer[] = []
  let keptTo = 0
  let removedBytes = 0
  let at = body.indexOf(QUOTE)
  while (at >= 0 && at - removedBytes < neededBytes) {
    const next = body.indexOf(QUOTE, at + 1)
    const end = next < 0 ? body.length : next
    if (end - at > MIN_MEDIA_BYTES) {
      const start = body.toString('latin1', at + 1, at + 1 + CHECKED_BYTES)
      const found = encodedStart.exec(start)
      if (found) {
        const from = at + 1 + (found[1]?.length ?? 0)
        kept.push(body.subarray(keptTo, from), sizeNote(end - from, 'base64'))
        removedBytes += end - from
        keptTo = end
      }
    }
    at = next
  }
  if (kept.length === 0) return { bytes: body, mediaCount: 0 }
  return { bytes: Buffer.concat([...kept, body.subarray(keptTo)]), mediaCount: kept.length / 2 }
}

/** Replaces the files of a multipart form that are binary or long by their sizes. */
function withoutFiles(body: Buffer): WithoutMedia {
  const firstLine = /^--[^\r\n]{1,200}/.exec(body.toString('latin1', 0, 202))?.[0]
  if (firstLine === undefined) return { bytes: body, mediaCount: 0 }
  const delimiter = Buffer.from(firstLine, 'latin1')
  const kept: Buffer[] = []
  let mediaCount = 0
  let start = 0
  while (start < body.length) {
    const next = body.indexOf(delimiter, start + delimiter.length)
    const end = next < 0 ? body.length : next
    const head = body.indexOf('\r\n\r\n', start)
    const from = head < 0 || head > end ? end : head + 4
    const content = body.subarray(from, end)
    if (content.length >= MIN_MEDIA_BYTES && (isFile(body.subarray(start, from)) || !isUtf8(content))) {
      kept.push(body.subarray(start, from), sizeNote(content.length, 'the file'), Buffer.from('\r\n'))
      mediaCount++
    } else kept.push(body.subarray(start, end))
    start = end
  }
  return { bytes: Buffer.concat(kept), mediaCount }
}

function isFile(partHead: Buffer): boolean {
  return /\bfilename\*?=/i.test(partHead.toString('latin1', 0, 8_192))
}

function sizeNote(bytes: number, what: string): Buffer {
  return Buffer.from(`[${bytes} bytes of ${what} cut]`)
}

/** The largest length, at most `length`, at which UTF-8 can be cut without splitting a character. */
function characterBefore(bytes: Buffer, length: number): number {
  let at = length
  while (at > Math.max(0, length - 4) && ((bytes[at] ?? 0) & 0xc0) === 0x80) at--
  return at
}

/** Copies a small part of a large buffer, which could not be freed otherwise. */
function ownBytes(bytes: Buffer): Buffer {
  return bytes.buffer.byteLength > 2 * bytes.length ? Buffer.from(bytes) : bytes
}

/** Views text or bytes as a Buffer. */
export function bytesOf(content: string | Uint8Array): Buffer {
  return typeof content === 'string' ? Buffer.from(content) : asBuffer(content)
}
