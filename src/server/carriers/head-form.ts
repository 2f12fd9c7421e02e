/** What Node refuses in a value, line breaks above all. */
// oxlint-disable-next-line no-control-regex
const forbidden = /[^\t\x20-\x7e\x80-\xff]/

/** Whether a value, or a status phrase, can stand in a head. */
export function isProperValue(value: string): boolean {
  return !forbidden.test(value)
}

/** A status line and headers, in the order in which they go out. */
export interface HeadFields {
  readonly status: number
  readonly reason: string
  /** Names and values in turn; undefined for a value that differs from head to head. */
  readonly fixed: readonly (string | undefined)[]
}

/**
 * What heads of one kind have in common. The text between the values that differ is put together once, so that a head
 * is made of a few pieces.
 */
export class HeadForm {
  readonly #parts: HeadFields
  /** What stands before the first value that differs, and after each of them. */
  readonly #texts: readonly string[]
  /** Whether the body comes in chunks. */
  readonly isChunked: boolean

  /** @param parts may be sent: names and values are proper ones */
  constructor(parts: HeadFields) {
    this.#parts = parts
    this.isChunked = parts.fixed.some((name, index) => index % 2 === 0 && name === 'Transfer-Encoding')
    this.#texts = textsBetween(parts)
  }

  /** The text of a head of this form; undefined where it has another one, or a value that cannot be sent. */
  fill(status: number, reason: string, raw: readonly string[]): string | undefined {
    const { fixed } = this.#parts
    if (status !== this.#parts.status || reason !== this.#parts.reason || raw.length !== fixed.length)
      return undefined
    const texts = this.#texts
    let text = texts[0] as string
    let gap = 0
    for (let index = 0; index < raw.length; index++) {
      const given = raw[index] as string
      const expected = fixed[index]
      if (given === expected) continue
      if (expected !== undefined || forbidden.test(given)) return undefined
      gap++
      text += given + (texts[gap] as string)
    }
    return text
  }

  /** The form of this and of another head; undefined where they differ in more than values. */
  withGapsFor({ status, reason, fixed }: HeadFields): HeadForm | undefined {
    const own = this.#parts
    if (status !== own.status || reason !== own.reason || fixed.length !== own.fixed.length) return undefined
    if (own.fixed.some((name, index) => index % 2 === 0 && name !== fixed[index])) return undefined
    return new HeadForm({
      status,
      reason,
      fixed: own.fixed.map((value, index) => (value === fixed[index] ? value : undefined)),
    })
  }
}

function textsBetween({ status, reason, fixed }: HeadFields): string[] {
  const texts: string[] = []
  let text = `HTTP/1.1 ${status} ${reason}`
  for (const [index, part] of fixed.entries()) {
    if (index % 2 === 0) text += `\r\n${part}: `
    if (part === undefined) {
      texts.push(inOnePiece(text))
      text = ''
    } else if (index % 2 === 1) {
      text += part
    }
  }
  return [...texts, inOnePiece(`${text}\r\n\r\n`)]
}

/** V8 keeps what was put together as a tree of its parts, and would walk through it for each answer. */
function inOnePiece(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
