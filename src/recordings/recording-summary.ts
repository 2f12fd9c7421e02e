import type { Usage } from '../answer/completion.ts'
import { type Interaction, headerOf } from './interaction.ts'
import { splitUri } from './match-request.ts'
import { prepareAnswer } from './replay-answer.ts'

/** The main properties of an interaction. */
export interface RecordingSummary {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly query: string
  readonly status: number
  readonly contentType: string | undefined
  /** Number of events of a stream; undefined for any other answer. */
  readonly events: number | undefined
  /** Size of the body as it is replayed: without content encodings. */
  readonly bytes: number
  readonly durationMs: number | undefined
  readonly usage: Usage | undefined
}

/** Summarizes an interaction. */
export function summarizeInteraction({ request, response }: Interaction): RecordingSummary {
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

/** Returns the interaction with a decoded body, without content-encoding. */
export function decodedInteraction(interaction: Interaction): Interaction {
  const { response } = interaction
  const { bytes, headers } = prepareAnswer(response)
  if (!bytes) return interaction
  const pairs = response.headers.filter(
    ([name]) => name.toLowerCase() !== 'content-encoding' || headers.some((header) => header === name),
  )
  return { ...interaction, response: { ...response, headers: pairs, body: { kind: 'bytes', bytes } } }
}
