import type { Exchange } from '../pipeline/exchange.ts'

/** The place in a caller's trace that a request comes from. */
export interface TraceParent {
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string
  /** 16 hexadecimal digits, not all 0. */
  readonly spanId: string
  /** Bits; 1 is "sampled". */
  readonly traceFlags: number
  /** What systems of tracing add, as it came; undefined where nothing did. */
  readonly traceState: string | undefined
}

/** The W3C Recommendation "Trace Context": version, trace, parent and flags; a version after 00 may add more. */
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Longest `tracestate` that is taken over: what the recommendation asks everybody to pass on at least. */
const longestState = 512

/** Reads `traceparent` and `tracestate`; undefined where the first is absent or broken, which begins a new trace. */
export function parseTraceParent(headers: Exchange['headers']): TraceParent | undefined {
  const { traceparent, tracestate } = headers
  const match = typeof traceparent === 'string' ? form.exec(traceparent.trim()) : null
  if (!match) return undefined
  const [, version = '', traceId = '', spanId = '', flags = '', more] = match
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  const state = Array.isArray(tracestate) ? tracestate.join(',') : tracestate
  const traceState = typeof state === 'string' && state.length <= longestState ? state : undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), traceState }
}
