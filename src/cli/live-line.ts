import type { TextSink } from './cli-host.ts'

/** The members of a terminal that are used; `process.stderr` has them. */
export interface Terminal extends TextSink {
  readonly isTTY: true
  /** Absent or 0 where the terminal does not report its width. */
  readonly columns?: number | undefined
  /** Absent or 0 where the terminal does not report its height. */
  readonly rows?: number | undefined
  on?(event: 'resize', listener: () => void): unknown
  off?(event: 'resize', listener: () => void): unknown
}

/** Returns the terminal behind a sink, or undefined for a pipe or a file. */
export function terminalOf(sink: TextSink): Terminal | undefined {
  return 'isTTY' in sink && sink.isTTY === true ? (sink as Terminal) : undefined
}

const DEFAULT_COLUMNS = 80
const separator = '  '

/**
 * Erases from the cursor to the end of the screen and then the line of the cursor. The cursor stays at the beginning of the
 * line, so all rows of a line that the terminal wrapped after a resize are erased.
 */
const erase = '\u001b[J\r\u001b[2K'

/** One line of a terminal that is redrawn in place and is never wider than the terminal. */
export class LiveLine {
  readonly #terminal: Terminal
  #parts: readonly string[] = []

  constructor(terminal: Terminal) {
    this.#terminal = terminal
    terminal.on?.('resize', this.#draw)
  }

  /** Shows as many of the parts as fit, the first ones first. They must be printable ASCII. */
  show(parts: readonly string[]): void {
    this.#parts = parts
    this.#draw()
  }

  /** Erases the line. Call it once, at the end. */
  end(): void {
    this.#terminal.off?.('resize', this.#draw)
    this.#terminal.write(erase)
  }

  readonly #draw = (): void => {
    // A character in the last column makes some terminals begin a new line.
    const width = (this.#terminal.columns || DEFAULT_COLUMNS) - 1
    this.#terminal.write(`${erase}${fitParts(this.#parts, width)}\r`)
  }
}

function fitParts(parts: readonly string[], width: number): string {
  let text = ''
  for (const part of parts) {
    const longer = text === '' ? part : text + separator + part
    if (longer.length > width) return text === '' ? part.slice(0, Math.max(0, width)) : text
    text = longer
  }
  return text
}
