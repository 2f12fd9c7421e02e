import { destination, type DestinationStream, pino } from 'pino'
import { redactText } from './credential-texts.ts'
import { printable } from './format-text.ts'
import { epochMs } from './real-timers.ts'
import { paint, timeOfDay } from './terminal.ts'

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

type Level = keyof Logger

/** How a log looks. */
export interface LogStyle {
  /** Default: json. */
  readonly format?: 'text' | 'json'
  /** Whether text has colours; default: it has none. */
  readonly hasColor?: boolean
}

/**
 * Logs to standard error, so that standard output stays for what the user asked to see.
 *
 * @param to what a test replaces
 */
export function createLogger(
  level: Level,
  { format = 'json', hasColor = false }: LogStyle = {},
  to: DestinationStream = destination(2),
): Logger {
  if (format === 'text') return createTextLogger(level, hasColor, (text) => to.write(text))
  const json = pino({ level, base: null, formatters: { level: (label) => ({ level: label }) } }, to)
  return redacting(level, (severity, fields, message) => json[severity](fields, message))
}

const severities: readonly Level[] = ['debug', 'info', 'warn', 'error']
const colors = { debug: 'dim', info: 'green', warn: 'yellow', error: 'red' } as const

/**
 * Logs for whoever watches a terminal: the time, the level, the message, its fields, and a stack over lines of its own.
 *
 * @param write takes a line with its line feed; default: standard error
 */
export function createTextLogger(
  level: Level,
  hasColor: boolean,
  write: (text: string) => void = (text) => void process.stderr.write(text),
): Logger {
  return redacting(level, (severity, fields, message) => {
    const time = paint(timeOfDay(epochMs()), 'dim', hasColor)
    const word = paint(severity.padEnd(5), colors[severity], hasColor)
    write(`${time}  ${word}  ${inLines(message)}${showFields(fields)}\n`)
  })
}

/** A logger of one level that writes no credential. */
function redacting(
  level: Level,
  write: (severity: Level, fields: Record<string, unknown>, message: string) => void,
): Logger {
  const at = (severity: Level) =>
    severities.indexOf(severity) < severities.indexOf(level)
      ? () => {}
      : (fields: object, message: string) => write(severity, withoutCredentials(fields), redactText(message))
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function withoutCredentials(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? redactText(value) : value,
    ]),
  )
}

function showFields({ err, ...rest }: Record<string, unknown>): string {
  const shown = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) => `  ${name}=${printable(typeof value === 'string' ? value : JSON.stringify(value))}`,
    )
    .join('')
  return typeof err === 'string' ? `${shown}\n${inLines(err)}` : shown
}

/** What clients chose may hold what a terminal would obey. */
function inLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replaceAll(/\p{Cc}/gu, '?'))
    .join('\n')
}
