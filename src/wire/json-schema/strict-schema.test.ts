import { describe, expect, it } from 'vitest'
import { leastMs } from '../../../tests/support/machine-speed.ts'
import { chatRequestOf } from '../responses/responses-to-chat.ts'
import { defaultSchema } from './strict-schema.ts'

const text = { type: 'string' }

describe('the schema of a function of Responses without `strict`', () => {
  it('requires all properties and closes objects, if this makes it strict', () => {
    const inner = { type: 'object', properties: { c: text } }
    const schema = {
      type: 'object',
      properties: { a: text, b: { type: 'array', items: inner }, d: { anyOf: [inner, { type: 'null' }] } },
      required: ['a'],
    }
    const closed = { ...inner, required: ['c'], additionalProperties: false }
    expect(defaultSchema(schema)).toEqual({
      type: 'object',
      properties: { a: text, b: { type: 'array', items: closed }, d: { anyOf: [closed, { type: 'null' }] } },
      required: ['a', 'b', 'd'],
      additionalProperties: false,
    })
  })

  it.each([
    { type: 'object', properties: { a: text }, additionalProperties: true },
    { type: 'object', properties: { a: { type: 'object', additionalProperties: text } }, required: ['a'] },
    { type: 'object', properties: { a: { type: 'string', format: 'uri' } } },
    { type: 'object', properties: { a: { oneOf: [text] } } },
    { type: 'object', properties: { a: {} }, required: ['a'] },
  ])('is not changed if it cannot be strict: %j', (schema) => {
    expect(defaultSchema(schema)).toBe(schema)
  })

  it('is used only without `strict`', () => {
    const parameters = { type: 'object', properties: { a: text } }
    const usedFor = (strict: boolean | null) =>
      chatRequestOf({ input: 'Hi', tools: [{ type: 'function', name: 'f', parameters, strict }] }, []).tools
    expect(usedFor(null)).toMatchObject([{ function: { parameters: { required: ['a'] } } }])
    expect(usedFor(false)).toMatchObject([{ function: { parameters } }])
  })

  it('is computed once for each text', async () => {
    const properties = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`p${i}`, text]))
    const json = JSON.stringify({ type: 'object', properties })
    const copies = Array.from({ length: 200 }, () => JSON.parse(json) as Record<string, unknown>)
    const results = copies.map((copy) => defaultSchema(copy))
    expect(new Set(results).size).toBe(1)
    expect(await leastMs(200, () => copies.map((copy) => defaultSchema(copy)))).toBeLessThan(200)
  })
})
