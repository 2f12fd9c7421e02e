import type { Usage } from '../answer/completion.ts'
import { type Interaction, headerOf } from './interaction.ts'
import { splitUri } from './match-request.ts'
import { prepareAnswer } from './replay-answer.ts'

/** What an interaction is, in a few words and numbers. */
export interface RecordingSummary {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly query: string
  readonly status: number
  readonly contentType: string | undefined
  /** Events of a stream; undefined for an answer in one piece. */
  readonly events: number | undefined
  /** Of the body as it is replayed: without content codings. */
  readonly bytes: number
  readonly durationMs: number | undefined
  readonly usage: Usage | undefined
}

/** Sums an interaction up. */
export function summarise({ request, response }: Interaction): RecordingSummary {
  const { host, path, query } = splitUri(request.uri)
  const { bytes, events, durationMs, usage } = prepareAnswer(response)
  return {
    method: request.method,
    host,
    path,
    query,
    status: response.status.code,
    contentType: headerOf(response.headers, 'content-type'),
    events: bytes ? undefined : events.length,
    bytes: bytes ? bytes.length : events.reduce((sum, event) => sum + Buffer.byteLength(event), 0),
    durationMs,
    usage,
  }
}
