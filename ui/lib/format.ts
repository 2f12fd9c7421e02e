/** Shown instead of a value that does not exist. */
export const missing = '–'

const thinSpace = '\u202f'

type Given = number | null | undefined

const isMissing = (value: Given): value is null | undefined =>
  value === null || value === undefined || !Number.isFinite(value)

/** A whole number in groups of three digits: `12 345`. */
export function formatCount(value: Given): string {
  if (isMissing(value)) return missing
  const digits = String(Math.round(Math.abs(value))).replace(/\B(?=(?:\d{3})+$)/g, thinSpace)
  return value < 0 && digits !== '0' ? `−${digits}` : digits
}

const magnitudes = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const

/** A number with at most three digits: `0.25`, `12.3`, `850`, `12.3 k`, `4.5 M`. */
export function formatShort(value: Given): string {
  if (isMissing(value)) return missing
  const size = Math.abs(value)
  // 999.95 would be shown as 1000 otherwise.
  for (const [magnitude, letter] of magnitudes) {
    if (size >= magnitude * 0.9995) return `${formatDigits(value / magnitude)}${thinSpace}${letter}`
  }
  return formatDigits(value)
}

/** A number with at most three significant digits, without a unit. */
export function formatDigits(value: Given): string {
  if (isMissing(value)) return missing
  const size = Math.abs(value)
  const decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2
  const text = value.toFixed(decimals)
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text
  return short.replace(/^-(?=0$)/, '').replace('-', '−')
}

const MS_PER_MINUTE = 60_000
const MINUTES_PER_HOUR = 60
const HOURS_PER_DAY = 24

/** A duration: `0.4 ms`, `850 ms`, `1.25 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function formatDuration(ms: Given): string {
  if (isMissing(ms)) return missing
  const size = Math.abs(ms)
  if (size < 999.5) return `${formatDigits(ms)}${thinSpace}ms`
  if (size < MS_PER_MINUTE - 50) return `${formatDigits(ms / 1_000)}${thinSpace}s`
  const seconds = Math.round(size / 1_000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / MINUTES_PER_HOUR)
  const sign = ms < 0 ? '−' : ''
  if (hours === 0) return sign + joinUnits([minutes, 'min'], [seconds % 60, 's'])
  if (hours < HOURS_PER_DAY) return sign + joinUnits([hours, 'h'], [minutes % MINUTES_PER_HOUR, 'min'])
  return sign + joinUnits([Math.floor(hours / HOURS_PER_DAY), 'd'], [hours % HOURS_PER_DAY, 'h'])
}

function joinUnits(...parts: readonly (readonly [value: number, unit: string])[]): string {
  return parts
    .filter(([value], index) => index === 0 || value > 0)
    .map(([value, unit]) => `${value}${thinSpace}${unit}`)
    .join(' ')
}

const byteUnits = ['B', 'KB', 'MB', 'GB'] as const

/** A size in units of 1,024: `512 B`, `12.3 KB`. */
export function formatBytes(bytes: Given): string {
  if (isMissing(bytes)) return missing
  let size = bytes
  let unit = 0
  while (size >= 1_023.5 && unit < byteUnits.length - 1) {
    size /= 1_024
    unit++
  }
  return `${unit === 0 ? formatCount(size) : formatDigits(size)}${thinSpace}${byteUnits[unit]}`
}

/** A share: 0.256 is `25.6 %`. */
export function formatPercent(share: Given): string {
  return isMissing(share) ? missing : `${formatDigits(share * 100)}${thinSpace}%`
}

/** The time of day in the time zone of the reader: `14:05:09`, with milliseconds `14:05:09.120`. */
export function formatTime(at: number | string | null | undefined, { withMs = false } = {}): string {
  const date = new Date(at ?? Number.NaN)
  if (Number.isNaN(date.getTime())) return missing
  const two = (value: number): string => String(value).padStart(2, '0')
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return withMs ? `${time}.${String(date.getMilliseconds()).padStart(3, '0')}` : time
}

/** Date and time in the time zone of the reader: `2026-03-01 14:05:09`. */
export function formatDateTime(at: number | string | null | undefined): string {
  const date = new Date(at ?? Number.NaN)
  if (Number.isNaN(date.getTime())) return missing
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${formatTime(date.getTime())}`
}

/** `1 request`, `1 234 requests`. */
export function formatAmount(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** Quotes a text for a POSIX shell. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
