import { createHash } from 'node:crypto'
import type { RecordedResponse } from './interaction.ts'
import { prepareAnswer } from './replay-answer.ts'

/** Names what a client gets to see of an answer, its headers and its time excepted: status and body. */
export function answerDigest(response: RecordedResponse): string {
  const { status, bytes, events } = prepareAnswer(response)
  const hash = createHash('sha256').update(`${status}\n`)
  if (bytes) hash.update(bytes)
  else for (const event of events) hash.update(event)
  return hash.digest('base64').slice(0, 22)
}
