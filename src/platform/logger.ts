import { destination, type DestinationStream, pino } from 'pino'
import { redactText } from './credential-texts.ts'

/**
 * Structured logging: one JSON object a line, with fields beside the message. Never log a key or a body. What looks like a
 * credential is redacted all the same, since paths and errors of others may hold one.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Logs to standard error, so that standard output stays for what the user asked to see. @param to what a test replaces */
export function createLogger(
  level: 'debug' | 'info' | 'warn' | 'error',
  to: DestinationStream = destination(2),
): Logger {
  const logger = pino(
    { level, base: null, formatters: { level: (label) => ({ level: label }), log: withoutCredentials } },
    to,
  )
  const log =
    (severity: keyof Logger) =>
    (fields: object, message: string): void =>
      logger[severity](fields, redactText(message))
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

function withoutCredentials(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? redactText(value) : value,
    ]),
  )
}
