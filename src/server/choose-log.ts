import type { Config } from '../config/config.ts'
import type { RequestLogOptions } from '../journal/request-log.ts'
import { LineWriter, writeToDescriptor } from '../lib/line-writer.ts'
import type { LogStyle } from '../lib/logger.ts'
import { type TerminalLike, detectTerminal } from '../lib/terminal.ts'

/** The log of a process. */
export interface ChosenLog {
  readonly look: Required<Pick<LogStyle, 'format' | 'hasColor'>>
  /** Undefined if requests are not logged. */
  readonly requestLog: RequestLogOptions | undefined
  /** Writes buffered lines. */
  close(): Promise<void>
}

/** Maximum wait for the last lines at exit, in milliseconds. */
const FLUSH_TIMEOUT_MS = 1_000

/** Chooses format, colors and request log for standard error, from the settings and the terminal. */
export function chooseLog(
  { logFormat, logRequests, logLevel }: Config,
  stderr: TerminalLike,
  env: Readonly<Record<string, string | undefined>>,
): ChosenLog {
  const { isTerminal, hasColor } = detectTerminal(stderr, env)
  const format = logFormat === 'auto' ? (isTerminal ? 'text' : 'json') : logFormat
  const isWatched = isTerminal && (logLevel === 'info' || logLevel === 'debug')
  const isLogged = logRequests === 'true' || (logRequests === 'auto' && isWatched)
  const look = { format, hasColor: hasColor && format === 'text' }
  if (!isLogged) return { look, requestLog: undefined, close: async () => {} }
  const lines = new LineWriter(writeToDescriptor(2))
  return {
    look,
    requestLog: { ...look, write: (line) => lines.add(line) },
    close: () => lines.flush(FLUSH_TIMEOUT_MS),
  }
}
