import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { TraceSummary } from '../../src/server/admin/trace-schemas.ts'
import { api } from '../lib/api.ts'
import type { Subject } from '../lib/history.ts'
import { useLive } from '../lib/live.ts'
import { lastRequests } from './last-requests.ts'

/** Number of requests on the tape. */
const TAPE_LENGTH = 12

/** Minimum time between two changes of the tape. */
const MIN_INTERVAL_MS = 500

const none: readonly TraceSummary[] = []

/** Returns the last sampled requests of a resource or deployment, newest first: those of the events, and those from before. */
export function useRequests({ resource, deployment }: Subject): readonly TraceSummary[] {
  const shown = useRef({ atMs: -Infinity, requests: none })
  const live = useLive((state) => {
    const nowMs = performance.now()
    // Events arrive up to 20 times a second. The figures, once a second, bring the others.
    if (nowMs - shown.current.atMs >= MIN_INTERVAL_MS)
      shown.current = { atMs: nowMs, requests: state.requests }
    return shown.current.requests
  })
  const [earlier, setEarlier] = useState(none)
  useEffect(() => {
    const abort = new AbortController()
    setEarlier(none)
    api
      .get<{ readonly traces: readonly TraceSummary[] }>('/++/traces', {
        query: { resource, deployment, limit: TAPE_LENGTH },
        signal: abort.signal,
      })
      .then(({ traces }) => setEarlier(traces))
      // Without traces (TRACE_RING=0) there is no sample.
      .catch(() => setEarlier(none))
    return () => abort.abort()
  }, [resource, deployment])
  return useMemo(
    () => lastRequests([live, earlier], { resource, deployment }, TAPE_LENGTH),
    [live, earlier, resource, deployment],
  )
}
