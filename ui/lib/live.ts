import type {
  LiveConfigChange,
  LiveDropped,
  LiveHello,
  LiveIncidentChange,
  LiveStats,
} from '../../src/server/admin/live-stats.ts'
import type { TraceSummary } from '../../src/server/admin/trace-schemas.ts'
import { api, ApiError } from './api.ts'
import { History } from './history.ts'
import {
  EventReader,
  mergeIncident,
  mergeStats,
  type StreamEvent,
  upsertNewest,
  type WholeStats,
} from './live-state.ts'
import { createStore, useStore } from './store.ts'

/** State of the connection to the events of the simulator. */
export interface Connection {
  /** `silent`: connected, but no figures arrive. */
  readonly state: 'connecting' | 'live' | 'silent' | 'reconnecting'
  /** Since when, in milliseconds since 1970. */
  readonly sinceMs: number
  /** Why there is no connection; undefined while there is one. */
  readonly reason: string | undefined
}

/** What the page knows of the running simulator. */
export interface LiveState {
  readonly connection: Connection
  readonly hello: LiveHello | undefined
  /** The current figures; a new object for each event. */
  readonly stats: WholeStats | undefined
  /** The latest requests, newest first. */
  readonly requests: readonly TraceSummary[]
  /** Requests and log entries that were not sent, since the connection. */
  readonly dropped: Readonly<Record<LiveDropped['event'], number>>
  /** The last change of the configuration: forms read it again. */
  readonly configChange: LiveConfigChange | undefined
}

const nothing: LiveState = {
  connection: { state: 'connecting', sinceMs: Date.now(), reason: undefined },
  hello: undefined,
  stats: undefined,
  requests: [],
  dropped: { log: 0, request: 0 },
  configChange: undefined,
}

const MAX_REQUESTS = 200
const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 5_000
/** After so many intervals without an event, figures count as old. */
const SILENT_INTERVALS = 5
const MIN_SILENT_MS = 6_000
/** A connection without any event for so long is opened again. */
const DEAD_MS = 30_000

/** The state that views show. It does not change while the tab is hidden. */
const shown = createStore<LiveState>(nothing)
let current = nothing

/** The figures of the last 15 minutes. */
export const history = new History()

/** Returns the live state, or a part of it. The component renders again when this part changes. */
export function useLive<Part>(select: (state: LiveState) => Part): Part {
  return useStore(shown, select)
}

type LogListener = (entry: unknown) => void
const logListeners = new Set<LogListener>()

/** Calls a listener for each log entry that arrives. Returns a function that ends this. */
export function followLogs(listener: LogListener): () => void {
  logListeners.add(listener)
  return () => logListeners.delete(listener)
}

/** Opens the events, and again after each failure, until the returned function is called. */
export function connect(): () => void {
  const stopped = new AbortController()
  const { signal } = stopped
  let lastEventMs = Date.now()
  let open: AbortController | undefined

  const watch = setInterval(() => {
    const silentMs = Date.now() - lastEventMs
    const interval = current.hello?.interval_ms ?? 0
    if (
      current.connection.state === 'live' &&
      silentMs > Math.max(MIN_SILENT_MS, SILENT_INTERVALS * interval)
    ) {
      setConnection('silent', 'No figures arrive.')
    }
    if (current.connection.state === 'silent' && silentMs > DEAD_MS) open?.abort()
  }, 1_000)

  const show = (): void => {
    if (!document.hidden) shown.set(current)
  }
  document.addEventListener('visibilitychange', show)

  const run = async (): Promise<void> => {
    let pauseMs = FIRST_PAUSE_MS
    while (!signal.aborted) {
      open = new AbortController()
      const attempt = AbortSignal.any([signal, open.signal])
      try {
        const stream = await api.stream('/++/events', { signal: attempt })
        lastEventMs = Date.now()
        for await (const event of eventsOf(stream)) {
          lastEventMs = Date.now()
          pauseMs = FIRST_PAUSE_MS
          take(event)
        }
        setConnection('reconnecting', 'The simulator has ended the connection.')
      } catch (error) {
        // A wrong key signs out.
        if (signal.aborted || (error instanceof ApiError && error.status === 401)) return
        setConnection('reconnecting', reasonOf(error))
      }
      await pause(pauseMs, signal)
      pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)
    }
  }
  void run()
  return () => {
    stopped.abort()
    clearInterval(watch)
    document.removeEventListener('visibilitychange', show)
    update(nothing)
    history.clear()
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ApiError) return error.message
  return error instanceof DOMException && error.name === 'AbortError'
    ? 'No events for 30 seconds.'
    : 'The connection was interrupted.'
}

async function* eventsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  const events = new EventReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield* events.push(decoder.decode(value, { stream: true }))
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** Requests arrive at up to 20 a second. The page shows them together. */
const BATCH_MS = 250
let batch: ReturnType<typeof setTimeout> | undefined

function update(next: LiveState): void {
  current = next
  clearTimeout(batch)
  batch = undefined
  if (!document.hidden) shown.set(next)
}

/** Shows a change together with those of the next 250 ms. */
function updateSoon(next: LiveState): void {
  current = next
  batch ??= setTimeout(() => update(current), BATCH_MS)
}

function setConnection(state: Connection['state'], reason?: string): void {
  const { connection } = current
  if (connection.state === state && connection.reason === reason) return
  const sinceMs = connection.state === state ? connection.sinceMs : Date.now()
  update({ ...current, connection: { state, sinceMs, reason } })
}

/** Takes an event into the state. Unknown events are ignored: the simulator can be newer than the page. */
function take({ name, data }: StreamEvent): void {
  const value: unknown = JSON.parse(data)
  switch (name) {
    case 'hello': {
      const hello = value as LiveHello
      // Figures of another start do not belong into the same chart.
      if (current.hello && current.hello.started_at !== hello.started_at) history.clear()
      update({ ...current, hello, dropped: nothing.dropped })
      setConnection('live')
      return
    }
    case 'stats': {
      const stats = mergeStats(current.stats, value as LiveStats)
      history.add(stats)
      update({ ...current, stats })
      setConnection('live')
      return
    }
    case 'request': {
      const requests = upsertNewest(current.requests, value as TraceSummary, MAX_REQUESTS)
      updateSoon({ ...current, requests })
      return
    }
    case 'log':
      for (const listener of logListeners) listener(value)
      return
    case 'dropped': {
      const { event, count } = value as LiveDropped
      updateSoon({ ...current, dropped: { ...current.dropped, [event]: current.dropped[event] + count } })
      return
    }
    case 'config':
      update({ ...current, configChange: value as LiveConfigChange })
      return
    case 'incident':
      if (current.stats)
        update({ ...current, stats: mergeIncident(current.stats, value as LiveIncidentChange) })
      return
    default:
  }
}
