import { readRegularText } from '../lib/regular-file.ts'
import { type ConfigSources, collectGivenValues } from '../config/sources.ts'
import { formatNumber } from '../lib/format-text.ts'
import { InvalidArgumentError } from 'commander'

/** Output of the program. */
export interface TextSink {
  write(text: string): unknown
  /** Whether it is a terminal. */
  readonly isTTY?: boolean | undefined
}

/** Signals that stop the program. */
export type StopSignal = 'SIGTERM' | 'SIGINT'

/** Source of SIGTERM and SIGINT. */
export interface Signals {
  on(signal: StopSignal, listener: () => void): unknown
  off(signal: StopSignal, listener: () => void): unknown
  /** Restores the default action of signals, which ends the process. Applies to a signal that was already received as well. */
  release?(): void
}

/** Everything outside the program that it uses, so that a test can run it in the test's process. */
export interface CliHost {
  /** The arguments after the program's name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly stdout: TextSink
  readonly stderr: TextSink
  readonly signals: Signals
  /** Returns the whole standard input; default: that of the process. */
  readonly readStandardInput?: () => string
}

/** Returns the configuration sources of a command: its flags, the host's environment, and the local files. */
export function configSources(
  { env, workingDirectory }: Pick<CliHost, 'env' | 'workingDirectory'>,
  flags: ConfigSources['flags'] = {},
): ConfigSources {
  return { flags, env, workingDirectory, readFile: readRegularText }
}

/** Returns a key of a simulator from the environment or `.env`; undefined if neither has it. */
export function configuredKey(
  host: CliHost,
  env: 'SIMULATOR_API_KEY' | 'ADMIN_API_KEY' = 'SIMULATOR_API_KEY',
): string | undefined {
  const { given } = collectGivenValues(configSources(host))
  const key = given.find(({ setting }) => setting.env === env)?.value
  return typeof key === 'string' ? key : undefined
}

interface Range {
  readonly min: number
  readonly max: number
}

/** Parses an address of HTTP or HTTPS without credentials. */
export function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url
  throw new InvalidArgumentError('Give an address such as http://127.0.0.1:8000, without user and password.')
}

/** Returns a parser of numbers with or without a fraction. */
export function parseNumber({ min, max }: Range): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`Give a number from ${formatNumber(min)} to ${formatNumber(max)}.`)
  }
}

/** Returns a parser of whole numbers. */
export function parseWhole({ min, max }: Range): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`Give a whole number from ${formatNumber(min)} to ${formatNumber(max)}.`)
  }
}

const secondsOf: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600 }

/** Returns a parser of times such as `500ms`, `30s`, `5m` or `1h`, in seconds. The default unit is seconds. */
export function parseSeconds({ min, max }: Range): (text: string) => number {
  return (text) => {
    const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? []
    const seconds = Number(number) * (secondsOf[unit] ?? Number.NaN)
    if (seconds >= min && seconds <= max) return seconds
    throw new InvalidArgumentError(`Give a time from ${min}s to ${max}s, such as 30s or 2m.`)
  }
}
