import { defaultResourceName } from '../config/config.ts'
import { RecentMap } from '../lib/caches.ts'
import { isCredentialName } from '../lib/credential-names.ts'
import { createKeyRedactor, redacted, redactText } from '../lib/credential-texts.ts'
import type { Logger } from '../lib/logger.ts'
import type { Port } from '../lib/port.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const

/** Severity of an entry. */
export type LogLevel = (typeof logLevels)[number]

/** Severity of an answered request. */
export function levelOf(status: number): LogLevel {
  return status < 400 ? 'info' : 'warn'
}

/** A log entry before it has an id. Unknown properties are undefined. */
export interface LogRecord {
  /** Wall-clock time in milliseconds. */
  readonly epochMs: number
  readonly level: LogLevel
  /** `log`: a line of the log. `request`: a request of the request log. `upstream`: a forwarded request. */
  readonly event: 'log' | 'request' | 'upstream'
  readonly message: string
  /** Id of the request. */
  readonly request?: string | undefined
  readonly resource?: string | undefined
  readonly deployment?: string | undefined
  /** Name of the upstream. */
  readonly upstream?: string | undefined
  readonly status?: number | undefined
  /** Code of a failure, such as `UpstreamUnreachable`. */
  readonly code?: string | undefined
  /** Duration of the request, in milliseconds. */
  readonly ms?: number | undefined
  /** Further facts, as JSON. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** A log entry. */
export interface LogEntry extends LogRecord {
  /** Counts up from 1. Never reused. */
  readonly id: number
}

/** Takes entries, in this process or in the primary. Entries are redacted and bounded before. */
export interface LogSink {
  add(record: LogRecord): void
}

export const logPort: Port<LogSink> = { name: 'logs', methods: { add: { kind: 'notification' } } }

/** Selects entries. Absent fields match all. */
export interface LogFilter {
  readonly levels?: ReadonlySet<string> | undefined
  /** Part of the event, case-insensitive. */
  readonly event?: string | undefined
  readonly resource?: string | undefined
  readonly deployment?: string | undefined
  readonly upstream?: string | undefined
  /** Id of a request, case-insensitive. */
  readonly request?: string | undefined
  /** Part of any text of the entry, case-insensitive. */
  readonly text?: string | undefined
  /** Only entries with a larger id. */
  readonly sinceId?: number | undefined
}

/** The last log entries. */
export class LogRing implements LogSink {
  readonly #size: number
  /** By id modulo size. */
  readonly #entries: LogEntry[] = []
  readonly #listeners = new Set<() => void>()
  #lastId = 0

  /** @param size number of entries to keep, >= 1 */
  constructor(size: number) {
    this.#size = size
  }

  /** Id of the last entry; 0 before the first one. */
  get lastId(): number {
    return this.#lastId
  }

  add(record: LogRecord): void {
    const id = ++this.#lastId
    this.#entries[id % this.#size] = { ...record, id }
    for (const listener of this.#listeners) listener()
  }

  /** Calls `listener` for each new entry. Returns a function that removes it. */
  onAdded(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Returns the latest entries that match, newest first, and the number of all that match. */
  read(filter: LogFilter, limit: number): { readonly entries: readonly LogEntry[]; readonly total: number } {
    const matches = matcher(filter)
    const { sinceId = 0 } = filter
    const entries: LogEntry[] = []
    let total = 0
    for (let id = this.#lastId; id > Math.max(sinceId, this.#lastId - this.#size); id--) {
      const entry = this.#entries[id % this.#size]
      if (!entry || !matches(entry)) continue
      total++
      if (entries.length < limit) entries.push(entry)
    }
    return { entries, total }
  }
}

function matcher(filter: LogFilter): (entry: LogEntry) => boolean {
  const { levels, resource, deployment, upstream } = filter
  const event = filter.event?.toLowerCase()
  const request = filter.request?.toLowerCase()
  const text = filter.text?.toLowerCase()
  return (entry) =>
    (levels === undefined || levels.has(entry.level)) &&
    (event === undefined || entry.event.includes(event)) &&
    (resource === undefined || entry.resource === resource) &&
    (deployment === undefined || entry.deployment === deployment) &&
    (upstream === undefined || entry.upstream === upstream) &&
    (request === undefined || entry.request?.toLowerCase() === request) &&
    (text === undefined || hasText(entry, text))
}

/** Whether a value, or a key or value in it, contains a text in lower case. */
function hasText(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value.toLowerCase().includes(text)
  if (typeof value !== 'object' || value === null)
    return JSON.stringify(value ?? '')
      .toLowerCase()
      .includes(text)
  return Object.entries(value).some(([key, one]) => key.toLowerCase().includes(text) || hasText(one, text))
}

/** Limits of an entry, so that a ring of 1,000 entries has at most some tens of megabytes. */
const MAX_TEXT_LENGTH = 4_000
const MAX_LIST_LENGTH = 50
const MAX_DEPTH = 4
const MAX_VALUES = 200
const MAX_CHARACTERS = 16_000

/** Short texts repeat: names of fields, upstreams and deployments, and messages. Their redacted forms are kept. */
const MAX_REPEATED_LENGTH = 100
const MAX_REPEATED_TEXTS = 500

/** Redacts and bounds the texts and values of log records. */
export interface LogCleaner {
  text(text: string): string
  fields(fields: object): Record<string, unknown>
}

/** @param secrets returns the current keys; the same list while they do not change */
export function createLogCleaner(secrets: () => readonly string[]): LogCleaner {
  const withoutKeys = createKeyRedactor(secrets)
  const repeated = new RecentMap<string, string>(MAX_REPEATED_TEXTS)
  let repeatedFor = secrets()
  const cleanText = (text: string): string => {
    if (text.length > MAX_REPEATED_LENGTH) return redactAndBound(text)
    const current = secrets()
    if (current !== repeatedFor) {
      repeatedFor = current
      repeated.clear()
    }
    let clean = repeated.get(text)
    if (clean === undefined) {
      clean = redactAndBound(text)
      repeated.set(text, clean)
    }
    return clean
  }
  const redactAndBound = (text: string): string => {
    // Redacts before the end is cut off, so that no part of a credential remains.
    const clean = withoutKeys(redactText(text.slice(0, 2 * MAX_TEXT_LENGTH)))
    return clean.length > MAX_TEXT_LENGTH ? `${clean.slice(0, MAX_TEXT_LENGTH)}…` : clean
  }
  return {
    text: cleanText,
    fields(fields) {
      let values = 0
      let characters = 0
      const clean = (value: unknown, depth: number): unknown => {
        if (++values > MAX_VALUES || characters > MAX_CHARACTERS) return truncated
        if (typeof value === 'string') {
          const text = cleanText(value)
          characters += text.length
          return text
        }
        if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return value
        if (typeof value === 'number' || typeof value === 'bigint') return String(value)
        if (typeof value !== 'object') return `[${typeof value}]`
        if (value instanceof Date) return value.toJSON()
        if (value instanceof Error) return clean(`${value.name}: ${value.message}`, depth)
        if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
        if (depth >= MAX_DEPTH) return truncated
        if (Array.isArray(value)) return value.slice(0, MAX_LIST_LENGTH).map((item) => clean(item, depth + 1))
        return members(value, depth)
      }
      const members = (value: object, depth: number): Record<string, unknown> => {
        const result: Record<string, unknown> = {}
        for (const [name, member] of Object.entries(value).slice(0, MAX_LIST_LENGTH)) {
          if (member === undefined || typeof member === 'function') continue
          const isSecret = typeof member !== 'number' && typeof member !== 'boolean'
          const kept = isSecret && isSecretName(name) ? redacted : clean(member, depth + 1)
          const key = cleanText(name)
          // Assigning to `__proto__` would replace the prototype.
          if (key === '__proto__') {
            Object.defineProperty(result, key, { value: kept, enumerable: true, configurable: true })
          } else result[key] = kept
        }
        return result
      }
      return members(fields, 0)
    },
  }
}

/** A field of a log line can be named after a header, such as `key`. */
function isSecretName(name: string): boolean {
  return isCredentialName(name, 'member') || isCredentialName(name, 'header')
}

const truncated = '[truncated]'

/** The ring of a simulator, and a logger that also writes to it. */
export interface OpenLogs {
  readonly logger: Logger
  /** Takes the entries of requests; undefined if LOG_RING is 0. */
  readonly records: LogSink | undefined
  /** Undefined if LOG_RING is 0. Empty in a worker, which sends its entries to the primary. */
  readonly ring: LogRing | undefined
}

/** Options of `openLogs`. */
export interface LogOptions {
  readonly logger: Logger
  /** Number of entries to keep, >= 0. */
  readonly size: number
  /** The minimum level of log lines. `info` and above always enter the ring. */
  readonly level: LogLevel
  /** Returns the current keys, which entries must not contain. */
  readonly secrets: () => readonly string[]
  readonly epochMs: () => number
  /** The ring of the primary; absent in a single process. */
  readonly sink?: LogSink | undefined
  /** Number of the worker; absent in a single process and in the primary. */
  readonly worker?: number | undefined
}

/** Opens the ring. Lines of the returned logger enter it as event `log`. */
export function openLogs({ logger, size, level, secrets, epochMs, sink, worker }: LogOptions): OpenLogs {
  if (size === 0) return { logger, records: undefined, ring: undefined }
  const ring = new LogRing(size)
  const target = sink ?? ring
  const cleaner = createLogCleaner(secrets)
  const records: LogSink = {
    add: (record) => target.add(cleanRecord(record, cleaner, worker)),
  }
  const at = (severity: LogLevel): Logger[LogLevel] => {
    if (severity === 'debug' && level !== 'debug') return (fields, message) => logger.debug(fields, message)
    return (fields, message) => {
      logger[severity](fields, message)
      records.add({ epochMs: epochMs(), level: severity, event: 'log', message, ...knownFields(fields) })
    }
  }
  return {
    logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    records,
    ring,
  }
}

function cleanRecord(record: LogRecord, cleaner: LogCleaner, worker: number | undefined): LogRecord {
  const text = (value: string | undefined): string | undefined =>
    value === undefined ? undefined : cleaner.text(value)
  return {
    ...record,
    message: cleaner.text(record.message),
    request: text(record.request),
    resource: text(record.resource),
    deployment: text(record.deployment),
    upstream: text(record.upstream),
    code: text(record.code),
    fields: cleaner.fields(worker === undefined ? record.fields : { ...record.fields, worker }),
  }
}

/** Fields of a log line that are properties of a record, with the name of the property. */
const textFields = {
  requestId: 'request',
  resource: 'resource',
  deployment: 'deployment',
  upstream: 'upstream',
  code: 'code',
} as const
const numberFields: ReadonlySet<string> = new Set(['status', 'ms'])

function knownFields(all: object): Omit<LogRecord, 'epochMs' | 'level' | 'event' | 'message'> {
  const known: Partial<Record<string, string | number>> = {}
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(all)) {
    if (typeof value === 'string' && Object.hasOwn(textFields, name))
      known[textFields[name as keyof typeof textFields]] = value
    else if (typeof value === 'number' && Number.isFinite(value) && numberFields.has(name))
      known[name] = value
    else fields[name] = value
  }
  if (known['request'] !== undefined) known['resource'] ??= defaultResourceName
  return { ...known, fields }
}

/** Entries in the format of the admin API. Unknown values are `null`. */
export function logEntryJson(entry: LogEntry) {
  return {
    id: entry.id,
    time: new Date(entry.epochMs).toISOString(),
    level: entry.level,
    event: entry.event,
    message: entry.message,
    request: entry.request ?? null,
    resource: entry.resource ?? null,
    deployment: entry.deployment ?? null,
    upstream: entry.upstream ?? null,
    status: entry.status ?? null,
    code: entry.code ?? null,
    ms: entry.ms ?? null,
    fields: entry.fields,
  }
}
