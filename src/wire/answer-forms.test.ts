import { describe, expect, it } from 'vitest'
import type { AnswerEvent } from '../answer/answer-events.ts'
import { createRandom } from '../lib/random.ts'
import { answerForms, type WriteContext } from './answer-forms.ts'
import type { ApiForm } from './conversion.ts'
import { capabilitiesOf } from './models/model-capabilities.ts'

const context = (): WriteContext => ({
  request: {},
  modelName: 'm',
  model: { capabilities: capabilitiesOf({ name: 'm', reasoning: false }) },
  random: createRandom('ids'),
  nowMs: () => 1_800_000_000_000,
})

/** Answers with two calls, of which the service sends no ids. */
const events: readonly AnswerEvent[] = [
  { kind: 'start', id: 'x', model: 'm' },
  { kind: 'call', choice: 0, call: 0, tool: 'function', id: '', name: 'f' },
  { kind: 'arguments', choice: 0, call: 0, text: '{}' },
  { kind: 'call', choice: 0, call: 1, tool: 'function', id: '', name: 'g' },
  { kind: 'arguments', choice: 0, call: 1, text: '{}' },
  { kind: 'finish', choice: 0, reason: 'tool_calls' },
]

describe('the calls of an answer without ids', () => {
  it.each<[ApiForm, RegExp]>([
    ['chat', /"id": ?"(call_\w{24})"/g],
    ['responses', /"call_id": ?"(call_\w{24})"/g],
    ['messages', /"id": ?"(toolu_\w+)"/g],
  ])('have different ids in the form %s, whole and streamed', (form, pattern) => {
    const { write, createWriter } = answerForms[form]
    const writer = createWriter(context())
    const stream = events.map((event) => writer.write(event)).join('') + writer.end()
    for (const text of [write(events, context()), stream]) {
      const ids = [...text.matchAll(pattern)].map(([, id]) => id)
      expect(new Set(ids).size).toBe(2)
    }
  })
})
