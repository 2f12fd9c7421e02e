import { destination, pino } from 'pino'

/** Structured logging: one JSON object a line, with fields beside the message. Never log a key or a body. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Logs to standard error, so that standard output stays for what the user asked to see. */
export function createLogger(level: 'debug' | 'info' | 'warn' | 'error'): Logger {
  return pino({ level, base: null, formatters: { level: (label) => ({ level: label }) } }, destination(2))
}
