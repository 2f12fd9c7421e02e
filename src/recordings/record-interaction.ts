import type { Exchange } from '../pipeline/exchange.ts'
import type { HeaderList } from '../pipeline/header-list.ts'
import { bodyHash } from './body-hash.ts'
import type { HeaderPairs, Interaction, RecordedBody } from './interaction.ts'

/** What there is to record of an answer beside its body. */
export interface AnswerHead {
  /** The address that was asked, query included. */
  readonly uri: string
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
}

/** Headers that say how a message travelled, which the next one does in its own way. */
const ofTravel: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** Puts an interaction together, secrets still included. @param durationMs of the call upstream */
export function recordInteraction(
  exchange: Exchange,
  { uri, status, reason, headers }: AnswerHead,
  body: RecordedBody,
  durationMs: number,
): Interaction {
  const hasBody = exchange.body.length > 0
  return {
    request: {
      method: exchange.method,
      uri,
      headers: requestHeaders(exchange),
      body: hasBody ? exchange.body : undefined,
      bodyHash: hasBody ? bodyHash(exchange.body, exchange.headers['content-type']) : undefined,
    },
    response: {
      status: { code: status, message: reason === '' ? undefined : reason },
      headers: [...headers],
      body,
      durationMs,
    },
    contextValues: { recorded_at: new Date(exchange.clock.epochMs()).toISOString() },
  }
}

function requestHeaders({ headers }: Exchange): HeaderPairs {
  return Object.entries(headers).flatMap(([name, value = []]) =>
    ofTravel.has(name) ? [] : [value].flat().map((one) => [name, one] as const),
  )
}
