import { useEffect, useRef, useState } from 'preact/hooks'
import { api, ApiError } from '../lib/api.ts'
import { followLogs } from '../lib/live.ts'
import { addPage, type LogFilter, type LogList, type LogPage, noEntries, queryOf } from './log-entry.ts'

/** Shortest time between two readings, in milliseconds. */
const MIN_PAUSE_MS = 1_000
/** A reading without a sign of a new entry, for the time without events. */
const MAX_PAUSE_MS = 5_000
const PAGE_SIZE = 500

/** The entries that match a filter, and why they could not be read. */
export interface Logs {
  readonly list: LogList
  readonly isLoading: boolean
  readonly problem: ApiError | undefined
}

/**
 * Reads the entries that match a filter, and new ones as they are written. The events only tell that there are new entries: the
 * simulator filters, so that the view shows what `GET /++/logs` answers.
 */
export function useLogs(filter: LogFilter): Logs {
  const query = JSON.stringify(queryOf(filter))
  const [logs, setLogs] = useState<Logs>({ list: noEntries, isLoading: true, problem: undefined })
  const list = useRef<LogList>(noEntries)

  useEffect(() => {
    const stopped = new AbortController()
    const { signal } = stopped
    let timer: ReturnType<typeof setTimeout> | undefined
    let nextMs = 0
    let isReading = false
    let isNew = true
    list.current = noEntries

    const read = async (): Promise<void> => {
      isReading = true
      isNew = false
      let problem: ApiError | undefined
      try {
        const given = { ...JSON.parse(query), since: list.current.lastId, limit: PAGE_SIZE }
        list.current = addPage(list.current, await api.get<LogPage>('/++/logs', { query: given, signal }))
      } catch (error) {
        if (signal.aborted) return
        problem = error instanceof ApiError ? error : new ApiError(0, 'Failed', String(error))
      }
      if (signal.aborted) return
      setLogs({ list: list.current, isLoading: false, problem })
      isReading = false
      nextMs = Date.now() + MIN_PAUSE_MS
      plan()
    }
    const plan = (): void => {
      if (isReading) return
      clearTimeout(timer)
      const waitMs = isNew ? Math.max(0, nextMs - Date.now()) : MAX_PAUSE_MS
      timer = setTimeout(() => void read(), waitMs)
    }
    const stopFollowing = followLogs(() => {
      if (isNew) return
      isNew = true
      plan()
    })
    setLogs({ list: noEntries, isLoading: true, problem: undefined })
    plan()
    return () => {
      stopped.abort()
      clearTimeout(timer)
      stopFollowing()
    }
  }, [query])
  return logs
}
