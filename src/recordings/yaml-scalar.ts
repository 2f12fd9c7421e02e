const newline = /\n/

/** Content of a single-quoted scalar on one line: printable characters, no line breaks, no tabs. */
const oneLine = /^[\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u

/** Content of a block scalar: the same characters and line feeds. */
const multiLine = /^[\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u

/** A plain word that is a string in YAML 1.1 and 1.2, if it is not reserved. */
const plainWord = /^[A-Za-z/][\w./;=+-]*$/
const reservedWord = /^(?:y|yes|n|no|true|false|on|off|null|nan|inf)$/i

/**
 * Writes a text as a YAML scalar in the most readable style: a plain word, a single-quoted line, a literal block, or a double-quoted
 * line with escapes. Reading returns exactly the same text.
 *
 * @param indent number of spaces before the lines of a block; more than the indentation of its key
 */
export function yamlText(text: string, indent: number): string {
  if (plainWord.test(text) && !reservedWord.test(text)) return text
  if (oneLine.test(text)) return `'${text.replaceAll("'", "''")}'`
  if (multiLine.test(text) && newline.test(text) && isBlockSafe(text)) return literalBlock(text, indent)
  return doubleQuoted(text)
}

/** Writes bytes as text if they are UTF-8, else in base64 with PyYAML's tag for bytes. */
export function yamlBytes(bytes: Uint8Array, indent: number): string {
  const text = utf8Text(bytes)
  return text === undefined ? binaryBlock(bytes, indent) : yamlText(text, indent)
}

/** Writes bytes in base64 with PyYAML's tag for bytes. */
export function binaryBlock(bytes: Uint8Array, indent: number): string {
  if (bytes.length === 0) return "!!binary ''"
  const margin = ' '.repeat(indent)
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  return `!!binary |\n${base64.replace(/.{1,120}/g, `${margin}$&\n`).slice(0, -1)}`
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Decodes UTF-8; undefined for invalid UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Blocks with an empty or indented first line need an indentation indicator, which some parsers handle incorrectly. */
function isBlockSafe(text: string): boolean {
  return !/^[ \n]/.test(text) && !/^ +$/m.test(text)
}

function literalBlock(text: string, indent: number): string {
  const margin = ' '.repeat(indent)
  const body = withoutTrailing(text, '\n')
  const breaks = text.length - body.length
  const chomping = breaks === 0 ? '-' : breaks === 1 ? '' : '+'
  const indented = body.replace(/^(?=.)/gm, margin)
  return `|${chomping}\n${indented}${'\n'.repeat(Math.max(0, breaks - 1))}`
}

/** Writes a text in double quotes. JSON escapes are a subset of YAML escapes. Also escapes characters that JSON allows and YAML does not. */
export function doubleQuoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Number of spaces at the start of a line. */
export function indentAt(text: string, lineStart: number): number {
  let at = lineStart
  while (text.charCodeAt(at) === 0x20) at++
  return at - lineStart
}

/** The end of the line at `position`: its line feed, or the end of the text. */
export function lineEnd(text: string, position: number): number {
  const end = text.indexOf('\n', position)
  return end < 0 ? text.length : end
}

/** The start of the next line. */
export function nextLine(text: string, position: number): number {
  return Math.min(lineEnd(text, position) + 1, text.length)
}

/** Whether the dash of a list item is at `position`. */
export function isListDash(text: string, position: number): boolean {
  const next = text[position + 1]
  return text[position] === '-' && (next === ' ' || next === '\n' || next === undefined)
}

/** Whether only spaces or a comment follow on the line. */
export function isLineEnd(text: string, position: number): boolean {
  let at = position
  while (text[at] === ' ') at++
  const character = text[at]
  return character === undefined || character === '\n' || (character === '#' && text[at - 1] === ' ')
}

/** Removes the given characters from the end. A regular expression would take quadratic time for long runs within the text. */
export function withoutTrailing(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--
  return text.slice(0, end)
}
