/** Levels in the order of severity. */
export const levels = ['debug', 'info', 'warn', 'error'] as const

export type Level = (typeof levels)[number]

/** An entry of `GET /++/logs`. */
export interface LogEntry {
  readonly id: number
  readonly time: string
  readonly level: Level
  readonly event: 'log' | 'request' | 'upstream'
  readonly message: string
  readonly request: string | null
  readonly resource: string | null
  readonly deployment: string | null
  readonly upstream: string | null
  readonly status: number | null
  readonly code: string | null
  readonly ms: number | null
  readonly fields: Readonly<Record<string, unknown>>
}

/** The answer of `GET /++/logs`, newest first. */
export interface LogPage {
  readonly logs: readonly LogEntry[]
  readonly total: number
  readonly last_id: number
}

/** Filters of the view. Empty texts match all. */
export interface LogFilter {
  /** Empty: all levels. */
  readonly levels: readonly Level[]
  readonly event: string
  readonly resource: string
  readonly deployment: string
  readonly request: string
  readonly text: string
}

/** Reads the filter from the query of the route. Unknown levels are ignored. */
export function filterOf(query: URLSearchParams): LogFilter {
  const given = new Set((query.get('level') ?? '').split(','))
  const text = (name: string): string => query.get(name) ?? ''
  return {
    levels: levels.filter((level) => given.has(level)),
    event: text('event'),
    resource: text('resource'),
    deployment: text('deployment'),
    request: text('request'),
    text: text('text'),
  }
}

/** The filter as the query of the route and of `GET /++/logs`. */
export function queryOf({ levels: chosen, ...texts }: LogFilter): Record<string, string> {
  return { ...texts, level: chosen.join(',') }
}

/** Entries that the page keeps. */
const MAX_ENTRIES = 500

/** Entries of the view, newest first. */
export interface LogList {
  readonly entries: readonly LogEntry[]
  /** Id up to which all entries were read. */
  readonly lastId: number
  /** Entries that were left out, because more were written than one answer has. */
  readonly missed: number
}

export const noEntries: LogList = { entries: [], lastId: 0, missed: 0 }

/** Adds the entries after `lastId` at the front. */
export function addPage(list: LogList, page: LogPage): LogList {
  // Ids begin at 1 again after a restart of the simulator, so all entries are new.
  if (page.last_id < list.lastId) return noEntries
  const known = list.entries[0]?.id ?? 0
  const added = page.logs.filter(({ id }) => id > known)
  return {
    entries: added.length === 0 ? list.entries : [...added, ...list.entries].slice(0, MAX_ENTRIES),
    lastId: page.last_id,
    missed: list.lastId === 0 ? 0 : list.missed + Math.max(0, page.total - page.logs.length),
  }
}
