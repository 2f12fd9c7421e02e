/** An event of an event stream. */
export interface StreamedEvent {
  readonly number: number
  /** Name of the event; empty without one. */
  readonly name: string
  readonly data: string
  /** What it adds to the text of the answer. */
  readonly text: string
}

/** A body in the form in which people read it. */
export type ReadableBody =
  | { readonly kind: 'json'; readonly pretty: string }
  | { readonly kind: 'events'; readonly events: readonly StreamedEvent[]; readonly text: string }
  | { readonly kind: 'text' }

/** Formats JSON and splits event streams. Other bodies, and incomplete JSON, are text. */
export function readableBody(body: string, contentType: string): ReadableBody {
  if (/^\s*text\/event-stream\b/i.test(contentType)) {
    const events = eventsOf(body)
    return { kind: 'events', events, text: events.map(({ text }) => text).join('') }
  }
  const value = /^\s*[[{"]/.test(body) ? parse(body) : undefined
  return value === undefined ? { kind: 'text' } : { kind: 'json', pretty: prettyJson(body, value) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Above this number of characters, JSON is shown as it was sent. */
const MAX_PRETTY_LENGTH = 1024 * 1024

/** Formats JSON with the numbers as they were sent: JSON.stringify would round large ones. */
function prettyJson(source: string, value: unknown): string {
  const isExact = !/\d{16}/.test(source) && source.length < MAX_PRETTY_LENGTH
  return isExact ? JSON.stringify(value, undefined, 2) : indentJson(source)
}

/** Indents valid JSON without changing its tokens. */
function indentJson(source: string): string {
  let depth = 0
  const line = (): string => `\n${'  '.repeat(depth)}`
  return source.replace(
    /("(?:[^"\\]|\\.)*")|([{[]\s*[}\]])|([{[])|([}\]])|(,)|(:)|\s+/g,
    (all, text?: string, empty?: string, open?: string, close?: string, comma?: string, colon?: string) => {
      if (text !== undefined) return text
      if (empty !== undefined) return empty.replace(/\s+/g, '')
      if (open !== undefined) {
        depth++
        return open + line()
      }
      if (close !== undefined) {
        depth--
        return line() + close
      }
      if (comma !== undefined) return `,${line()}`
      return colon === undefined ? all.replace(/\s+/, '') : ': '
    },
  )
}

/** Splits server-sent events. The last one can be incomplete. */
export function eventsOf(body: string): StreamedEvent[] {
  return body
    .replace(/^\uFEFF/, '')
    .split(/(?:\r\n|\r|\n){2,}/)
    .filter((block) => block.trim() !== '')
    .map((block, index) => {
      let name = ''
      const data: string[] = []
      const other: string[] = []
      for (const line of block.split(/\r\n|\r|\n/)) {
        const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
        if (field === 'event') name = value
        else if (field === 'data') data.push(value)
        else if (line !== '') other.push(line)
      }
      // A comment, or an event without data.
      const joined = data.join('\n')
      return {
        number: index + 1,
        name,
        data: data.length > 0 ? joined : other.join('\n'),
        text: deltaText(parse(joined)),
      }
    })
}

/** The text that an event of chat, completions, responses or messages adds to the answer. */
function deltaText(event: unknown): string {
  const { choices, type, delta } = fieldsOf(event)
  if (Array.isArray(choices)) {
    const first: unknown = choices.find((choice) => (fieldsOf(choice)['index'] ?? 0) === 0)
    const { delta: change, text } = fieldsOf(first)
    return textOf(fieldsOf(change)['content'] ?? text)
  }
  if (type === 'response.output_text.delta') return textOf(delta)
  return type === 'content_block_delta' ? textOf(fieldsOf(delta)['text']) : ''
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
