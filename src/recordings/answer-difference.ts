import type { RecordedResponse } from './interaction.ts'
import { jsonDifferences, formatValue } from './json-difference.ts'
import { prepareAnswer, type ReplayAnswer } from './replay-answer.ts'
import { createHash } from 'node:crypto'

/** The first difference of two answers, as shown in a message. */
export interface AnswerDifference {
  /** `status`, `body`, or a field: `choices[0].message.content`. */
  readonly at: string
  readonly was: string
  readonly is: string
}

/** Finds the first difference of two answers, which must not be equal. */
export function answerDifference(left: RecordedResponse, right: RecordedResponse): AnswerDifference {
  const [first, second] = [prepareAnswer(left), prepareAnswer(right)]
  if (first.status !== second.status) {
    return { at: 'status', was: String(first.status), is: String(second.status) }
  }
  const [difference] = jsonDifferences(contentOf(first), contentOf(second))
  if (!difference) return { at: 'body', was: 'other white space or key order', is: 'the same values' }
  return {
    at: difference.path || 'body',
    was: formatValue(difference.left, difference.right),
    is: formatValue(difference.right, difference.left),
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

/** Hash of the status and the body of an answer, without its headers and times. */
export function answerDigest(response: RecordedResponse): string {
  const { status, bytes, events } = prepareAnswer(response)
  const hash = createHash('sha256').update(`${status}\n`)
  if (bytes) hash.update(bytes)
  else for (const event of events) hash.update(event)
  return hash.digest('base64').slice(0, 22)
}
