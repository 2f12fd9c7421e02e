import { isAscii } from 'node:buffer'

/** Maximum nesting. Schemas have the deepest nesting in the API; the service limits them to 10 levels. */
const MAX_DEPTH = 1_000

/** Smaller bodies cannot exceed `MAX_DEPTH`, because each level has two brackets. */
const MAX_UNCHECKED_BYTES = 2 * MAX_DEPTH

/**
 * Maximum number of values in a body. The largest request that the service answers has 300,000: the token limit of an embeddings
 * request (OpenAI API reference), if each token is a number. V8 needs 5 seconds and 500 MB for 10 million values.
 */
const MAX_VALUES = 500_000

/**
 * Maximum number of keys in a body. A chat of 2,048 messages has 10,000 to 20,000 keys, and so has a schema with 5,000 properties,
 * the limit of the service. V8 needs 3 seconds for an object with a million keys.
 */
const MAX_KEYS = 100_000

/** Memory of a value and a key in bytes, rounded up. The smallest array of V8 has 32, an entry of a large object 40. */
const BYTES_PER_VALUE = 40
const BYTES_PER_KEY = 80
/** V8 stores a string with a character outside Latin-1 with two bytes per character. */
const BYTES_PER_TEXT_BYTE = 2

/**
 * Parses the body of a request. Returns undefined for invalid JSON, and for nesting, values or keys above the maximum: parsing such
 * a body would block all other requests.
 */
export function parseJson(body: Buffer): unknown {
  if (body.length > MAX_UNCHECKED_BYTES && jsonMemory(body) === undefined) return undefined
  try {
    // Checking for ASCII and decoding as Latin-1 is faster than decoding UTF-8.
    return JSON.parse(isAscii(body) ? body.toString('latin1') : body.toString()) as unknown
  } catch {
    return undefined
  }
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
/** `[` and `{`, and `]` and `}`, differ in this bit. */
const CASE_BIT = 0x20
const OPENING = 0x7b
const CLOSING = 0x7d

/**
 * Estimates the memory of a body as parsed JSON, in bytes. Undefined if `parseJson` would reject it. Takes a few milliseconds for
 * 30 MB of strings, and stops early in 30 MB of brackets.
 */
export function jsonMemory(body: Buffer): number | undefined {
  let depth = 0
  let values = 0
  let keys = 0
  let textBytes = 0
  for (let index = 0; index < body.length; index++) {
    const byte = body[index] ?? 0
    if (byte === QUOTE) {
      const end = endOfText(body, index + 1)
      textBytes += end - index
      index = end
    } else if (byte === COMMA) {
      if (++values > MAX_VALUES) return undefined
    } else if (byte === COLON) {
      if (++keys > MAX_KEYS) return undefined
    } else if ((byte | CASE_BIT) === OPENING) {
      if (++values > MAX_VALUES || ++depth > MAX_DEPTH) return undefined
    } else if ((byte | CASE_BIT) === CLOSING) {
      depth--
    }
  }
  return textBytes * BYTES_PER_TEXT_BYTE + values * BYTES_PER_VALUE + keys * BYTES_PER_KEY
}

/** Index of the quote that ends the string that starts at `start`, or the end of the body. */
export function endOfText(body: Buffer, start: number): number {
  for (let end = body.indexOf(QUOTE, start); end >= 0; end = body.indexOf(QUOTE, end + 1)) {
    let backslashes = 0
    while (body[end - 1 - backslashes] === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return end
  }
  return body.length
}
