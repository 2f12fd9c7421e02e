import { useEffect, useRef, useState } from 'preact/hooks'
import { api, ApiError } from '../lib/api.ts'
import { useLive } from '../lib/live.ts'
import {
  addPage,
  MAX_ROWS,
  nextSince,
  noTraces,
  type TraceFilter,
  type TraceList,
  type TracePage,
} from './trace-list.ts'

/** Shortest time between two readings, in milliseconds. */
const MIN_PAUSE_MS = 1_000
/** Without a sign of new requests. */
const MAX_PAUSE_MS = 3_000

/** The requests that match a filter, and why they could not be read. */
export interface Traces {
  readonly list: TraceList
  readonly isLoading: boolean
  readonly problem: ApiError | undefined
}

/** Reads the requests that match a filter, and new ones as they arrive. The simulator filters. Pauses while the tab is hidden. */
export function useTraces(filter: TraceFilter): Traces {
  const query = JSON.stringify(filter)
  const [traces, setTraces] = useState<Traces>({ list: noTraces, isLoading: true, problem: undefined })
  const wake = useRef<() => void>(() => {})
  // Each request counts, so a change of the total tells that there are new ones.
  const count = useLive(({ stats }) => (stats?.totals?.requests ?? 0) + (stats?.totals?.active ?? 0))

  useEffect(() => {
    const stopped = new AbortController()
    const { signal } = stopped
    let list = noTraces
    let timer: ReturnType<typeof setTimeout> | undefined
    let readMs = -Infinity
    let isReading = false

    const read = async (): Promise<void> => {
      isReading = true
      let problem: ApiError | undefined
      const since = nextSince(list)
      try {
        const given = { ...(JSON.parse(query) as TraceFilter), since, limit: MAX_ROWS }
        const page = await api.get<TracePage>('/++/traces', { query: given, signal })
        list = addPage(list, page, since)
      } catch (error) {
        if (signal.aborted) return
        problem = error instanceof ApiError ? error : new ApiError(0, 'Failed', String(error))
      }
      setTraces({ list, isLoading: false, problem })
      isReading = false
      readMs = performance.now()
      plan(MAX_PAUSE_MS)
    }
    const plan = (pauseMs: number): void => {
      if (isReading || signal.aborted) return
      clearTimeout(timer)
      timer = setTimeout(
        () => (document.hidden ? plan(MAX_PAUSE_MS) : void read()),
        Math.max(0, readMs + pauseMs - performance.now()),
      )
    }
    wake.current = () => plan(MIN_PAUSE_MS)
    setTraces({ list: noTraces, isLoading: true, problem: undefined })
    plan(0)
    return () => {
      stopped.abort()
      clearTimeout(timer)
    }
  }, [query])

  useEffect(() => wake.current(), [count])
  return traces
}
