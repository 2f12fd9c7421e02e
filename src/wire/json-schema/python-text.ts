import { isRecord } from '../../lib/record.ts'

/** Maximum length of a value in a message. The service writes whole values; longer ones are cut here. */
const MAX_TEXT_LENGTH = 10_000

/** Deeper values are cut. Protects the stack. */
const MAX_DEPTH = 50

/**
 * Writes a JSON value as the service does in messages about schemas, which is as Python writes it: `None`, `True`, `'text'`, `[1, 2]`,
 * `{'type': 'string'}`.
 */
export function pythonText(value: unknown): string {
  const text = write(value, { left: MAX_TEXT_LENGTH }, 0)
  return text.length > MAX_TEXT_LENGTH ? text.slice(0, MAX_TEXT_LENGTH) : text
}

function write(value: unknown, room: { left: number }, depth: number): string {
  if (room.left <= 0 || depth > MAX_DEPTH) return '...'
  if (typeof value === 'string') return quoted(value, room)
  room.left -= 4
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  const inner = (item: unknown): string => write(item, room, depth + 1)
  if (Array.isArray(value)) return `[${takeWhileRoom(value, room, inner).join(', ')}]`
  if (!isRecord(value)) return JSON.stringify(value)
  const members = takeWhileRoom(
    Object.keys(value),
    room,
    (key) => `${quoted(key, room)}: ${inner(value[key])}`,
  )
  return `{${members.join(', ')}}`
}

function takeWhileRoom<T>(items: readonly T[], room: { left: number }, text: (item: T) => string): string[] {
  const texts: string[] = []
  for (const item of items) {
    if (room.left <= 0) break
    texts.push(text(item))
  }
  return texts
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function quoted(value: string, room: { left: number }): string {
  const text = value.slice(0, Math.max(0, room.left))
  room.left -= text.length + 2
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  // oxlint-disable-next-line no-control-regex
  const escaped = text.replace(/[\\\n\r\t]|[\u0000-\u001f\u007f-\u00a0]/g, escapeCharacter)
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote
}

function escapeCharacter(character: string): string {
  return escapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/** Constructs of JavaScript that Python rejects: `\p{L}`, `\u{1F600}`, `(?<name>...)`, `\k<name>` and unknown escapes of letters. */
const onlyJavaScript = /\\(?:u\{|[^\WAbBdDfnNrsStuUvwWxZ\d_a])|\(\?<[^=!]/

/** Constructs of Python that JavaScript rejects: inline flags, named groups, possessive quantifiers, `(?#...)`. */
const onlyPython = /\(\?[P#(>a-zA-Z-]|[*+?}]\+/

/** Whether a regular expression is valid for the service, which compiles it with Python. An unknown construct counts as valid. */
export function isPythonPattern(source: string): boolean {
  // Escaped backslashes would hide what follows them.
  const bare = source.replaceAll('\\\\', '')
  if (onlyJavaScript.test(bare)) return false
  if (onlyPython.test(bare)) return true
  try {
    return new RegExp(source) instanceof RegExp
  } catch {
    return false
  }
}
