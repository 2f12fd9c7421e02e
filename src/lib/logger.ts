import { destination, type DestinationStream, pino } from 'pino'
import { createKeyRedactor, redactText } from './credential-texts.ts'
import { printable } from './format-text.ts'
import { epochMs } from './real-timers.ts'
import { paint, timeOfDay } from './terminal.ts'

/**
 * Structured log: one JSON object per line, with a message and fields. Never log a key or a body. Texts that look like credentials
 * and the known keys are redacted anyway, since paths and errors of dependencies can contain one.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

type Level = keyof Logger

/** Format of a log. */
export interface LogStyle {
  /** Default: json. */
  readonly format?: 'text' | 'json'
  /** Whether text has colours; default: false. */
  readonly hasColor?: boolean
  /** Returns the current keys, which are redacted; the same list while they are unchanged. */
  readonly secrets?: () => readonly string[]
}

const noSecrets: readonly string[] = []

/**
 * Logs to standard error. Standard output has only the result of a command.
 *
 * @param stream default: standard error
 */
export function createLogger(
  level: Level,
  { format = 'json', hasColor = false, secrets }: LogStyle = {},
  stream: DestinationStream = destination(2),
): Logger {
  if (format === 'text') return createTextLogger(level, hasColor, (text) => stream.write(text), secrets)
  const json = pino({ level, base: null, formatters: { level: (label) => ({ level: label }) } }, stream)
  return redacting(level, (severity, fields, message) => json[severity](fields, message), secrets)
}

const severities: readonly Level[] = ['debug', 'info', 'warn', 'error']
const colors = { debug: 'dim', info: 'green', warn: 'yellow', error: 'red' } as const

/**
 * Logs for a terminal: time, level, message, fields, and the stack on separate lines.
 *
 * @param write receives a line with its line feed; default: standard error
 */
export function createTextLogger(
  level: Level,
  hasColor: boolean,
  write: (text: string) => void = (text) => void process.stderr.write(text),
  secrets?: LogStyle['secrets'],
): Logger {
  const writeLine = (severity: Level, fields: Record<string, unknown>, message: string): void => {
    const time = paint(timeOfDay(epochMs()), 'dim', hasColor)
    const word = paint(severity.padEnd(5), colors[severity], hasColor)
    write(`${time}  ${word}  ${withoutControlCharacters(message)}${showFields(fields)}\n`)
  }
  return redacting(level, writeLine, secrets)
}

/** A logger with a minimum level that redacts credentials. */
function redacting(
  level: Level,
  write: (severity: Level, fields: Record<string, unknown>, message: string) => void,
  secrets = () => noSecrets,
): Logger {
  const withoutKeys = createKeyRedactor(secrets)
  const redact = (text: string): string => withoutKeys(redactText(text))
  const at = (severity: Level) =>
    severities.indexOf(severity) < severities.indexOf(level)
      ? () => {}
      : (fields: object, message: string) => write(severity, redactFields(fields, redact), redact(message))
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function redactFields(fields: object, redact: (text: string) => string): Record<string, unknown> {
  const one = (value: unknown): unknown => (typeof value === 'string' ? redact(value) : value)
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, Array.isArray(value) ? value.map(one) : one(value)]),
  )
}

function showFields({ err, ...rest }: Record<string, unknown>): string {
  const shown = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) => `  ${name}=${printable(typeof value === 'string' ? value : JSON.stringify(value))}`,
    )
    .join('')
  return typeof err === 'string' ? `${shown}\n${withoutControlCharacters(err)}` : shown
}

/** Replaces control characters, except line feeds: text of a client can contain terminal escape sequences. */
function withoutControlCharacters(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replaceAll(/\p{Cc}/gu, '?'))
    .join('\n')
}
