import { createKeyRedactor, redactText } from './credential-texts.ts'
import type { Logger } from './logger.ts'

/** The lowest severity that is logged. */
export type LineLogLevel = keyof Logger

const severities: readonly LineLogLevel[] = ['debug', 'info', 'warn', 'error']

/**
 * Logs one line per message with its fields, and a stack on separate lines. Opens no files and adds no listeners to the process,
 * unlike `createLogger`.
 *
 * @param secrets returns the current keys, which are redacted; the same list while they are unchanged
 * @param write receives a line with its line feed; default: standard error
 */
export function createLineLogger(
  level: LineLogLevel | 'silent',
  secrets: () => readonly string[],
  write: (line: string) => void = (line) => void process.stderr.write(line),
): Logger {
  const withoutKeys = createKeyRedactor(secrets)
  const minSeverity = level === 'silent' ? severities.length : severities.indexOf(level)
  const at = (severity: LineLogLevel) =>
    severities.indexOf(severity) < minSeverity
      ? () => {}
      : (fields: object, message: string) =>
          write(withoutKeys(redactText(`aoai-sim ${severity}: ${message}${showFields(fields)}\n`)))
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function showFields(fields: object): string {
  const { err, ...rest } = fields as { readonly err?: unknown }
  const shown = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`
  return typeof err === 'string' ? `${shown}\n${err}` : shown
}
