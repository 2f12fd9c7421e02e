/** What decides how text is shown on a stream. */
export interface TerminalLike {
  readonly isTTY?: boolean | undefined
}

/** Whether somebody watches a stream, and may be shown colours. */
export interface TerminalInfo {
  readonly isTerminal: boolean
  readonly hasColor: boolean
}

/** Looks at a stream and at `NO_COLOR` and `TERM` (no-color.org). */
export function detectTerminal(
  { isTTY = false }: TerminalLike,
  { NO_COLOR: noColor = '', TERM: term }: Readonly<Record<string, string | undefined>>,
): TerminalInfo {
  return { isTerminal: isTTY, hasColor: isTTY && noColor === '' && term !== 'dumb' }
}

const codes = { red: 31, green: 32, yellow: 33, dim: 2 } as const

/** Puts text into a colour, or leaves it as it is. */
export function paint(text: string, color: keyof typeof codes, hasColor: boolean): string {
  return hasColor ? `\x1b[${codes[color]}m${text}\x1b[0m` : text
}

/** The time of the day on this machine: `14:05:09`. */
export function timeOfDay(epochMs: number): string {
  const date = new Date(epochMs)
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}
