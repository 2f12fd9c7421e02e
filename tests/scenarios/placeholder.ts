/** What a placeholder stands for; the parameter is the text after its colon. */
const kinds: Readonly<Record<string, (parameter: string) => string>> = {
  /** `<id:chatcmpl-29>`: the prefix and so many alphanumerics. */
  id: (parameter) => {
    const [, prefix = '', length = ''] = /^(.+[-_])(\d+)$/.exec(parameter) ?? []
    return `${escapePattern(prefix)}[A-Za-z0-9]{${length}}`
  },
  guid: () => '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  /** `<hex:10>` */
  hex: (length) => `[0-9a-f]{${length}}`,
  /** A whole number. */
  n: () => '\\d+',
  /** Text as it stands between the quotes of a JSON string, at least one character. */
  text: () => '(?:[^"\\\\]|\\\\.)+',
  /** The padding of a chunk, which may be empty. */
  pad: () => '[A-Za-z0-9]{0,15}',
  /** An HTTP date. */
  date: () => '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d{2} [A-Z][a-z]{2} \\d{4} \\d{2}:\\d{2}:\\d{2} GMT',
  /** `<base64:6144>`: so many bytes. */
  base64: (bytes) => `[A-Za-z0-9+/]{${Math.floor((Number(bytes) * 4 + 2) / 3)}}={0,2}`,
  /** `<floats:3>`: so many numbers of an embedding, one a line, indented by eight spaces. */
  floats: (count) => {
    const float = ' {8}-?\\d+(?:\\.\\d+)?(?:e-\\d+)?'
    return `${float}(?:,\\n${float}){${Number(count) - 1}}`
  },
}

const placeholder = /<([a-z0-9]+)(?::([^<>#]+))?(?:#([a-z]+))?>/g

/**
 * Compares texts with expectations in which some parts may differ: `<guid>`, `<n>`, `<text>`, `<id:chatcmpl-29>`. The
 * same placeholder with the same label (`<guid#a>`) must stand for the same text wherever it stands.
 */
export class PlaceholderMatcher {
  readonly #known = new Map<string, string>()

  /** `undefined` when the text is as expected; else the place of the first difference. */
  difference(text: string, expected: string): string | undefined {
    const labels: string[] = []
    const pattern = this.#compile(expected, labels)
    const match = new RegExp(`^${pattern}$`).exec(text)
    if (!match) return this.#describe(text, expected)
    for (const label of labels) this.#known.set(label, match.groups?.[label] ?? '')
    return undefined
  }

  #compile(expected: string, labels: string[]): string {
    let pattern = ''
    let end = 0
    for (const match of expected.matchAll(placeholder)) {
      pattern += escapePattern(expected.slice(end, match.index)) + this.#part(match, labels)
      end = match.index + match[0].length
    }
    return pattern + escapePattern(expected.slice(end))
  }

  #part([whole, kind = '', parameter = '', label]: RegExpExecArray, labels: string[]): string {
    const compile = kinds[kind]
    if (!compile) throw new Error(`${whole} is no placeholder. There are: ${Object.keys(kinds).join(', ')}.`)
    if (label === undefined) return `(?:${compile(parameter)})`
    const known = this.#known.get(label)
    if (known !== undefined) return escapePattern(known)
    if (labels.includes(label)) return `\\k<${label}>`
    labels.push(label)
    return `(?<${label}>${compile(parameter)})`
  }

  /** The longest start of the expectation, cut between its parts, that the text starts with. */
  #describe(text: string, expected: string): string {
    const cuts = [...expected.matchAll(placeholder)].flatMap(({ 0: { length }, index }) => [
      index,
      index + length,
    ])
    let matched = 0
    let from = 0
    for (const cut of [...cuts, expected.length]) {
      const start = new RegExp(`^${this.#compile(expected.slice(0, cut), [])}`).exec(text)
      if (!start) break
      matched = cut
      from = start[0].length
    }
    return `expected ${excerpt(expected, matched)}\nbut got  ${excerpt(text, from)}`
  }
}

function excerpt(text: string, from: number): string {
  const before = text.slice(Math.max(0, from - 40), from)
  return JSON.stringify(`${before}»${text.slice(from, from + 400)}`)
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
