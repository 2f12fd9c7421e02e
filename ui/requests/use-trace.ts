import { useEffect, useState } from 'preact/hooks'
import type { Trace } from '../../src/server/admin/trace-schemas.ts'
import { api, ApiError } from '../lib/api.ts'
import { useLive } from '../lib/live.ts'

/** How often an open request is read again, in milliseconds. */
const OPEN_PAUSE_MS = 1_000

/** A request, or why it could not be read. Both are undefined while it is read. */
export interface ReadTrace {
  readonly trace: Trace | undefined
  readonly problem: ApiError | undefined
}

/** Reads a request by its id or `apim-request-id`, again and again until it has ended. */
export function useTrace(id: string): ReadTrace {
  const [state, setState] = useState<ReadTrace & { readonly id: string }>({
    id,
    trace: undefined,
    problem: undefined,
  })
  useEffect(() => {
    const stopped = new AbortController()
    const { signal } = stopped
    let timer: ReturnType<typeof setTimeout> | undefined
    const read = async (): Promise<void> => {
      try {
        const trace = await api.get<Trace>(`/++/traces/${encodeURIComponent(id)}`, { signal })
        setState({ id, trace, problem: undefined })
        if (trace.open) timer = setTimeout(() => void read(), OPEN_PAUSE_MS)
      } catch (error) {
        if (signal.aborted) return
        const problem = error instanceof ApiError ? error : new ApiError(0, 'Failed', String(error))
        setState(({ trace }) => ({ id, trace: problem.status === 0 ? trace : undefined, problem }))
        // The simulator can be back soon.
        if (problem.status === 0) timer = setTimeout(() => void read(), OPEN_PAUSE_MS)
      }
    }
    void read()
    return () => {
      stopped.abort()
      clearTimeout(timer)
    }
  }, [id])
  return state.id === id ? state : { trace: undefined, problem: undefined }
}

/** What the journal knows of a request. */
interface JournalPage {
  readonly requests: readonly {
    readonly id: number
    readonly upstream_request_id: string | null
    readonly retry: {
      readonly of: number
      readonly index: number
      readonly waited_ms: number
      readonly early: boolean
      readonly forbidden: boolean
    } | null
  }[]
}

/** An entry of the journal; `off` if there is no journal; undefined while it is read, and if it has no such request. */
export type JournalFacts = JournalPage['requests'][number] | 'off' | undefined

/** Reads the entry of a request in the journal. */
export function useJournal(requestId: string): JournalFacts {
  const [facts, setFacts] = useState<JournalFacts>(undefined)
  const isOn = useLive(({ stats }) => stats?.simulator.journal)
  useEffect(() => {
    if (isOn !== true) {
      setFacts(isOn === false ? 'off' : undefined)
      return undefined
    }
    const stopped = new AbortController()
    const { signal } = stopped
    setFacts(undefined)
    api
      .get<JournalPage>('/++/requests', { query: { request_id: requestId, limit: 1 }, signal })
      .then(({ requests }) => setFacts(requests[0]))
      // The journal is no reason to hide the request.
      .catch(() => {})
    return () => stopped.abort()
  }, [requestId, isOn])
  return facts
}
