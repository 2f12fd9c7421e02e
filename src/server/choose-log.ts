import type { Config } from '../config/config.ts'
import type { RequestLogOptions } from '../journal/request-log.ts'
import { LineWriter, writeToDescriptor } from '../lib/line-writer.ts'
import type { LogStyle } from '../lib/logger.ts'
import { type TerminalLike, detectTerminal } from '../lib/terminal.ts'

/** How a process logs. */
export interface ChosenLog {
  readonly look: Required<LogStyle>
  /** Absent where requests are not logged. */
  readonly requestLog: RequestLogOptions | undefined
  /** Writes what waits. */
  close(): Promise<void>
}

/** Longest wait for the last lines at the end, in milliseconds. */
const FLUSH_LIMIT_MS = 1_000

/** Chooses how a process logs to its standard error, from the settings and from what that is. */
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
    close: () => lines.flush(FLUSH_LIMIT_MS),
  }
}
