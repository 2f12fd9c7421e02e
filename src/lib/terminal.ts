/** A stream that can be a terminal. */
export interface TerminalLike {
  readonly isTTY?: boolean | undefined
}

/** Whether a stream is a terminal, and whether it shows colours. */
export interface TerminalInfo {
  readonly isTerminal: boolean
  readonly hasColor: boolean
}

/** Detects terminal and colours from a stream and from `NO_COLOR` and `TERM` (no-color.org). */
export function detectTerminal(
  { isTTY = false }: TerminalLike,
  { NO_COLOR: noColor = '', TERM: term }: Readonly<Record<string, string | undefined>>,
): TerminalInfo {
  return { isTerminal: isTTY, hasColor: isTTY && noColor === '' && term !== 'dumb' }
}

const codes = { red: 31, green: 32, yellow: 33, dim: 2 } as const

/** Colours text if `hasColor` is true. */
export function paint(text: string, color: keyof typeof codes, hasColor: boolean): string {
  return hasColor ? `\x1b[${codes[color]}m${text}\x1b[0m` : text
}

/** Formats a local time: `14:05:09`. */
export function timeOfDay(epochMs: number): string {
  const date = new Date(epochMs)
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}
