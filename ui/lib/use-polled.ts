import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { api, ApiError, type Query } from './api.ts'

/** An answer that is read again and again. */
export interface Polled<Answer> {
  /** The last answer; undefined before the first one. It stays if a later reading fails. */
  readonly answer: Answer | undefined
  /** Why the last reading failed; undefined if it did not. */
  readonly problem: ApiError | undefined
  /** Reads now. */
  readonly refresh: () => void
}

/** Pause between two readings, in milliseconds. */
const PAUSE_MS = 3_000

/** The pause is at least so many times the duration of a reading, so that a long list costs the simulator at most 2 %. */
const PAUSE_FACTOR = 50

/**
 * Reads a path while the tab is visible. A change of the path or the query reads immediately, and drops the answer of an earlier
 * one. An undefined path reads nothing.
 */
export function usePolled<Answer>(path: string | undefined, query: Query = {}): Polled<Answer> {
  const [state, setState] = useState<Pick<Polled<Answer>, 'answer' | 'problem'>>({
    answer: undefined,
    problem: undefined,
  })
  const key = path === undefined ? undefined : JSON.stringify([path, query])
  const readNow = useRef(() => {})

  useEffect(() => {
    if (key === undefined) {
      setState(({ answer }) => ({ answer, problem: undefined }))
      return undefined
    }
    const [from, given] = JSON.parse(key) as [string, Query]
    const stopped = new AbortController()
    const { signal } = stopped
    let timer: ReturnType<typeof setTimeout> | undefined
    let reading: Promise<void> | undefined
    let isWanted = false

    const read = async (): Promise<void> => {
      const startMs = performance.now()
      try {
        const answer = await api.get<Answer>(from, { query: given, signal })
        if (!signal.aborted) setState({ answer, problem: undefined })
      } catch (error) {
        if (signal.aborted) return
        const problem = error instanceof ApiError ? error : new ApiError(0, 'Failed', String(error))
        setState(({ answer }) => ({ answer, problem }))
      }
      plan(Math.max(PAUSE_MS, PAUSE_FACTOR * (performance.now() - startMs)))
    }
    const start = (): void => {
      clearTimeout(timer)
      isWanted = reading !== undefined
      if (reading || signal.aborted) return
      reading = read().finally(() => {
        reading = undefined
        if (isWanted) start()
      })
    }
    const plan = (pauseMs: number): void => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        if (!document.hidden) start()
      }, pauseMs)
    }
    const onVisible = (): void => {
      if (!document.hidden) start()
    }
    document.addEventListener('visibilitychange', onVisible)
    readNow.current = start
    start()
    return () => {
      stopped.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
    }
  }, [key])

  const refresh = useCallback(() => readNow.current(), [])
  return { ...state, refresh }
}
