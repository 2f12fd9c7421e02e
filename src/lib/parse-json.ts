import { isAscii } from 'node:buffer'

/** No request of the API nests deeper than a schema does; the service's own limit for schemas is 10 levels. */
const MAX_DEPTH = 1_000

/** Bodies up to this size cannot nest deeper: each level has two brackets. */
const SMALL_BYTES = 2 * MAX_DEPTH

/**
 * Most values of one body. The largest request that the service answers has 300,000: an embeddings request may have so many
 * tokens (OpenAI's API reference), each of them a number. V8 takes five seconds and half a gigabyte for ten million.
 */
const MAX_VALUES = 500_000

/**
 * Most keys of one body. A chat of 2,048 messages has 10,000 to 20,000, a schema of the 5,000 properties that the service
 * allows as many. A million keys of one object take three seconds.
 */
const MAX_KEYS = 100_000

/** What a value and a key take in memory, in bytes, rounded up: V8's smallest array has 32, an entry of a large object 40. */
const BYTES_PER_VALUE = 40
const BYTES_PER_KEY = 80
/** One character outside Latin-1 makes V8 keep two bytes for each of a text. */
const BYTES_PER_TEXT_BYTE = 2

/**
 * Parses a request's body; undefined when it is not valid JSON, nested beyond reason, or has more values or keys than any
 * request of the API: while V8 parses such a one, nobody else is served.
 */
export function parseJson(body: Buffer): unknown {
  if (body.length > SMALL_BYTES && jsonMemory(body) === undefined) return undefined
  try {
    // What is no more than ASCII needs no decoder, which takes longer than the look.
    return JSON.parse(isAscii(body) ? body.toString('latin1') : body.toString()) as unknown
  } catch {
    return undefined
  }
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
/** Brackets and braces differ from each other in one bit: `[` and `{`, `]` and `}`. */
const CASE_BIT = 0x20
const OPENING = 0x7b
const CLOSING = 0x7d

/**
 * The memory that a body takes as parsed JSON, in bytes, roughly; undefined where `parseJson` refuses to parse it. Takes some
 * milliseconds for 30 MB of texts, and stops soon in a body of 30 MB of brackets.
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

/** Where the quote stands that ends the text that begins at `start`; the end of the body when there is none. */
function endOfText(body: Buffer, start: number): number {
  for (let end = body.indexOf(QUOTE, start); end >= 0; end = body.indexOf(QUOTE, end + 1)) {
    let backslashes = 0
    while (body[end - 1 - backslashes] === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return end
  }
  return body.length
}
