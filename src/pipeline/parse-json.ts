import { isAscii } from 'node:buffer'

/** No request of the API nests deeper than a schema does; the service's own limit for schemas is 10 levels. */
const maxDepth = 1_000

/** Bodies up to this size cannot nest deeper: each level has two brackets. */
const smallBytes = 2 * maxDepth

/**
 * Parses a request's body; undefined when it is not valid JSON, or nested beyond reason: V8 takes more than ten
 * seconds for 50 MB of brackets, in which nobody else is served, and what walks through 5,000 levels overflows the stack.
 */
export function parseJson(body: Buffer): unknown {
  if (body.length > smallBytes && deepestNesting(body) > maxDepth) return undefined
  try {
    // What is no more than ASCII needs no decoder, which takes longer than the look.
    return JSON.parse(isAscii(body) ? body.toString('latin1') : body.toString()) as unknown
  } catch {
    return undefined
  }
}

const quote = 0x22
const backslash = 0x5c
/** Brackets and braces differ from each other in one bit: `[` and `{`, `]` and `}`. */
const caseBit = 0x20
const opening = 0x7b
const closing = 0x7d

/** How deep the brackets outside of texts go; stops counting once that is beyond the limit. */
function deepestNesting(body: Buffer): number {
  let depth = 0
  let deepest = 0
  for (let index = 0; index < body.length && deepest <= maxDepth; index++) {
    const byte = body[index] ?? 0
    if (byte === quote) {
      index = endOfText(body, index + 1)
    } else if ((byte | caseBit) === opening) {
      depth++
      if (depth > deepest) deepest = depth
    } else if ((byte | caseBit) === closing) {
      depth--
    }
  }
  return deepest
}

/** Where the quote stands that ends the text that begins at `start`; the end of the body when there is none. */
function endOfText(body: Buffer, start: number): number {
  for (let end = body.indexOf(quote, start); end >= 0; end = body.indexOf(quote, end + 1)) {
    let backslashes = 0
    while (body[end - 1 - backslashes] === backslash) backslashes++
    if (backslashes % 2 === 0) return end
  }
  return body.length
}
