const newline = /\n/

/** What a single-quoted scalar on one line may hold: printable, no line breaks of any kind, no tab. */
const oneLine = /^[\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u

/** What a block scalar keeps as it is: the same, with line feeds. */
const lines = /^[\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u

/** A plain word that YAML 1.1 and 1.2 both take for a text. */
const plainWord = /^[A-Za-z/][\w./;=+-]*$/
const reserved = /^(?:y|yes|n|no|true|false|on|off|null|nan|inf)$/i

/**
 * Writes a text as a YAML scalar in its most readable form: a plain word, a single-quoted line, a literal block of lines,
 * or a double-quoted line with escapes. Reading gives exactly the same text.
 *
 * @param indent spaces in front of the lines of a block; more than those of the key that the scalar belongs to
 */
export function yamlText(text: string, indent: number): string {
  if (plainWord.test(text) && !reserved.test(text)) return text
  if (oneLine.test(text)) return `'${text.replaceAll("'", "''")}'`
  if (lines.test(text) && newline.test(text) && isBlockSafe(text)) return literalBlock(text, indent)
  return doubleQuoted(text)
}

/** Writes bytes: as text where they are UTF-8, else in base64 with the tag that PyYAML gives bytes. */
export function yamlBytes(bytes: Uint8Array, indent: number): string {
  const text = utf8Text(bytes)
  return text === undefined ? binaryBlock(bytes, indent) : yamlText(text, indent)
}

/** Writes bytes in base64, with the tag that PyYAML gives bytes. */
export function binaryBlock(bytes: Uint8Array, indent: number): string {
  if (bytes.length === 0) return "!!binary ''"
  const margin = ' '.repeat(indent)
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  return `!!binary |\n${base64.replace(/.{1,120}/g, `${margin}$&\n`).slice(0, -1)}`
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text that bytes are in UTF-8; undefined when they are none. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** A block whose first line is empty or indented would need an indicator, which some readers get wrong. */
function isBlockSafe(text: string): boolean {
  return !/^[ \n]/.test(text) && !/^ +$/m.test(text)
}

function literalBlock(text: string, indent: number): string {
  const margin = ' '.repeat(indent)
  const body = withoutTrailing(text, '\n')
  const ends = text.length - body.length
  const chomping = ends === 0 ? '-' : ends === 1 ? '' : '+'
  const indented = body.replace(/^(?=.)/gm, margin)
  return `|${chomping}\n${indented}${'\n'.repeat(Math.max(0, ends - 1))}`
}

/** JSON's escapes are a subset of YAML's; what JSON leaves alone and YAML may not hold is escaped too. */
function doubleQuoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** How many spaces a line begins with. */
export function indentAt(text: string, lineStart: number): number {
  let at = lineStart
  while (text.charCodeAt(at) === 0x20) at++
  return at - lineStart
}

/** Where the line ends that `position` stands in: at its line feed, or at the end of the text. */
export function lineEnd(text: string, position: number): number {
  const end = text.indexOf('\n', position)
  return end < 0 ? text.length : end
}

/** Where the next line begins. */
export function afterLine(text: string, position: number): number {
  return Math.min(lineEnd(text, position) + 1, text.length)
}

/** Whether the dash of a list item stands here. */
export function isDash(text: string, position: number): boolean {
  const next = text[position + 1]
  return text[position] === '-' && (next === ' ' || next === '\n' || next === undefined)
}

/** Whether nothing but white space or a comment follows on the line. */
export function endsLine(text: string, position: number): boolean {
  let at = position
  while (text[at] === ' ') at++
  const sign = text[at]
  return sign === undefined || sign === '\n' || (sign === '#' && text[at - 1] === ' ')
}

/** A text without the signs at its end. A regular expression for this takes quadratic time for long runs in its midst. */
export function withoutTrailing(text: string, signs: string): string {
  let end = text.length
  while (end > 0 && signs.includes(text.charAt(end - 1))) end--
  return text.slice(0, end)
}
