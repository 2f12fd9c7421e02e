import { describe, expect, it } from 'vitest'
import { testConfig } from '../../tests/support/test-config.ts'
import type { MatchConfig } from '../config/config.ts'
import { createMatchKeys, matchRecorded, type MatchRequest } from './match-request.ts'

/** The defaults: only method, path and body must match. */
const plain: MatchConfig = testConfig().defaultResource.recordings.match
const everything = ['timestamps', 'ids', 'json-strings', 'empty-fields', 'boundaries', 'local-urls'] as const

const request = (body: unknown, contentType = 'application/json'): MatchRequest =>
  matchRecorded({
    method: 'POST',
    uri: '/v1/x',
    headers: [['content-type', contentType]],
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    bodyHash: undefined,
  })

const areEqual = (
  left: unknown,
  right: unknown,
  normalize: MatchConfig['normalize'] = everything,
): boolean => {
  const keys = createMatchKeys({ ...plain, normalize })
  return keys.keyOf(request(left)) === keys.keyOf(request(right))
}

const loop = (first: string, second: string, results: readonly [string, string] = [first, second]) => ({
  messages: [
    { role: 'user', content: 'Compare the weather of Oslo and Rome' },
    {
      role: 'assistant',
      tool_calls: [
        { id: first, type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
        { id: second, type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
      ],
    },
    { role: 'tool', tool_call_id: results[0], content: 'snow' },
    { role: 'tool', tool_call_id: results[1], content: 'sun' },
  ],
})

describe('match keys with normalizers', () => {
  it('are equal for other ids of tool calls, whatever their form', () => {
    expect(areEqual(loop('call_9hIMu2WcHxNoKLLJ', 'call_7hIMu2WcHxNoKLLX'), loop('a', 'b'))).toBe(true)
    expect(areEqual(loop('x', 'y'), loop('a', 'b'), ['timestamps'])).toBe(false)
  })

  it('differ if a result belongs to another call', () => {
    expect(areEqual(loop('x', 'y'), loop('a', 'b', ['b', 'a']))).toBe(false)
    expect(areEqual(loop('x', 'y'), loop('a', 'a'))).toBe(false)
  })

  it('are equal for other ids of items of the Responses API', () => {
    const items = (id: string, call: string) => ({
      input: [
        { type: 'function_call', id, call_id: call, name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: call, output: `done: ${call}` },
      ],
    })
    expect(areEqual(items('fc_1', 'call_abcdefgh1'), items('fc_2', 'call_abcdefgh2'))).toBe(true)
  })

  it('keep ids that select something, and ids with a meaning', () => {
    expect(areEqual({ prompt: { id: 'pmpt_1' } }, { prompt: { id: 'pmpt_2' } })).toBe(false)
    expect(areEqual({ input: 'customer C-1' }, { input: 'customer C-2' })).toBe(false)
    expect(areEqual({ model: 'gpt-4o-2024-08-06' }, { model: 'gpt-4o-2024-11-20' })).toBe(false)
  })

  it('are equal for other times, in texts and as numbers', () => {
    const at = (time: string, epoch: number) => ({ input: `It is ${time}.`, metadata: { epoch } })
    expect(
      areEqual(at('2026-11-30T06:49:38Z', 1_796_021_378), at('2026-12-01T10:00:00.5Z', 1_796_100_000.25)),
    ).toBe(true)
    expect(areEqual(at('2026-11-30', 5), at('2026-12-01', 6))).toBe(false)
  })

  it('are equal for another key order and white space in tool arguments and results, also nested', () => {
    const call = (text: string) => ({ messages: [{ tool_calls: [{ function: { arguments: text } }] }] })
    const left = '{"b": {"d": 1, "c": "{\\"y\\":1, \\"x\\":2}"}, "a": [1, 2]}'
    const right = '{"a":[1,2],"b":{"c":"{\\"x\\":2,\\"y\\":1}","d":1.0}}'
    expect(areEqual(call(left), call(right))).toBe(true)
    expect(areEqual(call(left), call(right), ['ids'])).toBe(false)
    expect(areEqual(call(left), call(right.replace('[1,2]', '[2,1]')))).toBe(false)
    expect(areEqual(call('{"a":1'), call('{"a": 1'))).toBe(false)
    expect(areEqual(call('{a}'), call('{a }'))).toBe(false)
  })

  it('are equal with and without empty fields, as clients of other versions send them', () => {
    const answer = { role: 'assistant', content: 'a' }
    const more = { ...answer, refusal: null, annotations: [], tool_calls: null }
    expect(areEqual({ messages: [more] }, { messages: [answer] }, ['empty-fields'])).toBe(true)
    expect(areEqual({ messages: [more] }, { messages: [answer] }, ['ids'])).toBe(false)
    expect(areEqual({ messages: [{ content: '' }] }, { messages: [{}] })).toBe(false)
    expect(areEqual({ messages: [[], null] }, { messages: [] })).toBe(false)
  })

  it('apply to text in strings with JSON', () => {
    const call = (id: string, time: string) => ({
      messages: [{ role: 'tool', tool_call_id: id, content: JSON.stringify({ time, id }) }],
    })
    expect(areEqual(call('call_aaaaaaaa1', '2026-11-30'), call('call_bbbbbbbb2', '2026-12-01'))).toBe(true)
  })

  it('apply to forms and to text', () => {
    const form = (boundary: string, name: string): MatchRequest =>
      request(
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}.txt"\r\n\r\nabc\r\n--${boundary}--\r\n`,
        `multipart/form-data; boundary=${boundary}`,
      )
    const keys = createMatchKeys({ ...plain, normalize: ['ids'] })
    const uuids = ['0b54ab9c-6d07-4c69-9b3e-0f1d2e3c4b5a', '1b54ab9c-6d07-4c69-9b3e-0f1d2e3c4b5b'] as const
    expect(keys.keyOf(form('x', uuids[0]))).toBe(keys.keyOf(form('y', uuids[1])))
    expect(keys.keyOf(form('x', 'a'))).not.toBe(keys.keyOf(form('y', 'b')))
    expect(areEqual(`id ${uuids[0]}`, `id ${uuids[1]}`)).toBe(true)
  })

  it('leave pictures as they are', () => {
    const picture = (time: string) => ({ url: `data:text/plain,${time}` })
    expect(areEqual(picture('2026-11-30'), picture('2026-12-01'))).toBe(false)
  })

  it('differ from exact keys', () => {
    const keys = createMatchKeys({ ...plain, normalize: everything })
    const [left, right] = [request(loop('x', 'y')), request(loop('a', 'b'))]
    expect(keys.keyOf(left)).toBe(keys.keyOf(right))
    expect(keys.exactKeyOf?.(left)).not.toBe(keys.exactKeyOf?.(right))
    expect(keys.exactKeyOf?.(left)).toBe(createMatchKeys(plain).keyOf(left))
  })

  it.each([
    ['JSON in strings', JSON.stringify({ a: `[${'['.repeat(50_000)}${']'.repeat(50_000)}]` })],
    [
      'strings in strings',
      Array.from({ length: 12 }).reduce<string>((text) => JSON.stringify({ a: text }), 'x'),
    ],
    ['deep JSON', '['.repeat(20_000) + ']'.repeat(20_000)],
    ['no JSON', '{'],
  ])('exist for %s', (_, body) => expect(areEqual(body, body)).toBe(true))
})
