import { redactText } from './credential-texts.ts'
import type { Logger } from './logger.ts'

/** The least severity that is logged. */
export type LineLogLevel = keyof Logger

const severities: readonly LineLogLevel[] = ['debug', 'info', 'warn', 'error']

/**
 * Logs for people: one line each, the message before its fields, those with a stack over several lines. Unlike the
 * program's own log it opens nothing and listens to nothing of the process.
 *
 * @param write takes a line with its line feed; default: standard error
 */
export function createLineLogger(
  level: LineLogLevel | 'silent',
  write: (line: string) => void = (line) => void process.stderr.write(line),
): Logger {
  const least = level === 'silent' ? severities.length : severities.indexOf(level)
  const at = (severity: LineLogLevel) =>
    severities.indexOf(severity) < least
      ? () => {}
      : (fields: object, message: string) =>
          write(redactText(`aoai-sim ${severity}: ${message}${showFields(fields)}\n`))
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function showFields(fields: object): string {
  const { err, ...rest } = fields as { readonly err?: unknown }
  const shown = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`
  return typeof err === 'string' ? `${shown}\n${err}` : shown
}
