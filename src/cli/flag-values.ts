import { formatNumber } from '../lib/number-format.ts'
import { InvalidArgumentError } from 'commander'

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
