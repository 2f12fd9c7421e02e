import { describe, expect, it } from 'vitest'
import { convertBody } from './convert-body.ts'
import type { ApiForm } from './conversion.ts'

const convert = (from: ApiForm, to: ApiForm, body: object, drop: readonly string[] = []) =>
  convertBody({ ...body }, from, to, { model: 'prod', drop: new Set(drop), maxOutputTokens: 100 })

describe('convertBody', () => {
  it('returns a body of the same API unchanged', () => {
    const body = { model: 'a' }
    expect(convertBody(body, 'chat', 'chat', { model: 'b', drop: new Set(), maxOutputTokens: 1 })).toEqual({
      kind: 'converted',
      body,
    })
  })

  it('converts between chat completions and the Responses API', () => {
    expect(convert('chat', 'responses', { messages: [{ role: 'user', content: 'Hi' }] })).toMatchObject({
      kind: 'converted',
      body: { model: 'prod' },
    })
    expect(convert('responses', 'chat', { input: 'Hi' })).toMatchObject({
      kind: 'converted',
      body: { model: 'prod', messages: [{ role: 'user', content: 'Hi' }] },
    })
  })

  it('converts between the Responses API and Anthropic Messages through chat completions', () => {
    expect(convert('responses', 'messages', { instructions: 'Be brief.', input: 'Hi' })).toMatchObject({
      kind: 'converted',
      body: {
        model: 'prod',
        max_tokens: 100,
        system: 'Be brief.',
        messages: [{ role: 'user', content: 'Hi' }],
      },
    })
    expect(
      convert('messages', 'responses', { max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] }),
    ).toMatchObject({ kind: 'converted', body: { model: 'prod', max_output_tokens: 5 } })
  })

  it.each<[ApiForm, ApiForm, string, object]>([
    ['chat', 'responses', 'seed', { messages: [{ role: 'user', content: 'Hi' }], seed: 1 }],
    ['responses', 'messages', 'top_logprobs', { input: 'Hi', top_logprobs: 2 }],
    ['responses', 'messages', 'text.verbosity', { input: 'Hi', text: { verbosity: 'low' } }],
    ['responses', 'chat', 'previous_response_id', { input: 'Hi', previous_response_id: 'resp_1' }],
    [
      'messages',
      'responses',
      'stop_sequences',
      { max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }], stop_sequences: ['x'] },
    ],
  ])('from %s to %s refuses %s by its name in the request, or drops it', (from, to, param, body) => {
    const refused = convert(from, to, body)
    expect(refused).toMatchObject({
      kind: 'refused',
      error: { status: 400, param, message: expect.stringContaining(`'${param}'`) as unknown },
    })
    expect(convert(from, to, body, [param])).toMatchObject({ kind: 'converted' })
  })
})
