import type { Logger } from '../../src/lib/logger.ts'

/** What was logged: the level, the fields and the message of a line. */
export interface LogLine {
  readonly level: string
  readonly fields: object
  readonly message: string
}

/** A logger that adds each line, of whatever level, to a list. */
export function collectInto(log: LogLine[]): Logger {
  const collect = (level: string) => (fields: object, message: string) =>
    void log.push({ level, fields, message })
  return { debug: collect('debug'), info: collect('info'), warn: collect('warn'), error: collect('error') }
}

/** A logger that discards its lines. */
export const silentLogger: Logger = collectInto([])
