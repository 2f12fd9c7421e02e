import type { RecordedResponse } from './interaction.ts'
import { jsonDifferences, showDifference } from './json-difference.ts'
import { prepareAnswer, type ReplayAnswer } from './replay-answer.ts'
import { createHash } from 'node:crypto'

/** The first thing in which two answers differ, as shown in a message. */
export interface AnswerDifference {
  /** `status`, `body`, or a field: `choices[0].message.content`. */
  readonly at: string
  readonly was: string
  readonly is: string
}

/** Finds the first difference between two answers of which it is known that they are not the same. */
export function answerDifference(left: RecordedResponse, right: RecordedResponse): AnswerDifference {
  const [ours, theirs] = [prepareAnswer(left), prepareAnswer(right)]
  if (ours.status !== theirs.status) {
    return { at: 'status', was: String(ours.status), is: String(theirs.status) }
  }
  const [first] = jsonDifferences(contentOf(ours), contentOf(theirs))
  if (!first) return { at: 'body', was: 'other white space or key order', is: 'the same values' }
  return {
    at: first.at || 'body',
    was: showDifference(first.left, first.right),
    is: showDifference(first.right, first.left),
  }
}

function contentOf({ bytes, events }: ReplayAnswer): unknown {
  if (!bytes) return events
  const text = bytes.toString()
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** Names what a client gets to see of an answer, its headers and its time excepted: status and body. */
export function answerDigest(response: RecordedResponse): string {
  const { status, bytes, events } = prepareAnswer(response)
  const hash = createHash('sha256').update(`${status}\n`)
  if (bytes) hash.update(bytes)
  else for (const event of events) hash.update(event)
  return hash.digest('base64').slice(0, 22)
}
