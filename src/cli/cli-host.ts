import { readRegularText } from '../lib/regular-file.ts'
import { type ConfigSources, collectGivenValues } from '../config/sources.ts'
import { formatNumber } from '../lib/format-text.ts'
import { InvalidArgumentError } from 'commander'

/** Where the program prints to. */
export interface TextSink {
  write(text: string): unknown
  /** Whether somebody watches it on a terminal; absent: nobody does. */
  readonly isTTY?: boolean | undefined
}

/** What asks the program to end. */
export type StopSignal = 'SIGTERM' | 'SIGINT'

/** Where the program hears of SIGTERM and SIGINT. */
export interface Signals {
  on(signal: StopSignal, listener: () => void): unknown
  off(signal: StopSignal, listener: () => void): unknown
  /** Lets signals end the process as they do by default, one that has come already included. */
  release?(): void
}

/** All that the program touches outside itself, so that a test can run it in its own process. */
export interface CliHost {
  /** The arguments after the program's name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly stdout: TextSink
  readonly stderr: TextSink
  readonly signals: Signals
}

/** Where a command reads its configuration from: its flags, the host's environment, and the files of this machine. */
export function configSources(
  { env, workingDirectory }: Pick<CliHost, 'env' | 'workingDirectory'>,
  flags: ConfigSources['flags'] = {},
): ConfigSources {
  return { flags, env, workingDirectory, readFile: readRegularText }
}

/** The key that the environment or `.env` has for a simulator under this name; undefined where neither has one. */
export function givenKey(
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

/** Reads an address of HTTP or HTTPS. */
export function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url
  throw new InvalidArgumentError(
    'Give an address such as http://127.0.0.1:8000. It has no user and no password.',
  )
}

/** Reads a number with or without a fraction. */
export function parseNumber({ min, max }: Range): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`Give a number from ${formatNumber(min)} to ${formatNumber(max)}.`)
  }
}

/** Reads a whole number. */
export function parseWhole({ min, max }: Range): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`Give a whole number from ${formatNumber(min)} to ${formatNumber(max)}.`)
  }
}

const secondsOf: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600 }

/** Reads a time such as `500ms`, `30s`, `5m` or `1h` as seconds; a number alone is seconds. */
export function parseSeconds({ min, max }: Range): (text: string) => number {
  return (text) => {
    const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? []
    const seconds = Number(number) * (secondsOf[unit] ?? Number.NaN)
    if (seconds >= min && seconds <= max) return seconds
    throw new InvalidArgumentError(`Give a time from ${min}s to ${max}s, such as 30s or 2m.`)
  }
}
