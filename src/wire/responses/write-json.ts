/** A number that is always written with a decimal point: `1.0`. */
export class Decimal {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** `pretty` has an indentation of two spaces. `compact` is one line without spaces. */
export type JsonLayout = 'pretty' | 'compact'

/**
 * Writes JSON in the style of the Responses API: escapes characters other than ASCII, and writes `Decimal` values with a point
 * (captures of April 2026). Other numbers from a request have lost their point in parsing.
 */
export function writeJson(value: unknown, layout: JsonLayout): string {
  return escapeNonAscii(write(value, layout === 'pretty' ? '\n' : ''))
}

/** @param lineBreak line feed and indentation of the value; empty for `compact` */
function write(value: unknown, lineBreak: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (value instanceof Decimal) return decimal(value.value)
  const inner = lineBreak && `${lineBreak}  `
  const space = lineBreak && ' '
  const isList = Array.isArray(value)
  const members = isList
    ? value.map((item) => inner + write(item, inner))
    : Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([key, member]) => `${inner}${JSON.stringify(key)}:${space}${write(member, inner)}`)
  const [open, close] = isList ? '[]' : '{}'
  return members.length === 0 ? `${open}${close}` : `${open}${members.join(',')}${lineBreak}${close}`
}

function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value)
}

/** Escapes all characters above ASCII. Control characters are already escaped. */
export function escapeNonAscii(json: string): string {
  // oxlint-disable-next-line no-control-regex
  if (!/[^\x00-\x7e]/.test(json)) return json
  // oxlint-disable-next-line no-control-regex
  return json.replace(/[^\x00-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
