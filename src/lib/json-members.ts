import { endOfText } from './parse-json.ts'

/** A member of the outermost object of a JSON text. Positions are bytes. */
export interface MemberSpan {
  readonly name: string
  /** Start of the name. */
  readonly start: number
  readonly valueStart: number
  /** End of the value. */
  readonly end: number
}

const QUOTE = 0x22
const COLON = 0x3a
const COMMA = 0x2c
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d
const OPENING_BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d

/** Returns the members of the outermost object, also those with the same name. Undefined if the text is not a JSON object. */
export function memberSpans(body: Buffer): MemberSpan[] | undefined {
  const spans: MemberSpan[] = []
  let at = startOfObject(body)
  if (at < 0) return undefined
  for (at = skipSpace(body, at + 1); body[at] !== CLOSING_BRACE; at = skipSpace(body, at)) {
    if (body[at] === COMMA && spans.length > 0) at = skipSpace(body, at + 1)
    if (body[at] !== QUOTE) return undefined
    const start = at
    const nameEnd = endOfText(body, start + 1) + 1
    const name = textOf(body.subarray(start, nameEnd))
    const colon = skipSpace(body, nameEnd)
    if (name === undefined || body[colon] !== COLON) return undefined
    const valueStart = skipSpace(body, colon + 1)
    const end = endOfValue(body, valueStart)
    if (end <= valueStart) return undefined
    spans.push({ name, start, valueStart, end })
    at = end
  }
  return spans
}

/** Sets a member of a JSON object to a text. The other bytes stay as they are. Returns the same bytes if the member has that value. */
export function withTextMember(body: Buffer, name: string, value: string): Buffer {
  const spans = memberSpans(body)
  if (!spans) return body
  const known = spans.filter((span) => span.name === name)
  const pieces: (Buffer | string)[] = []
  let copied = 0
  const replace = (start: number, end: number, text: string): void => {
    pieces.push(body.subarray(copied, start), text)
    copied = end
  }
  if (known.length === 0) {
    const start = startOfObject(body) + 1
    const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`
    replace(start, start, spans.length > 0 ? `${member},` : member)
  }
  for (const { valueStart, end } of known) {
    if (textOf(body.subarray(valueStart, end)) !== value) replace(valueStart, end, JSON.stringify(value))
  }
  if (pieces.length === 0) return body
  return joined([...pieces, body.subarray(copied)])
}

/**
 * Writes a JSON object of which some members have changed. Unchanged members keep their bytes, such as numbers that JavaScript cannot
 * represent.
 *
 * @param before the parsed body
 * @param after its changed copy, with the same values for unchanged members
 */
export function withMembers(
  body: Buffer,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Buffer {
  // JSON.parse returns the last of several members with the same name.
  const spans = new Map(memberSpans(body)?.map((span) => [span.name, span]))
  const pieces: (Buffer | string)[] = []
  for (const [name, value] of Object.entries(after)) {
    if (value === undefined) continue
    const span = before[name] === value ? spans.get(name) : undefined
    pieces.push(pieces.length === 0 ? '{' : ',')
    pieces.push(
      span ? body.subarray(span.start, span.end) : `${JSON.stringify(name)}:${JSON.stringify(value)}`,
    )
  }
  return joined(pieces.length === 0 ? ['{}'] : [...pieces, '}'])
}

function joined(pieces: readonly (Buffer | string)[]): Buffer {
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
}

/** Index of the brace after white space; -1 without one. */
function startOfObject(body: Buffer): number {
  const start = skipSpace(body, 0)
  return body[start] === OPENING_BRACE ? start : -1
}

function skipSpace(body: Buffer, from: number): number {
  let at = from
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at++
  return at
}

/** The string, decoded; undefined if the bytes are not a JSON string. */
function textOf(bytes: Buffer): string | undefined {
  if (bytes[0] !== QUOTE) return undefined
  try {
    return JSON.parse(bytes.toString()) as string
  } catch {
    return undefined
  }
}

/** Index after the value that starts at `start`. */
function endOfValue(body: Buffer, start: number): number {
  let depth = 0
  for (let at = start; at < body.length; at++) {
    const byte = body[at]
    if (byte === QUOTE) {
      at = endOfText(body, at + 1)
      if (depth === 0) return at + 1
    } else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) depth++
    else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) {
      if (depth === 0) return at
      if (--depth === 0) return at + 1
    } else if (
      depth === 0 &&
      (byte === COMMA || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
    )
      return at
  }
  return body.length
}
