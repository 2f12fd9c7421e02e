/** Characters that Node rejects in a header value, such as line breaks. */
// oxlint-disable-next-line no-control-regex
const invalidCharacter = /[^\t\x20-\x7e\x80-\xff]/

/** Returns whether a header value or a reason phrase can be sent. */
export function isValidHeaderValue(value: string): boolean {
  return !invalidCharacter.test(value)
}

/** A status line and headers, in the order in which they are sent. */
export interface HeadPattern {
  readonly status: number
  readonly reason: string
  /** Alternating names and values; undefined for a value that differs between heads. */
  readonly headers: readonly (string | undefined)[]
}

/**
 * A template for heads that differ in a few values only.
 *
 * The text between these values is built once, so that a head is joined from a few strings.
 */
export class HeadTemplate {
  readonly #pattern: HeadPattern
  /** The text before the first variable value, and the text after each of them. */
  readonly #texts: readonly string[]
  /** Whether the body is sent with chunked transfer coding. */
  readonly isChunked: boolean

  /** @param pattern must have valid names and values */
  constructor(pattern: HeadPattern) {
    this.#pattern = pattern
    this.isChunked = pattern.headers.some((name, index) => index % 2 === 0 && name === 'Transfer-Encoding')
    this.#texts = textsBetween(pattern)
  }

  /** Returns the text of a head, or undefined if the template does not match or a value cannot be sent. */
  fill(status: number, reason: string, raw: readonly string[]): string | undefined {
    const { headers } = this.#pattern
    if (status !== this.#pattern.status || reason !== this.#pattern.reason || raw.length !== headers.length)
      return undefined
    const texts = this.#texts
    let text = texts[0] as string
    let gap = 0
    for (let index = 0; index < raw.length; index++) {
      const value = raw[index] as string
      const expected = headers[index]
      if (value === expected) continue
      if (expected !== undefined || invalidCharacter.test(value)) return undefined
      gap++
      text += value + (texts[gap] as string)
    }
    return text
  }

  /** Returns a template that matches this one and another head, or undefined if they differ in more than values. */
  merge({ status, reason, headers }: HeadPattern): HeadTemplate | undefined {
    const own = this.#pattern
    if (status !== own.status || reason !== own.reason || headers.length !== own.headers.length)
      return undefined
    if (own.headers.some((name, index) => index % 2 === 0 && name !== headers[index])) return undefined
    return new HeadTemplate({
      status,
      reason,
      headers: own.headers.map((value, index) => (value === headers[index] ? value : undefined)),
    })
  }
}

function textsBetween({ status, reason, headers }: HeadPattern): string[] {
  const texts: string[] = []
  let text = `HTTP/1.1 ${status} ${reason}`
  for (const [index, part] of headers.entries()) {
    if (index % 2 === 0) text += `\r\n${part}: `
    if (part === undefined) {
      texts.push(flattenString(text))
      text = ''
    } else if (index % 2 === 1) {
      text += part
    }
  }
  return [...texts, flattenString(`${text}\r\n\r\n`)]
}

/** Returns a flat copy: V8 stores a concatenated string as a tree and would traverse it for each answer. */
function flattenString(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
