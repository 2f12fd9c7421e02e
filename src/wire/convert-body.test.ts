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
})
