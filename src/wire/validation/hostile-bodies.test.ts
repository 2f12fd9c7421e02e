import { describe, expect, it } from 'vitest'
import { leastMs } from '../../../tests/support/machine-speed.ts'
import { mutateJson } from '../../../tests/support/mutate-json.ts'
import { createRandom } from '../../lib/random.ts'
import { findModel } from '../models/model-catalogue.ts'
import { validateChat } from '../chat/validate-chat.ts'
import { validateCompletions } from '../completions/completions-request.ts'
import { validateEmbeddings } from '../embeddings/embeddings-request.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const chatModels = [findModel('gpt-4o')!, findModel('gpt-5')!]
const embeddingModel = findModel('text-embedding-3-small')!

const schema = {
  type: 'object',
  properties: {
    a: { type: ['string', 'null'], enum: ['x', null] },
    b: { type: 'array', items: { $ref: '#/$defs/c' } },
  },
  required: ['a', 'b'],
  additionalProperties: false,
  $defs: { c: { anyOf: [{ type: 'integer' }, { type: 'string', pattern: '^a' }] } },
}
const validChat = {
  messages: [
    { role: 'system', content: 'Answer in json.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'x' },
        { type: 'image_url', image_url: { url: 'https://example.com/' } },
      ],
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'a', content: '1' },
  ],
  tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters: schema } }],
  tool_choice: { type: 'function', function: { name: 'f' } },
  response_format: { type: 'json_schema', json_schema: { name: 's', schema, strict: true } },
  temperature: 1,
  n: 2,
  stream: true,
  stream_options: { include_usage: true },
  metadata: { a: 'b' },
}
const validCompletion = {
  prompt: ['a', 'b'],
  n: 1,
  best_of: 2,
  logprobs: 1,
  stop: ['x'],
  logit_bias: { 1: 2 },
}
const validEmbeddings = { input: [[1, 2], [3]], dimensions: 8, encoding_format: 'float' }

/** Whether an error, if there is one, has what the service sends. An `expect` for each of many thousands would take most of the time. */
function isErrorOrNothing(error: ReturnType<typeof validateChat>): boolean {
  if (error === undefined) return true
  const { error: sent } = JSON.parse(errorBody(error)) as { error: Record<string, unknown> }
  return (
    `${error.status} ${error.layer} ${error.envelope}` === '400 model model' &&
    Object.keys(sent).join() === 'message,type,param,code' &&
    typeof sent['message'] === 'string' &&
    sent['message'] !== ''
  )
}

describe('hostile bodies', () => {
  it('are accepted or rejected with a well-formed error, and never throw', () => {
    const random = createRandom('hostile bodies')
    let refused = 0
    const wrong: unknown[] = []
    for (let round = 0; round < 6_000; round++) {
      const rounds = 1 + random.below(3)
      let bodies: unknown[] = [validChat, validCompletion, validEmbeddings]
      for (let i = 0; i < rounds; i++) bodies = bodies.map((body) => mutateJson(body, random))
      for (const error of [
        ...chatModels.map((model) => validateChat(bodies[0], model)),
        validateCompletions(bodies[1], embeddingModel),
        validateEmbeddings(bodies[2], embeddingModel),
      ]) {
        if (!isErrorOrNothing(error)) wrong.push(error)
        if (error) refused++
      }
    }
    expect(wrong).toEqual([])
    expect(refused).toBeGreaterThan(10_000)
    expect(refused).toBeLessThan(23_900)
  })

  it.each([[[]], ['x'], [7], [null], [undefined], [true]])(
    'that are not an object (%j) are rejected as invalid JSON',
    (body) => {
      expect(validateChat(body, chatModels[0]!)?.message).toContain('We could not parse the JSON body')
    },
  )

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'with the key %s are rejected as having an unknown key',
    (key) => {
      const body: unknown = JSON.parse(`{"messages":[{"role":"user","content":"x"}],"${key}":1}`)
      expect(validateChat(body, chatModels[0]!)?.message).toContain(`supplied: ${key}`)
    },
  )

  it.each(['__proto__', 'constructor'])('with the role %s are rejected', (role) => {
    expect(validateChat({ messages: [{ role, content: 'x' }] }, chatModels[0]!)?.message).toContain(
      'Invalid value:',
    )
  })

  const many = 100_000
  const user = { role: 'user', content: 'x' }
  it.each([
    [
      'unknown keys',
      { messages: [user], ...Object.fromEntries(Array.from({ length: many }, (_, i) => [`zz${i}`, i])) },
    ],
    ['one long unknown key', { messages: [user], ['k'.repeat(many * 10)]: 1 }],
    ['messages', { messages: Array.from({ length: many }, () => user) }],
    [
      'parts',
      {
        messages: [
          { role: 'user', content: Array.from({ length: many }, () => ({ type: 'text', text: 'x' })) },
        ],
      },
    ],
    [
      'metadata',
      { messages: [user], metadata: Object.fromEntries(Array.from({ length: many }, (_, i) => [i, 'x'])) },
    ],
    [
      'levels',
      { messages: [user], tools: [{ type: 'function', function: { name: 'f', parameters: nested(many) } }] },
    ],
    ['levels of content', { messages: [{ role: 'user', content: nested(many) }] }],
    [
      'tool calls',
      {
        messages: [
          user,
          {
            role: 'assistant',
            tool_calls: Array.from({ length: many }, (_, i) => ({
              id: `${i}`,
              type: 'function',
              function: { name: 'f', arguments: '' },
            })),
          },
        ],
      },
    ],
  ])('with 100,000 %s are validated in less than a second', async (_, body) => {
    const validate = (): void => expect(isErrorOrNothing(validateChat(body, chatModels[0]!))).toBe(true)
    expect(await leastMs(1_000, validate)).toBeLessThan(1_000)
  })
})

function nested(levels: number): unknown {
  let value: unknown = {}
  for (let i = 0; i < levels; i++) value = { a: value }
  return value
}
