import { asBuffer } from '../lib/as-buffer.ts'
import { keyForms } from '../lib/credential-texts.ts'

const STAR = 0x2a

/** Keeps the operator's credentials out of what an upstream sends back, such as the headers of a request that it echoes. */
export interface KeyMask {
  text(text: string): string
  /**
   * The same bytes with stars in the place of each key, also where pieces cut it in two: the length of a body stays what it
   * was. Only the bytes that may begin a key wait for the next piece.
   */
  chunks(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Buffer>
}

/**
 * @param secrets gives the keys of the moment; too short a key is not told from other text. Asked once for each body, so that
 * a key that changes is looked for in the answers to the requests that carried it
 */
export function createKeyMask(secrets: () => readonly string[]): KeyMask {
  let known: readonly string[] | undefined
  let forms: readonly string[] = []
  const formsNow = (): readonly string[] => {
    const now = secrets()
    if (now !== known) {
      known = now
      forms = now.flatMap(keyForms)
    }
    return forms
  }

  async function* masked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, undefined> {
    const keys = formsNow().map((form) => Buffer.from(form))
    const longest = Math.max(0, ...keys.map((key) => key.length))
    let held = Buffer.alloc(0)
    try {
      for await (const chunk of chunks) {
        const bytes = withStars(held.length === 0 ? asBuffer(chunk) : Buffer.concat([held, chunk]), keys)
        const end = bytes.length - beginningLength(bytes, keys, longest)
        held = Buffer.from(bytes.subarray(end))
        if (end > 0) yield bytes.subarray(0, end)
      }
    } catch (error) {
      // What came before the failure goes first.
      if (held.length > 0) yield held
      throw error
    }
    if (held.length > 0) yield held
  }

  return {
    text: (text) =>
      formsNow().reduce<string>((rest, form) => rest.replaceAll(form, '*'.repeat(form.length)), text),
    chunks: masked,
  }
}

/** A copy with stars, or the bytes themselves where no key is in them. */
function withStars(bytes: Buffer, keys: readonly Buffer[]): Buffer {
  let copy = bytes
  for (const key of keys) {
    for (let at = copy.indexOf(key); at >= 0; at = copy.indexOf(key, at + key.length)) {
      if (copy === bytes) copy = Buffer.from(bytes)
      copy.fill(STAR, at, at + key.length)
    }
  }
  return copy
}

/** How many bytes at the end may be the beginning of a key. */
function beginningLength(bytes: Buffer, keys: readonly Buffer[], longest: number): number {
  for (let length = Math.min(longest - 1, bytes.length); length > 0; length--) {
    const end = bytes.subarray(bytes.length - length)
    if (keys.some((key) => length < key.length && key[0] === end[0] && key.subarray(0, length).equals(end)))
      return length
  }
  return 0
}
