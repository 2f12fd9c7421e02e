import { asBuffer } from '../lib/buffers.ts'
import { keyForms } from '../lib/credential-texts.ts'
import type { ChunkFilter } from '../answer/pushed-chunks.ts'

const STAR = 0x2a

/** Masks credentials in the answers of an upstream, which may echo the headers of the request. */
export interface KeyMask {
  text(text: string): string
  /** Masks each text. Returns the same list if no text has a key. */
  texts(texts: readonly string[]): readonly string[]
  /**
   * Creates a filter that replaces each key by stars, also if it is split between chunks. The length of the body stays the same.
   * Only bytes that may be the start of a key wait for the next chunk.
   */
  filter(): ChunkFilter
}

/**
 * Creates a mask for some keys, in all forms in which an answer can contain them. Very short keys are not masked, because they would
 * match ordinary text.
 */
export function createKeyMask(secrets: readonly string[]): KeyMask {
  const forms = secrets.flatMap(keyForms)
  const keys = forms.map((form) => Buffer.from(form))
  const maxLength = Math.max(0, ...keys.map((key) => key.length))
  /** Whether a byte occurs in a key. Chunks of streams end with a line feed, which is in none. */
  const isInKey = new Uint8Array(256)
  for (const key of keys) for (const byte of key) isInKey[byte] = 1
  const maskText = (text: string): string => {
    let masked = text
    for (const form of forms)
      if (masked.includes(form)) masked = masked.replaceAll(form, '*'.repeat(form.length))
    return masked
  }
  return {
    text: maskText,
    texts: (texts) => {
      for (const form of forms) {
        for (const text of texts) if (text.includes(form)) return texts.map(maskText)
      }
      return texts
    },
    filter: () => {
      let pending: Buffer | undefined
      const rest = (): Buffer | undefined => {
        const bytes = pending
        pending = undefined
        return bytes
      }
      return {
        push(chunk) {
          const joined = pending ? Buffer.concat([pending, chunk]) : asBuffer(chunk)
          const bytes = maskKeys(joined, keys)
          pending = undefined
          if (isInKey[bytes[bytes.length - 1] ?? 0] === 0) return bytes
          const end = bytes.length - partialKeyLength(bytes, keys, maxLength)
          if (end === bytes.length) return bytes
          // A copy, so that the whole chunk is not kept in memory.
          pending = Buffer.from(bytes.subarray(end))
          return end > 0 ? bytes.subarray(0, end) : undefined
        },
        end: rest,
        // Sends the bytes that arrived before the failure.
        fail: (error) => ({ bytes: rest(), error }),
      }
    },
  }
}

/** Returns a masked copy, or the same bytes if they contain no key. */
function maskKeys(bytes: Buffer, keys: readonly Buffer[]): Buffer {
  let copy = bytes
  for (const key of keys) {
    for (let at = copy.indexOf(key); at >= 0; at = copy.indexOf(key, at + key.length)) {
      if (copy === bytes) copy = Buffer.from(bytes)
      copy.fill(STAR, at, at + key.length)
    }
  }
  return copy
}

/** How many bytes at the end may be the start of a key. */
function partialKeyLength(bytes: Buffer, keys: readonly Buffer[], maxLength: number): number {
  const { length } = bytes
  for (let start = Math.max(0, length - maxLength + 1); start < length; start++) {
    for (const key of keys) {
      const isStart = bytes[start] === key[0] && length - start < key.length
      if (isStart && key.compare(bytes, start, length, 0, length - start) === 0) return length - start
    }
  }
  return 0
}
